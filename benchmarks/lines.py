"""Lines of any length, written straight into the tables."""

import secrets
from datetime import timedelta

from sqlalchemy import Engine, insert

from core.clock import system_clock
from core.model import Queue, QueueState, TicketState, Venue
from core.order import GAP
from core.storage.records import Records, Transaction
from core.storage.tables import contacts, tickets

ACCOUNT = "benchmark"
NUMBER = "+15550100001"
CHUNK = 1000


def make_line(engine: Engine, name: str, length: int) -> str:
    """A venue and an open queue in which `length` guests wait; answers the queue's id. The name is its join code."""
    queue_id = f"queue-{name}".lower()
    now = system_clock()

    def work(tx: Transaction) -> None:
        venue = Venue(f"venue-{name}", "The Benchmark", "UTC", "en", "06:00", NUMBER, 30, now)
        tx.venues.insert(venue, ACCOUNT)
        tx.queues.insert(
            Queue(
                id=queue_id,
                venue_id=venue.id,
                name=name,
                join_code=name,
                text="",
                called_message="",
                state=QueueState.OPEN,
                capacity=None,
                largest_party=None,
                almost_there_at=3,
                no_show_minutes=10,
                grace_minutes=15,
                version=length,
                waiting=length,
                last_number=length,
                last_order_key=length * GAP,
                day_ends_at=now + timedelta(days=1),
                last_called_at=None,
                pace_seconds=0.0,
                pace_deviation_seconds=0.0,
                pace_samples=0,
                last_action_version=0,
                created_at=now,
            )
        )

    Records(engine, system_clock).transaction(work)
    for start in range(0, length, CHUNK):
        _fill(engine, queue_id, range(start + 1, min(start + CHUNK, length) + 1))
    return queue_id


def _fill(engine: Engine, queue_id: str, numbers: range) -> None:
    now = system_clock()
    ids = {number: f"{queue_id}-{number}" for number in numbers}
    with engine.begin() as connection:
        connection.execute(
            insert(contacts),
            [
                {"id": id_, "channel": "telegram", "address": id_, "name": "", "opted_out": [], "created_at": now}
                for id_ in ids.values()
            ],
        )
        connection.execute(
            insert(tickets),
            [
                {
                    "id": id_,
                    "queue_id": queue_id,
                    "number": number,
                    "token": secrets.token_urlsafe(16),
                    "guest_name": "Guest",
                    "party_size": 2,
                    "note": "",
                    "contact_id": id_,
                    "channel": "sms",
                    "added_by_staff": False,
                    "active_key": f"{queue_id}:{id_}",
                    "state": TicketState.WAITING,
                    "order_key": number * GAP,
                    "version": number,
                    "joined_at": now,
                    "call_number": 0,
                    "almost_there_told": number <= 3,
                }
                for number, id_ in ids.items()
            ],
        )
