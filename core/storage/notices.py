"""Notices and the carriers' delivery reports, in the record."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from core.model import NoticeKind, NoticeState
from core.notice_kinds import ABOUT_A_CALL, CALLS
from core.storage.columns import row_of
from core.storage.tables import delivery_reports, notices, tickets

# The call's number tells apart what one relay made of a call taken back and the next.
AGE = (notices.c.created_at, notices.c.call_number, notices.c.id)

HELD = notices.alias("held")

# Another machine's clock, by which a notice became due, may be ahead.
CLOCKS_DIFFER = timedelta(seconds=0.5)


@dataclass(slots=True)
class Notice:
    """One notice to one guest because of one event.

    `tries` counts the sends whose outcome was noted; one that was throttled is none.
    """

    id: str
    event_id: str
    queue_id: str
    ticket_id: str
    kind: NoticeKind
    channel: str
    call_number: int
    state: NoticeState
    tries: int
    next_try_at: datetime | None
    lease_until: datetime | None
    stale_at: datetime
    carrier_id: str | None
    error_code: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Texts:
    """How many texts were sent: about calls, and others."""

    calls: int
    others: int

    def leave_room_for(self, kind: NoticeKind, limit: int) -> bool:
        """Whether one more may be sent. Half of the limit is kept for calls: who was told a place is called, too."""
        within_half = kind in ABOUT_A_CALL or self.others < (limit + 1) // 2
        return within_half and self.calls + self.others < limit


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a carrier said of a message: `sent`, `delivered`, `undelivered`, `failed` or `read`.

    `unreachable`: nothing will reach this guest there; `retry`: the failure may pass.
    """

    channel: str
    carrier_id: str
    state: NoticeState
    error_code: str | None
    unreachable: bool
    retry: bool
    at: datetime


