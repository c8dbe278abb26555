"""Where a contact stands and where it may be heading, in one statement: what every message needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Select, bindparam, literal, null, select, union_all

from core.model import Ticket
from core.storage.queues import QueueAtVenue, queue_at_venue
from core.storage.tables import queues, venues
from core.storage.tickets import FIELDS, OF_CONTACT, ticket_from

OWN, CODE, NUMBER = "own", "code", "number"
OWN_TICKETS = OF_CONTACT.subquery()
WIDTH = len(queues.c) + 3
MOST_CODES = 3


def _found_by(way: str, *ticket: Any) -> Select[Any]:
    at_venue = (*queues.c, venues.c.name.label("venue_name"), venues.c.language, venues.c.phone_number)
    return select(literal(way).label("way"), *at_venue, *ticket)


_VENUE = venues.c.id == queues.c.venue_id
_NO_TICKET = tuple(null().label(f"ticket_{name}") for name in FIELDS)
AROUND = union_all(
    # First, since a union takes its columns' types from its first part.
    _found_by(OWN, *(OWN_TICKETS.c[name].label(f"ticket_{name}") for name in FIELDS))
    .join_from(OWN_TICKETS, queues, queues.c.id == OWN_TICKETS.c.queue_id)
    .join(venues, _VENUE),
    _found_by(CODE, *_NO_TICKET)
    .join_from(queues, venues, _VENUE)
    .where(queues.c.join_code.in_([bindparam(f"of_code_{index}") for index in range(MOST_CODES)])),
    _found_by(NUMBER, *_NO_TICKET)
    .join_from(queues, venues, _VENUE)
    .where(venues.c.phone_number == bindparam("of_number")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket of a contact, with its queue and venue."""

    ticket: Ticket
    at: QueueAtVenue


@dataclass(frozen=True, slots=True)
class Around:
    """`own`: the contact's active tickets and no-shows, newest first. `by_code`: the queues with the codes asked
    for. `at_number`: the queues of the venues that have the number, oldest first."""

    own: list[Place]
    by_code: dict[str, QueueAtVenue]
    at_number: list[QueueAtVenue]


class Places:
    """The places of contacts, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def around(self, contact_id: str, codes: Sequence[str], number: str | None) -> Around:
        """Everything a message of this contact may be about: at most three codes, in upper case; a number in E.164."""
        values = {"of_contact": contact_id, "of_number": number}
        values |= {f"of_code_{index}": code for index, code in zip_longest(range(MOST_CODES), codes[:MOST_CODES])}
        around = Around([], {}, [])
        for way, *row in self._connection.execute(AROUND, values):
            at = queue_at_venue(row[:WIDTH])
            if way == OWN:
                around.own.append(Place(ticket_from(row[WIDTH:]), at))
            elif way == CODE:
                around.by_code[at.queue.join_code] = at
            else:
                around.at_number.append(at)
        around.own.sort(key=lambda place: place.ticket.joined_at, reverse=True)
        around.at_number.sort(key=lambda at: (at.queue.created_at, at.queue.id))
        return around
