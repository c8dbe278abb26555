"""Tickets in the record."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, union_all, update

from core.model import ACTIVE_STATES, LineEntry, Ticket, TicketState
from core.storage.columns import row_of
from core.storage.tables import queues, tickets, venues

FIELDS = tuple(Ticket.__dataclass_fields__)
COLUMNS = tuple(tickets.c[name] for name in FIELDS)
TICKET = select(*COLUMNS)
CHANGING = (
    "guest_name",
    "party_size",
    "note",
    "state",
    "order_key",
    "version",
    "called_at",
    "ended_at",
    "call_number",
    "no_show_at",
)
INSERT = insert(tickets)
SAVE = (
    update(tickets)
    .where(tickets.c.id == bindparam("of_id"))
    .values({name: bindparam(f"new_{name}") for name in (*CHANGING, "active_key")})
)
NOTICED = ("no_show_at", "last_notice_kind", "last_notice_state", "last_notice_at")
SAVE_NOTICED = (
    update(tickets)
    .where(tickets.c.id == bindparam("of_id"))
    .values({name: bindparam(f"new_{name}") for name in NOTICED})
)
BY_ID = TICKET.where(tickets.c.id == bindparam("of_id"))
BY_TOKEN = TICKET.where(tickets.c.token == bindparam("of_token"))
ID_BY_ACTIVE_KEY = select(tickets.c.id).where(tickets.c.active_key == bindparam("of_key"))
WAITING = (
    TICKET.where(tickets.c.queue_id == bindparam("of_queue"), tickets.c.state == TicketState.WAITING)
    .order_by(tickets.c.order_key)
    .limit(bindparam("at_most"))
)
BY_ID_AND_WAITING = union_all(BY_ID, select(WAITING.subquery()))
WAITING_THAT_FIT = WAITING.where(tickets.c.party_size <= bindparam("seats"))
COUNT_AHEAD = select(func.count()).where(
    tickets.c.queue_id == bindparam("of_queue"),
    tickets.c.state == TicketState.WAITING,
    tickets.c.order_key < bindparam("of_order_key"),
)
AHEAD = tickets.alias("ahead")
POSITION = (
    select(func.count(AHEAD.c.id) + 1)
    .select_from(tickets)
    .outerjoin(
        AHEAD,
        (AHEAD.c.queue_id == tickets.c.queue_id)
        & (AHEAD.c.state == TicketState.WAITING)
        & (AHEAD.c.order_key < tickets.c.order_key),
    )
    .where(tickets.c.id == bindparam("of_id"), tickets.c.state == TicketState.WAITING)
    .group_by(tickets.c.id)
)
TELL_ALMOST_THERE = (
    update(tickets).where(tickets.c.id.in_(bindparam("ids", expanding=True))).values(almost_there_told=True)
)
LINE_SNAPSHOT = (
    select(queues.c.version, tickets.c.id, tickets.c.order_key)
    .join_from(
        queues,
        tickets,
        (tickets.c.queue_id == queues.c.id) & (tickets.c.state == TicketState.WAITING),
        isouter=True,
    )
    .where(queues.c.id == bindparam("of_queue"))
)


def active_key(ticket: Ticket) -> str | None:
    """What is unique while the contact holds a place in the queue (MySQL has no partial index)."""
    if ticket.contact_id is None or ticket.state not in ACTIVE_STATES:
        return None
    return f"{ticket.queue_id}:{ticket.contact_id}"


class Tickets:
    """The tickets, on an open connection. Whoever changes one holds the lock of its queue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, ticket: Ticket) -> None:
        """Add a ticket. Raises IntegrityError where its contact holds a place in the queue."""
        self._connection.execute(INSERT, row_of(ticket) | {"active_key": active_key(ticket)})

    def save(self, ticket: Ticket) -> None:
        """Write what may change of a ticket."""
        values: dict[str, Any] = {f"new_{name}": getattr(ticket, name) for name in CHANGING}
        values["new_active_key"] = active_key(ticket)
        self._connection.execute(SAVE, values | {"of_id": ticket.id})

    def save_noticed(self, ticket: Ticket) -> None:
        """Write what a notice's way changes of its ticket, and no more: names may be erased at the same time."""
        values: dict[str, Any] = {f"new_{name}": getattr(ticket, name) for name in NOTICED}
        self._connection.execute(SAVE_NOTICED, values | {"of_id": ticket.id})

    def get(self, ticket_id: str) -> Ticket | None:
        """The ticket with this id."""
        return self._one(BY_ID, of_id=ticket_id)

    def by_token(self, token: str) -> Ticket | None:
        """The ticket that a guest's page names by its token."""
        return self._one(BY_TOKEN, of_token=token)

    def active_of(self, queue_id: str, contact_id: str) -> Ticket | None:
        """The contact's place in this queue."""
        # Mostly there is none, and PyMySQL reads the description of every column that is asked for.
        key = f"{queue_id}:{contact_id}"
        ticket_id: str | None = self._connection.execute(ID_BY_ACTIVE_KEY, {"of_key": key}).scalar()
        return None if ticket_id is None else self.get(ticket_id)

    def first_waiting(self, queue_id: str, at_most: int) -> list[Ticket]:
        """The head of the line, in order."""
        return self._all(WAITING, of_queue=queue_id, at_most=at_most)

    def get_beside_first_waiting(
        self, ticket_id: str, queue_id: str, at_most: int
    ) -> tuple[Ticket | None, list[Ticket]]:
        """The ticket with this id, and without it the head of its line, in order; read at once."""
        found = self._all(BY_ID_AND_WAITING, of_id=ticket_id, of_queue=queue_id, at_most=at_most)
        others = sorted((each for each in found if each.id != ticket_id), key=lambda each: each.order_key)
        return next((each for each in found if each.id == ticket_id), None), others

    def first_that_fits(self, queue_id: str, seats: int) -> Ticket | None:
        """The first in line whose party is not larger than `seats`."""
        return self._one(WAITING_THAT_FIT, of_queue=queue_id, seats=seats, at_most=1)

    def in_states(self, queue_id: str, states: Iterable[TicketState]) -> list[Ticket]:
        """All tickets of a queue in these states."""
        query = TICKET.where(tickets.c.queue_id == queue_id, tickets.c.state.in_(list(states)))
        return self._all(query.order_by(tickets.c.order_key))

    def ahead_of(self, ticket: Ticket | LineEntry) -> int:
        """How many wait before this ticket, counted. Where its queue is not locked, it may have moved since."""
        count: int = self._connection.execute(
            COUNT_AHEAD, {"of_queue": ticket.queue_id, "of_order_key": ticket.order_key}
        ).scalar_one()
        return count

    def position_of(self, ticket_id: str) -> int | None:
        """The ticket's position, from 1, counted as of one moment; None unless it waits."""
        position: int | None = self._connection.execute(POSITION, {"of_id": ticket_id}).scalar()
        return position

    def around_place(self, queue_id: str, position: int, without: str) -> tuple[int | None, int | None]:
        """The order keys between which a ticket stands at `position` (from 1) in the line without ticket `without`.

        None stands for the line's end on that side.
        """
        query = (
            select(tickets.c.order_key)
            .where(
                tickets.c.queue_id == queue_id,
                tickets.c.state == TicketState.WAITING,
                tickets.c.id != without,
            )
            .order_by(tickets.c.order_key)
            .offset(max(position - 2, 0))
            .limit(2 if position > 1 else 1)
        )
        keys: list[int | None] = list(self._connection.execute(query).scalars())
        before = keys.pop(0) if position > 1 and keys else None
        return before, keys[0] if keys else None

    def key_after(self, queue_id: str, order_key: int) -> int:
        """The next order key above this one, which is not the last, that any ticket has, ended ones too."""
        query = select(func.min(tickets.c.order_key)).where(
            tickets.c.queue_id == queue_id, tickets.c.order_key > order_key
        )
        key: int = self._connection.execute(query).scalar_one()
        return key

    def key_before(self, queue_id: str, order_key: int) -> int | None:
        """The next order key below this one that any ticket of the queue has, ended ones too."""
        query = select(func.max(tickets.c.order_key)).where(
            tickets.c.queue_id == queue_id, tickets.c.order_key < order_key
        )
        key: int | None = self._connection.execute(query).scalar()
        return key

    def save_order_keys(self, keys: dict[str, int]) -> None:
        """Give tickets new order keys, by id."""
        statement = (
            update(tickets).where(tickets.c.id == bindparam("of_id")).values(order_key=bindparam("new_order_key"))
        )
        self._connection.execute(statement, [{"of_id": id_, "new_order_key": key} for id_, key in keys.items()])

    def remove_active(self, queue_id: str, version: int, at: datetime) -> None:
        """Take everybody who holds a place out of a line."""
        self._connection.execute(
            update(tickets)
            .where(tickets.c.queue_id == queue_id, tickets.c.state.in_(ACTIVE_STATES))
            .values(state=TicketState.REMOVED, active_key=None, ended_at=at, no_show_at=None, version=version)
        )

    def tell_almost_there(self, ticket_ids: Sequence[str]) -> None:
        """Note that these guests have been told that their turn is near."""
        self._connection.execute(TELL_ALMOST_THERE, {"ids": list(ticket_ids)})

    def channels(self, ticket_ids: Collection[str]) -> dict[str, str]:
        """Of those of these tickets that have a contact, its channel, by the ticket's id."""
        query = select(tickets.c.id, tickets.c.channel).where(
            tickets.c.id.in_(ticket_ids), tickets.c.channel.is_not(None)
        )
        return {row.id: row.channel for row in self._connection.execute(query)}

    def line_snapshot(self, queue_id: str) -> tuple[int, dict[str, int]] | None:
        """The queue's version and the order key of everybody who waits, of one moment (one statement)."""
        rows = self._connection.execute(LINE_SNAPSHOT, {"of_queue": queue_id}).all()
        if not rows:
            return None
        return rows[0].version, {row.id: row.order_key for row in rows if row.id is not None}

    def overdue(self, now: datetime, at_most: int) -> list[str]:
        """The ids of called tickets whose no-show clock has run out."""
        query = (
            select(tickets.c.id)
            .where(tickets.c.no_show_at <= now, tickets.c.state == TicketState.CALLED)
            .order_by(tickets.c.no_show_at)
            .limit(at_most)
        )
        return list(self._connection.execute(query).scalars())

    def erase_expired(self, now: datetime, at_most: int) -> int:
        """Blank names and notes of ended tickets past their venue's retention time; answers how many it found."""
        expired: list[str] = []
        # By the few times that venues chose: databases differ in how they count days from a column.
        for days in self._connection.execute(select(venues.c.retention_days).distinct()).scalars().all():
            query = (
                select(tickets.c.id)
                .join_from(tickets, queues, queues.c.id == tickets.c.queue_id)
                .join(venues, venues.c.id == queues.c.venue_id)
                .where(
                    tickets.c.erased_at.is_(None),
                    tickets.c.joined_at < now - timedelta(days=days),
                    tickets.c.state.not_in(ACTIVE_STATES),
                    venues.c.retention_days == days,
                )
                .limit(at_most - len(expired))
            )
            expired += self._connection.execute(query).scalars()
            if len(expired) == at_most:
                break
        if expired:
            self._connection.execute(
                update(tickets)
                # Looked at again: an undo may have brought one back into the line.
                .where(tickets.c.id.in_(expired), tickets.c.state.not_in(ACTIVE_STATES))
                .values(guest_name="", note="", sender=None, erased_at=now)
            )
        return len(expired)

    def _one(self, query: Any, **values: Any) -> Ticket | None:
        row = self._connection.execute(query, values).first()
        return None if row is None else ticket_from(row)

    def _all(self, query: Any, **values: Any) -> list[Ticket]:
        return [ticket_from(row) for row in self._connection.execute(query, values)]


def ticket_from(row: Sequence[Any]) -> Ticket:
    """The ticket in a row of `COLUMNS`."""
    ticket = Ticket(*row)
    ticket.state = TicketState(ticket.state)
    return ticket
