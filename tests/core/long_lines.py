"""Long lines, made by the hundred."""

from typing import Any

from sqlalchemy import insert

from core.model import EventKind, Ticket, TicketState
from core.order import GAP
from core.storage.records import Transaction
from core.storage.tables import events, tickets
from tests.core.lines import Line


def lengthen(line: Line, how_many: int) -> list[Ticket]:
    """As many walk-ins join, as one change of the queue. Answers them in order."""

    def work(tx: Transaction) -> None:
        queue = tx.lock(tx.queues.lock(line.id))
        assert queue is not None
        version = tx.change(queue).version
        numbers = range(queue.last_number + 1, queue.last_number + how_many + 1)
        rows: list[dict[str, Any]] = [
            {
                "id": f"{version}-{number}",
                "queue_id": queue.id,
                "number": number,
                "token": f"token-{version}-{number}",
                "guest_name": "",
                "party_size": 2,
                "note": "",
                "added_by_staff": True,
                "state": TicketState.WAITING,
                "order_key": queue.last_order_key + GAP * (1 + index),
                "version": version,
                "joined_at": tx.now,
                "call_number": 0,
                "almost_there_told": False,
            }
            for index, number in enumerate(numbers)
        ]
        tx.connection.execute(insert(tickets), rows)
        tx.connection.execute(
            insert(events),
            [
                {
                    "queue_id": queue.id,
                    "version": version,
                    "ordinal": index,
                    "kind": EventKind.JOINED,
                    "ticket_id": row["id"],
                    "at": tx.now,
                    "actor_kind": "staff",
                    "call_number": 0,
                    "data": {},
                    "relayed_at": tx.now,
                }
                for index, row in enumerate(rows)
            ],
        )
        tx.change(queue).waiting.update({row["id"]: row["order_key"] for row in rows})
        queue.waiting += how_many
        queue.last_number += how_many
        queue.last_order_key += GAP * how_many

    line.do(work)
    with line.records.reading() as tx:
        return tx.tickets.first_waiting(line.id, 100_000)[-how_many:]
