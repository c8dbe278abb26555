"""The events: history and outbox in one append-only table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select, update

from core.model import Actor, ActorKind, Event, EventKind
from core.storage.tables import events

INSERT = insert(events)
COLUMNS = (
    events.c.queue_id,
    events.c.version,
    events.c.ordinal,
    events.c.kind,
    events.c.ticket_id,
    events.c.at,
    events.c.actor_kind,
    events.c.account_id,
    events.c.call_number,
    events.c.data,
    events.c.relayed_at,
)


class Events:
    """The recorded events, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, new: Sequence[Event]) -> None:
        """Append events, in one statement."""
        self._connection.execute(INSERT, [_row(event) for event in new])

    def of_ticket(self, ticket_id: str) -> list[Event]:
        """The history of a ticket, oldest first."""
        return self._read(
            select(*COLUMNS).where(events.c.ticket_id == ticket_id).order_by(events.c.version, events.c.ordinal)
        )

    def of_version(self, queue_id: str, version: int) -> list[Event]:
        """What one change of a queue recorded."""
        return self._read(
            select(*COLUMNS)
            .where(events.c.queue_id == queue_id, events.c.version == version)
            .order_by(events.c.ordinal)
        )

    def unrelayed(self, limit: int, ticket_id: str | None = None) -> list[Event]:
        """Events that nobody has passed on, oldest first, locked: all, or those of one ticket.

        Of all, those that another process holds are left out. Of one ticket they are waited for: a process that looks
        for another ticket's events holds these for an instant, and nobody would ask for them again.
        """
        query = select(*COLUMNS).where(events.c.relayed_at.is_(None))
        if ticket_id is not None:
            query = query.where(events.c.ticket_id == ticket_id)
        return self._read(
            query.order_by(events.c.at, events.c.version, events.c.ordinal)
            .limit(limit)
            .with_for_update(skip_locked=ticket_id is None)
        )

    def left_behind(self, before: datetime, at_most: int) -> list[str]:
        """The tickets of events before that moment that nobody has passed on."""
        query = (
            select(events.c.ticket_id)
            .where(events.c.relayed_at.is_(None), events.c.at < before)
            .group_by(events.c.ticket_id)
            .order_by(func.min(events.c.at))
            .limit(at_most)
        )
        return list(self._connection.execute(query).scalars())

    def oldest_unrelayed(self) -> datetime | None:
        """When the oldest event happened that nobody has passed on."""
        at: datetime | None = self._connection.execute(
            select(func.min(events.c.at)).where(events.c.relayed_at.is_(None))
        ).scalar()
        return at

    def mark_relayed(self, relayed: Sequence[Event], at: datetime) -> None:
        """Note that these events were passed on."""
        these = [
            and_(
                events.c.queue_id == event.queue_id,
                events.c.version == event.version,
                events.c.ordinal == event.ordinal,
            )
            for event in relayed
        ]
        self._connection.execute(update(events).where(or_(*these)).values(relayed_at=at))

    def _read(self, query: Select[Any]) -> list[Event]:
        return [_event(row) for row in self._connection.execute(query)]


def _row(event: Event) -> dict[str, Any]:
    return {
        "queue_id": event.queue_id,
        "version": event.version,
        "ordinal": event.ordinal,
        "kind": event.kind,
        "ticket_id": event.ticket_id,
        "at": event.at,
        "actor_kind": event.actor.kind,
        "account_id": event.actor.account_id,
        "call_number": event.call_number,
        "data": event.data,
        "relayed_at": event.relayed_at,
    }


def _event(row: Row[Any]) -> Event:
    return Event(
        queue_id=row.queue_id,
        version=row.version,
        ordinal=row.ordinal,
        kind=EventKind(row.kind),
        ticket_id=row.ticket_id,
        at=row.at,
        actor=Actor(ActorKind(row.actor_kind), row.account_id),
        call_number=row.call_number,
        data=row.data,
        relayed_at=row.relayed_at,
    )
