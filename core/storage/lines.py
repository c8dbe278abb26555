"""The line as staff read it: of each ticket what they see, with its guest's channel, and no column more.

A page of it is read every two seconds by everybody who watches, and the driver takes its time for each value.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from core.model import LineEntry, TicketState
from core.storage.tables import contacts, tickets

ENTRY = select(
    tickets.c.id,
    tickets.c.queue_id,
    tickets.c.number,
    tickets.c.token,
    tickets.c.guest_name,
    tickets.c.party_size,
    tickets.c.note,
    tickets.c.state,
    tickets.c.order_key,
    tickets.c.joined_at,
    tickets.c.called_at,
    tickets.c.ended_at,
    tickets.c.no_show_at,
    tickets.c.last_notice_kind,
    tickets.c.last_notice_state,
    tickets.c.last_notice_at,
    tickets.c.channel,
    contacts.c.unreachable,
    contacts.c.opted_out,
    tickets.c.sender,
).join_from(tickets, contacts, contacts.c.id == tickets.c.contact_id, isouter=True)


def _in_state(state: TicketState) -> Select[Any]:
    return (
        ENTRY.where(
            tickets.c.queue_id == bindparam("of_queue"),
            tickets.c.state == state,
            tickets.c.order_key > bindparam(f"after_{state}"),
        )
        .order_by(tickets.c.order_key)
        .limit(bindparam("at_most"))
    )


IN_STATE = {state: _in_state(state) for state in TicketState}
# "called" sorts before "waiting", so the index on queue, state and order key gives the line in order of call.
ACTIVE = (
    ENTRY.where(
        tickets.c.queue_id == bindparam("of_queue"),
        or_(
            and_(tickets.c.state == TicketState.CALLED, tickets.c.order_key > bindparam("after_called")),
            and_(tickets.c.state == TicketState.WAITING, tickets.c.order_key > bindparam("after_waiting")),
        ),
    )
    .order_by(tickets.c.state, tickets.c.order_key)
    .limit(bindparam("at_most"))
)
NO_SHOWS_SINCE = (
    ENTRY.where(
        tickets.c.queue_id == bindparam("of_queue"),
        tickets.c.state == TicketState.NO_SHOW,
        tickets.c.ended_at >= bindparam("since"),
    )
    .order_by(tickets.c.ended_at.desc())
    .limit(bindparam("at_most"))
)
OF_TICKET = ENTRY.where(tickets.c.id == bindparam("of_id"))


class Lines:
    """The lines of all queues, on an open connection. Positions are not filled in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def active(self, queue_id: str, at_most: int, after_called: int, after_waiting: int) -> list[LineEntry]:
        """The first `at_most` of who is called, then who waits, in order, after these order keys. One statement."""
        after = {"after_called": after_called, "after_waiting": after_waiting}
        return self._read(ACTIVE, of_queue=queue_id, at_most=at_most, **after)

    def in_state(self, queue_id: str, state: TicketState, at_most: int, after: int) -> list[LineEntry]:
        """The tickets in one state, in order, after this order key."""
        return self._read(IN_STATE[state], of_queue=queue_id, at_most=at_most, **{f"after_{state}": after})

    def no_shows_since(self, queue_id: str, since: datetime, at_most: int) -> list[LineEntry]:
        """The last who did not come, since then, newest first."""
        return self._read(NO_SHOWS_SINCE, of_queue=queue_id, since=since, at_most=at_most)

    def entry(self, ticket_id: str) -> LineEntry | None:
        """One ticket, wherever it stands."""
        return next(iter(self._read(OF_TICKET, of_id=ticket_id)), None)

    def _read(self, query: Select[Any], **values: Any) -> list[LineEntry]:
        return [_entry(*row) for row in self._connection.execute(query, values)]


def _entry(*row: Any) -> LineEntry:
    *seen, unreachable, opted_out, sender = row
    entry = LineEntry(*seen)
    entry.state = TicketState(entry.state)
    channel = entry.channel
    entry.reachable = channel is not None and unreachable is None and (sender or channel) not in (opted_out or [])
    return entry
