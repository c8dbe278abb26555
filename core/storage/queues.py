"""Queues in the record: their settings and the counters that every change keeps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, or_, select, update

from core.model import Queue, QueueState
from core.storage.columns import row_of
from core.storage.tables import memberships, phone_numbers, queues, tickets, venues
from core.storage.venues import OWNER

COUNTERS = (
    "state",
    "version",
    "waiting",
    "last_number",
    "last_order_key",
    "day_ends_at",
    "last_called_at",
    "pace_seconds",
    "pace_deviation_seconds",
    "pace_samples",
    "last_action_version",
)
LIKE_A_CODE = re.compile(r"[A-Z0-9_-]{2,22}")
SLIPS, MOST_ALIKE = 3, 300

QUEUE = select(queues)
MEMBER = exists().where(
    memberships.c.venue_id == queues.c.venue_id, memberships.c.account_id == bindparam("of_account")
)
_NUMBER = phone_numbers.c.number == bindparam("of_number")
REACHED_BY_NUMBER = or_(
    ~exists().where(_NUMBER),
    exists().where(
        _NUMBER,
        memberships.c.account_id == phone_numbers.c.account_id,
        memberships.c.role == OWNER,
        memberships.c.venue_id == queues.c.venue_id,
    ),
)
"""Whether who texts this number may mean the queue: a number that an account owns is for its own venues."""
OF_TICKET = select(tickets.c.queue_id).where(tickets.c.id == bindparam("of_ticket")).scalar_subquery()
LOCK = QUEUE.where(queues.c.id == bindparam("of_id")).with_for_update()
LOCK_AS_MEMBER = LOCK.where(MEMBER)
LOCK_OF_TICKET = QUEUE.where(queues.c.id == OF_TICKET).with_for_update()
LOCK_OF_TICKET_AS_MEMBER = LOCK_OF_TICKET.where(MEMBER)
BY_ID = QUEUE.where(queues.c.id == bindparam("of_id"))
BY_JOIN_CODE = QUEUE.where(queues.c.join_code == bindparam("of_code"))
VERSION = select(queues.c.version).where(queues.c.id == bindparam("of_id"))
INSERT = insert(queues)
SAVE_COUNTERS = (
    update(queues)
    .where(queues.c.id == bindparam("of_id"))
    .values({name: bindparam(f"new_{name}") for name in COUNTERS})
)
WITH_VENUE = select(
    queues, venues.c.name, venues.c.language, venues.c.phone_number, venues.c.time_zone, venues.c.day_starts_at
).join(venues, venues.c.id == queues.c.venue_id)
BY_CODE_WITH_VENUE = WITH_VENUE.where(queues.c.join_code == bindparam("of_code"))
BY_ID_WITH_VENUE = WITH_VENUE.where(queues.c.id == bindparam("of_id"))


@dataclass(frozen=True, slots=True)
class QueueAtVenue:
    """A queue with what a guest needs to know of its venue."""

    queue: Queue
    venue_name: str
    language: str
    phone_number: str | None
    time_zone: str
    day_starts_at: str


class Queues:
    """The queues, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, queue_id: str, account_id: str | None = None) -> Queue | None:
        """The queue, its row locked until the transaction ends; with an account, only for a member of its venue."""
        if account_id is None:
            return self._one(LOCK, of_id=queue_id)
        return self._one(LOCK_AS_MEMBER, of_id=queue_id, of_account=account_id)

    def lock_of_ticket(self, ticket_id: str, account_id: str | None = None) -> Queue | None:
        """The queue of this ticket, locked as `lock` does."""
        if account_id is None:
            return self._one(LOCK_OF_TICKET, of_ticket=ticket_id)
        return self._one(LOCK_OF_TICKET_AS_MEMBER, of_ticket=ticket_id, of_account=account_id)

    def get(self, queue_id: str) -> Queue | None:
        """The queue, not locked."""
        return self._one(BY_ID, of_id=queue_id)

    def by_join_code(self, join_code: str) -> Queue | None:
        """The queue with this join code (upper case), not locked."""
        return self._one(BY_JOIN_CODE, of_code=join_code)

    def version(self, queue_id: str) -> int | None:
        """The version of the queue, by which the view and the pages tell whether they are behind."""
        version: int | None = self._connection.execute(VERSION, {"of_id": queue_id}).scalar()
        return version

    def at_venue_by_code(self, join_code: str) -> QueueAtVenue | None:
        """The queue with this join code, with its venue."""
        row = self._connection.execute(BY_CODE_WITH_VENUE, {"of_code": join_code}).first()
        return None if row is None else queue_at_venue(row)

    def at_venue(self, queue_id: str) -> QueueAtVenue | None:
        """The queue with its venue."""
        row = self._connection.execute(BY_ID_WITH_VENUE, {"of_id": queue_id}).first()
        return None if row is None else queue_at_venue(row)

    def all_at_venues(self, limit: int) -> list[QueueAtVenue]:
        """The first `limit` queues of all venues, for a channel that serves them all."""
        rows = self._connection.execute(WITH_VENUE.order_by(queues.c.created_at).limit(limit))
        return [queue_at_venue(row) for row in rows]

    def join_codes_like(self, code: str, number: str | None = None) -> list[str]:
        """The join codes that `code` (upper case), texted to a number, may be a slip of: at most 300, in their order.

        They are about as long, and begin with its first character or, where two were swapped, its second. None
        where it can't be a code at all.
        """
        if not LIKE_A_CODE.fullmatch(code):
            return []
        column = queues.c.join_code
        # Ranges, for which the index on the codes is enough.
        begins_alike = or_(*(and_(column >= first, column < chr(ord(first) + 1)) for first in code[:2]))
        as_long = func.length(column).between(len(code) - SLIPS, len(code) + SLIPS)
        query = select(column).where(begins_alike, as_long, REACHED_BY_NUMBER).order_by(column).limit(MOST_ALIKE)
        return list(self._connection.execute(query, {"of_number": number}).scalars())

    def of_venue(self, venue_id: str) -> list[Queue]:
        """The queues of a venue, oldest first."""
        query = QUEUE.where(queues.c.venue_id == venue_id).order_by(queues.c.created_at, queues.c.id)
        return [_queue(row) for row in self._connection.execute(query)]

    def whose_day_ended(self, now: datetime) -> list[str]:
        """The ids of the queues whose business day is over."""
        return list(self._connection.execute(select(queues.c.id).where(queues.c.day_ends_at <= now)).scalars())

    def insert(self, queue: Queue) -> None:
        """Add a queue. Raises IntegrityError where the join code is taken."""
        self._connection.execute(INSERT, row_of(queue))

    def save_counters(self, queue: Queue) -> None:
        """Write the state and the counters of a locked queue."""
        values: dict[str, Any] = {f"new_{name}": getattr(queue, name) for name in COUNTERS}
        self._connection.execute(SAVE_COUNTERS, values | {"of_id": queue.id})

    def save_settings(self, queue_id: str, values: dict[str, Any]) -> None:
        """Write the settings named in `values`."""
        self._connection.execute(update(queues).where(queues.c.id == queue_id).values(values))

    def _one(self, query: Any, **values: Any) -> Queue | None:
        row = self._connection.execute(query, values).first()
        return None if row is None else _queue(row)


WIDTH = len(queues.c)


def _queue(row: Any) -> Queue:
    queue = Queue(*row[:WIDTH])
    queue.state = QueueState(queue.state)
    return queue


def queue_at_venue(row: Sequence[Any]) -> QueueAtVenue:
    """The queue and venue in a row of `WITH_VENUE`'s columns."""
    return QueueAtVenue(_queue(row), *row[WIDTH:])
