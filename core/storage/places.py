"""Where a contact stands, and the queues that a message may be about: what the conversation has to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Self

from sqlalchemy import Connection, bindparam, select, union_all

from core.model import ACTIVE_STATES, Queue, QueueState, Ticket, TicketState
from core.storage.queues import REACHED_BY_NUMBER, WITH_VENUE, QueueAtVenue, queue_at_venue
from core.storage.tables import queues, tickets, venues
from core.storage.tickets import COLUMNS, ticket_from

WIDTH = len(COLUMNS)
MOST_CODES = 3
OF_CONTACT = (
    select(*COLUMNS, *WITH_VENUE.selected_columns)
    .join_from(tickets, queues, queues.c.id == tickets.c.queue_id)
    .join(venues, venues.c.id == queues.c.venue_id)
    .where(
        tickets.c.contact_id == bindparam("of_contact"),
        tickets.c.state.in_([*ACTIVE_STATES, TicketState.NO_SHOW]),
    )
    .order_by(tickets.c.joined_at.desc())
    .limit(20)
)
# Few columns: the driver takes longer to describe a queue's thirty than the server to find the row.
ENTRANCE = select(
    queues.c.id,
    queues.c.name,
    queues.c.join_code,
    queues.c.state,
    queues.c.largest_party,
    queues.c.created_at,
    venues.c.name.label("venue_name"),
    venues.c.language,
    venues.c.phone_number,
    venues.c.time_zone,
    venues.c.day_starts_at,
).join_from(queues, venues, venues.c.id == queues.c.venue_id)
ENTRANCES = union_all(
    ENTRANCE.where(
        queues.c.join_code.in_([bindparam(f"of_code_{index}") for index in range(MOST_CODES)]), REACHED_BY_NUMBER
    ),
    ENTRANCE.where(venues.c.phone_number == bindparam("of_number")),
)
FIRST_ENTRANCES = ENTRANCE.order_by(queues.c.created_at).limit(bindparam("at_most"))


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a guest has to know of a queue and its venue before joining."""

    queue_id: str
    name: str
    join_code: str
    state: QueueState
    largest_party: int | None
    created_at: datetime
    venue_name: str
    language: str
    phone_number: str | None
    time_zone: str
    day_starts_at: str

    @classmethod
    def of(cls, at: QueueAtVenue) -> Self:
        """The entrance of a queue that is known already."""
        queue = at.queue
        about_queue = (queue.id, queue.name, queue.join_code, queue.state, queue.largest_party, queue.created_at)
        return cls(*about_queue, at.venue_name, at.language, at.phone_number, at.time_zone, at.day_starts_at)

    def with_queue(self, queue: Queue) -> QueueAtVenue:
        """The queue behind it, with its venue."""
        return QueueAtVenue(
            queue, self.venue_name, self.language, self.phone_number, self.time_zone, self.day_starts_at
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket of a contact, with its queue and venue."""

    ticket: Ticket
    at: QueueAtVenue


class Places:
    """Places and entrances, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_contact(self, contact_id: str) -> list[Place]:
        """The contact's active tickets and no-shows, newest first."""
        rows = self._connection.execute(OF_CONTACT, {"of_contact": contact_id})
        return [Place(ticket_from(row[:WIDTH]), queue_at_venue(row[WIDTH:])) for row in rows]

    def entrances(self, codes: Sequence[str], number: str | None) -> list[Entrance]:
        """The queues with one of at most three join codes (upper case), and those at a phone number; oldest first.

        Where an account owns the number, a code counts for its own venues only.
        """
        values: dict[str, Any] = {f"of_code_{index}": code for index, code in _numbered(codes)}
        rows = self._connection.execute(ENTRANCES, values | {"of_number": number})
        found = {row.id: _entrance(row) for row in rows}
        return sorted(found.values(), key=lambda entrance: (entrance.created_at, entrance.queue_id))

    def first_entrances(self, at_most: int) -> list[Entrance]:
        """The oldest queues of all venues, for a channel that serves them all."""
        return [_entrance(row) for row in self._connection.execute(FIRST_ENTRANCES, {"at_most": at_most})]


def _numbered(codes: Sequence[str]) -> list[tuple[int, str | None]]:
    return list(zip_longest(range(MOST_CODES), codes[:MOST_CODES]))


def _entrance(row: Any) -> Entrance:
    queue_id, name, join_code, state, *rest = row
    return Entrance(queue_id, name, join_code, QueueState(state), *rest)