class Notices:
    """The notices, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, new: Sequence[Notice]) -> None:
        """Add notices. Raises IntegrityError where the same event told the same ticket the same."""
        self._connection.execute(insert(notices), [row_of(notice) for notice in new])

    def get(self, notice_id: str) -> Notice | None:
        """The notice with this id."""
        return self._one(select(notices).where(notices.c.id == notice_id))

    def of_tickets(self, ticket_ids: Collection[str], *, locked: bool = False) -> list[Notice]:
        """What the guests of these tickets have been told or are about to be, oldest first."""
        query = select(notices).where(notices.c.ticket_id.in_(ticket_ids)).order_by(*AGE)
        return self._all(query.with_for_update() if locked else query)

    def texts_to_walk_ins(self, sender: str, since: datetime) -> Texts:
        """How many notices made since then a carrier took from us for walk-ins, from this number of ours."""
        about_a_call = notices.c.kind.in_(ABOUT_A_CALL)
        query = (
            select(about_a_call, func.count())
            .join_from(notices, tickets, tickets.c.id == notices.c.ticket_id)
            .where(
                notices.c.created_at > since,
                notices.c.carrier_id.is_not(None),
                tickets.c.sender == sender,
                tickets.c.added_by_staff,
            )
            .group_by(about_a_call)
        )
        counts = {bool(calls): count for calls, count in self._connection.execute(query)}
        return Texts(counts.get(True, 0), counts.get(False, 0))

    def is_newest(self, notice: Notice) -> bool:
        """Whether its guest was told nothing later."""
        query = select(notices.c.id).where(notices.c.ticket_id == notice.ticket_id)
        newest: str | None = self._connection.execute(query.order_by(*(c.desc() for c in AGE)).limit(1)).scalar()
        return newest == notice.id

    def by_carrier_id(self, channel: str, carrier_id: str) -> Notice | None:
        """The notice that the carrier knows under this id."""
        return self._one(select(notices).where(notices.c.channel == channel, notices.c.carrier_id == carrier_id))

    def due(
        self, now: datetime, at_most: int, channels: Sequence[str], *, about_a_call: bool, ticket_id: str | None = None
    ) -> list[Notice]:
        """Pending notices of these channels that nobody holds and whose time has come, locked, oldest first.

        Those about a call, or the others.

        One waits while another of its ticket is held: "not yet" is not to come before the call that it takes back.
        What is about a call waits for nothing else, which a carrier that hangs or a crash may hold for long.
        All of them, without those that another process looks at in this instant; or those of one ticket, which are
        waited for.

        Who is held is asked twice. MySQL locks no rows of a subquery and reads them as they were when it first looked,
        so it misses a lease that is committed while the statement goes on from row to row
        (https://dev.mysql.com/doc/refman/8.4/en/innodb-locking-reads.html).
        """
        held = select(HELD.c.id).where(
            HELD.c.ticket_id == notices.c.ticket_id,
            HELD.c.lease_until > now,
            or_(HELD.c.kind.in_(ABOUT_A_CALL), notices.c.kind.not_in(ABOUT_A_CALL)),
        )
        query = select(notices).where(
            notices.c.state == NoticeState.PENDING,
            notices.c.next_try_at <= now + CLOCKS_DIFFER,
            notices.c.channel.in_(channels),
            notices.c.kind.in_(ABOUT_A_CALL) if about_a_call else notices.c.kind.not_in(ABOUT_A_CALL),
            ~held.exists(),
        )
        if ticket_id is not None:
            query = query.where(notices.c.ticket_id == ticket_id)
        found = self._all(
            query.order_by(notices.c.next_try_at, notices.c.call_number, notices.c.id)
            .limit(at_most)
            .with_for_update(skip_locked=ticket_id is None)
        )
        if not found:
            return []
        these = notices.c.id.in_([notice.id for notice in found])
        free = set(self._connection.execute(select(notices.c.id).where(these, ~held.exists())).scalars())
        return [notice for notice in found if notice.id in free]

    def overdue(self, before: datetime, now: datetime, at_most: int) -> list[str]:
        """The tickets of pending notices whose time came before that moment and that nobody holds."""
        query = (
            select(notices.c.ticket_id)
            .where(
                notices.c.state == NoticeState.PENDING,
                notices.c.next_try_at < before,
                or_(notices.c.lease_until.is_(None), notices.c.lease_until <= now),
            )
            .group_by(notices.c.ticket_id)
            .order_by(func.min(notices.c.next_try_at))
            .limit(at_most)
        )
        return list(self._connection.execute(query).scalars())

    def oldest_call_not_sent(self) -> datetime | None:
        """When the oldest call was made that still waits for its carrier."""
        waits = (notices.c.state == NoticeState.PENDING, notices.c.kind.in_(CALLS))
        at: datetime | None = self._connection.execute(select(func.min(notices.c.created_at)).where(*waits)).scalar()
        return at

    def lease(self, notice_ids: Sequence[str], until: datetime) -> None:
        """Hold notices that were read as due."""
        self._connection.execute(update(notices).where(notices.c.id.in_(notice_ids)).values(lease_until=until))

    def save(self, notice: Notice) -> None:
        """Write a notice's progress."""
        values: dict[str, Any] = row_of(notice)
        del values["id"]
        self._connection.execute(update(notices).where(notices.c.id == notice.id).values(values))

    def dead(self) -> list[Notice]:
        """The dead letters, oldest first."""
        return self._all(select(notices).where(notices.c.state == NoticeState.DEAD).order_by(notices.c.updated_at))

    def keep_report(self, report: DeliveryReport) -> None:
        """Keep a report for a message that is not noted yet; a repeated one changes nothing.

        Raises IntegrityError where another process just kept it.
        """
        same = delivery_reports.c.channel == report.channel, delivery_reports.c.carrier_id == report.carrier_id
        query = select(delivery_reports.c.at).where(*same, delivery_reports.c.state == report.state)
        if self._connection.execute(query).first() is None:
            self._connection.execute(insert(delivery_reports), row_of(report))

    def has_reports(self, channel: str, carrier_id: str) -> bool:
        """Whether reports are kept for this message."""
        query = select(delivery_reports.c.state).where(
            delivery_reports.c.channel == channel, delivery_reports.c.carrier_id == carrier_id
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def noted_with_reports(self, at_most: int) -> list[tuple[str, str]]:
        """The messages that notices went out as and that reports are kept for, by channel and the carrier's id."""
        query = (
            select(delivery_reports.c.channel, delivery_reports.c.carrier_id)
            .distinct()
            .join(
                notices,
                and_(
                    notices.c.channel == delivery_reports.c.channel,
                    notices.c.carrier_id == delivery_reports.c.carrier_id,
                ),
            )
            .limit(at_most)
        )
        return [(channel, carrier_id) for channel, carrier_id in self._connection.execute(query)]

    def take_reports(self, channel: str, carrier_id: str) -> list[DeliveryReport]:
        """The reports kept for this message, oldest first; they are deleted."""
        these = (delivery_reports.c.channel == channel, delivery_reports.c.carrier_id == carrier_id)
        rows = self._connection.execute(select(delivery_reports).where(*these).order_by(delivery_reports.c.at)).all()
        if rows:
            self._connection.execute(delete(delivery_reports).where(*these))
        return [
            DeliveryReport(
                row.channel,
                row.carrier_id,
                NoticeState(row.state),
                row.error_code,
                row.unreachable,
                row.retry,
                row.at,
            )
            for row in rows
        ]

    def delete_reports(self, before: datetime) -> None:
        """Delete reports that no message was ever noted for."""
        self._connection.execute(delete(delivery_reports).where(delivery_reports.c.at < before))

    def _one(self, query: Any) -> Notice | None:
        found = self._all(query)
        return found[0] if found else None

    def _all(self, query: Any) -> list[Notice]:
        found = [Notice(*row) for row in self._connection.execute(query)]
        for notice in found:
            notice.kind = NoticeKind(notice.kind)
            notice.state = NoticeState(notice.state)
        return found
