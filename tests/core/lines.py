"""A venue with one queue, as the tests of the queue service use it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, select

from core.business_day import end_of_business_day
from core.contacts import ContactBook
from core.errors import Refusal
from core.estimates import Estimate, estimate
from core.model import (
    GUEST,
    Actor,
    ContactAddress,
    Event,
    EventKind,
    Queue,
    QueueState,
    Ticket,
    TicketState,
    Venue,
    staff,
)
from core.queues import Joined, QueueService
from core.storage.records import Records, Transaction
from core.storage.tables import metadata
from tests.clocks import StillClock

T = TypeVar("T")

OWNER = staff("owner")
STRANGER = staff("stranger")


class Line:
    """One queue and the people around it. Every method is a transaction of its own."""

    def __init__(self, records: Records, engine: Engine, **settings: Any) -> None:
        self.records = records
        self.engine = engine
        self.queues = QueueService()
        self.book = ContactBook(b"a key for tests")
        self.id = "queue"
        self.do(lambda tx: add_venue(tx, "venue", OWNER))
        self.do(lambda tx: add_queue(tx, "venue", self.id, **settings))

    @property
    def clock(self) -> StillClock:
        assert isinstance(self.records.clock, StillClock)
        return self.records.clock

    def do(self, work: Callable[[Transaction], T]) -> T:
        return self.records.transaction(work)

    def wait(self, **how_long: float) -> None:
        self.clock.advance(timedelta(**how_long))

    def join(self, address: str | None = None, actor: Actor = GUEST, **details: Any) -> Ticket:
        """A guest at this address of SMS, or a walk-in without one, takes a place."""
        return self.do(lambda tx: self.joining(tx, address, actor, **details)).ticket

    def joining(self, tx: Transaction, address: str | None = None, actor: Actor = GUEST, **details: Any) -> Joined:
        contact = self.book.lock_or_add(tx, ContactAddress("sms", address)) if address else None
        return self.queues.join(tx, details.pop("queue_id", self.id), actor, contact=contact, **details)

    def fill(self, how_many: int, **details: Any) -> list[Ticket]:
        return [self.join(f"+1555020{index:04}", **details) for index in range(how_many)]

    def call_next(self, seats: int | None = None) -> Ticket:
        return self.do(lambda tx: self.queues.call_next(tx, self.id, OWNER, seats))

    def act(self, name: str, ticket: Ticket, *more: Any, actor: Actor = OWNER, **details: Any) -> Ticket:
        """The operation of this name on a ticket."""
        operation = getattr(self.queues, name)
        if name == "move":
            return self.do(lambda tx: operation(tx, ticket.id, *more, actor))
        return self.do(lambda tx: operation(tx, ticket.id, actor, **details))

    def undo(self) -> Ticket:
        return self.do(lambda tx: self.queues.undo(tx, self.id, OWNER))

    def refuses(self, error: type[Refusal], work: Callable[[Transaction], Any]) -> dict[str, Any]:
        """The details of the refusal that `work` meets; nothing in the record is another than before."""
        before = contents(self.engine)
        with pytest.raises(Refusal) as raised:
            self.do(work)
        assert type(raised.value) is error
        assert contents(self.engine) == before
        return raised.value.details

    @property
    def queue(self) -> Queue:
        with self.records.reading() as tx:
            queue = tx.queues.get(self.id)
        assert queue is not None
        return queue

    def ticket(self, ticket: Ticket) -> Ticket:
        """The ticket as it stands in the record now."""
        with self.records.reading() as tx:
            found = tx.tickets.get(ticket.id)
        assert found is not None
        return found

    def estimate(self, position: int | None) -> Estimate | None:
        return estimate(self.queue, position)

    def state(self, ticket: Ticket) -> TicketState:
        return self.ticket(ticket).state

    def order(self) -> list[str]:
        """The ids of those who wait, in order."""
        with self.records.reading() as tx:
            return [ticket.id for ticket in tx.tickets.first_waiting(self.id, 10_000)]

    def position(self, ticket: Ticket) -> int:
        return self.order().index(ticket.id) + 1

    def history(self, ticket: Ticket) -> list[Event]:
        with self.records.reading() as tx:
            return tx.event_log.of_ticket(ticket.id)

    def happened(self, ticket: Ticket) -> list[EventKind]:
        return [event.kind for event in self.history(ticket)]


def add_venue(tx: Transaction, venue_id: str, owner: Actor, **settings: Any) -> Venue:
    values: dict[str, Any] = {
        "name": "The Bar",
        "time_zone": "America/Sao_Paulo",
        "language": "en",
        "day_starts_at": "06:00",
        "phone_number": None,
        "retention_days": 30,
        "created_at": tx.now,
    }
    venue = Venue(id=venue_id, **(values | settings))
    assert owner.account_id is not None
    tx.venues.insert(venue, owner.account_id)
    return venue


def add_queue(tx: Transaction, venue_id: str, queue_id: str, **settings: Any) -> None:
    venue = tx.venues.get(venue_id)
    assert venue is not None
    values: dict[str, Any] = {
        "name": "Tables",
        "join_code": queue_id.upper(),
        "text": "",
        "called_message": "",
        "state": QueueState.OPEN,
        "capacity": None,
        "largest_party": None,
        "almost_there_at": 0,
        "no_show_minutes": None,
        "grace_minutes": 15,
        "version": 0,
        "waiting": 0,
        "last_number": 0,
        "last_order_key": 0,
        "day_ends_at": end_of_business_day(tx.now, venue.time_zone, venue.day_starts_at),
        "last_called_at": None,
        "pace_seconds": 0.0,
        "pace_deviation_seconds": 0.0,
        "pace_samples": 0,
        "last_action_version": 0,
        "created_at": tx.now,
    }
    tx.queues.insert(Queue(id=queue_id, venue_id=venue_id, **(values | settings)))


def contents(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with engine.execution_options(reads=True).connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all())) for table in metadata.sorted_tables
        }
