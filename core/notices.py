"""Notices: from an event to a text that somebody received, or to the knowledge that nobody did.

A notice is claimed by a lease, sent while no transaction is open, and its outcome noted afterwards. A process that
dies between the carrier's yes and the note leaves the lease to run out: the notice is then sent once more.
"""

from contextlib import suppress
from datetime import timedelta

import structlog

from core.errors import NotFound, OutcomeUnknown, RecordUnavailable
from core.model import Contact, NoticeState, Queue, Ticket
from core.no_show_clock import deadline_when_delivered, deadline_when_not_reached
from core.notice_kinds import (
    ARRIVED,
    CALLS,
    NOT_REACHED,
    OPTED_OUT,
    SHELF_LIFE,
    STATES_TOLD,
    TEXTS_AN_HOUR,
)
from core.outbound import Outbound, not_worth_sending, read_outbound
from core.relay import notices_for
from core.storage.notices import DeliveryReport, Notice
from core.storage.records import Records, Transaction

# Longer than any channel's HTTP time-out, so that nobody claims what is still being sent.
LEASE = timedelta(seconds=60)
PAUSES = (timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=60), timedelta(seconds=180))
TRIES = len(PAUSES) + 1

log = structlog.get_logger(__name__)

UNREACHABLE = "unreachable"
LONGEST_CODE, LONGEST_SENTENCE, LONGEST_CARRIER_ID = 32, 300, 64

# A report may only lead further down its list; what stands at the end of one is final.
_RANK = {
    NoticeState.PENDING: 0,
    NoticeState.SENT: 1,
    NoticeState.UNDELIVERED: 2,
    NoticeState.FAILED: 2,
    NoticeState.STALE: 2,
    NoticeState.DEAD: 2,
    NoticeState.DELIVERED: 3,
    NoticeState.READ: 4,
}


class NoticeService:
    """The way of notices through the record. Safe for all threads and processes.

    `texts_an_hour`: how many go to walk-ins from one number; who is next stands on the board as not reached.
    `tries`: how often a notice is sent that may yet get through, PAUSES at most.
    """

    def __init__(self, records: Records, texts_an_hour: int = TEXTS_AN_HOUR, *, tries: int = TRIES) -> None:
        self._records = records
        self._texts_an_hour = texts_an_hour
        self._tries = tries

    def relay(self, at_most: int = 100, ticket_id: str | None = None) -> int:
        """Turn events that nobody has passed on, all or those of one ticket, into notices.

        Answers how many events it took.
        """

        def work(tx: Transaction) -> int:
            events = tx.event_log.unrelayed(at_most, ticket_id)
            if not events:
                return 0
            new = notices_for(tx, events)
            if new:
                tx.notices.insert(new)
            tx.event_log.mark_relayed(events, tx.now)
            return len(events)

        return self._records.transaction(work)

    def claim(self, at_most: int, channels: tuple[str, ...], ticket_id: str | None = None) -> list[Outbound]:
        """Lease notices of these channels that are due, calls first; those not worth sending any more are set aside.

        Of a ticket one at a time, but for a call, which waits for calls only: what comes after it is judged, and put
        into words, when it was sent. `ticket_id`: those of one ticket alone. Raises RecordUnavailable.
        """

        def lease(tx: Transaction) -> list[Outbound]:
            first: dict[str, Notice] = {}
            for calls in (True, False):
                for notice in tx.notices.due(
                    tx.now, at_most - len(first), channels, about_a_call=calls, ticket_id=ticket_id
                ):
                    first.setdefault(notice.ticket_id, notice)
            if first:
                tx.notices.lease([notice.id for notice in first.values()], tx.now + LEASE)
            return [read_outbound(tx, notice) for notice in first.values()]

        # Until there is one to send: after an outage, what has gone stale must not make the others wait.
        while leased := self._records.transaction(lease):
            now = self._records.clock()
            judged = [(outbound, not_worth_sending(outbound, now, self._texts_an_hour)) for outbound in leased]
            try:
                for outbound, verdict in judged:
                    if verdict is not None:
                        self._set_aside(outbound, *verdict)
            except (RecordUnavailable, OutcomeUnknown) as error:
                # Who is worth sending to does not wait for it: the others are judged again when their lease is over.
                log.warning("notices could not be set aside", error=type(error).__name__)
            if worth := [outbound for outbound, verdict in judged if verdict is None]:
                return worth
        return []

    def sent(self, notice_id: str, carrier_id: str, *, delivered: bool) -> None:
        """The carrier took it. `delivered` where the carrier's yes is all that it will ever say.

        May be said again, after an error that leaves open whether it was noted.
        """

        state = NoticeState.DELIVERED if delivered else NoticeState.SENT
        carrier_id = carrier_id[:LONGEST_CARRIER_ID]

        def work(tx: Transaction) -> str:
            notice, ticket, queue = _locked(tx, notice_id)
            if notice.carrier_id == carrier_id:
                return notice.channel
            notice.tries += 1
            if notice.state is NoticeState.PENDING or notice.carrier_id is None:
                notice.carrier_id = carrier_id
            # Where the lease had run out, somebody else may have noted more than that by now.
            _advance(tx, queue, ticket, notice, max(state, notice.state, key=_RANK.__getitem__))
            return notice.channel

        self.join_reports(self._records.transaction(work), carrier_id)

    def throttled(self, notice_id: str, retry_after: timedelta) -> timedelta | None:
        """The carrier is busy: put back for later, not counted as a try.

        Answers in how long it is to be sent again, None for never.
        """

        def work(tx: Transaction) -> timedelta | None:
            notice, ticket, queue = _locked(tx, notice_id)
            if notice.state is not NoticeState.PENDING:
                return None
            if tx.now + retry_after < notice.stale_at:
                return _put_off(tx, queue, ticket, notice, retry_after, NoticeState.PENDING)
            _advance(tx, queue, ticket, notice, NoticeState.STALE)
            return None

        return self._records.transaction(work)

    def failed(self, notice_id: str, code: str, sentence: str, *, retry: bool, unreachable: bool) -> timedelta | None:
        """It could not be sent. With `retry` it is tried again, with growing pauses, until it is a dead letter.

        With `unreachable` nothing can be sent to this guest at all, and staff see why; with OPTED_OUT as its code,
        nothing from this sender of ours. Answers in how long it is to be sent again, None for never.
        """

        def work(tx: Transaction) -> timedelta | None:
            contact = _lock_contact(tx, notice_id) if unreachable else None
            notice, ticket, queue = _locked(tx, notice_id)
            if contact is not None:
                _note_unreachable(tx, contact, ticket, code[:LONGEST_CODE])
            if notice.state is not NoticeState.PENDING:
                # The lease had run out, and somebody else has sent it since.
                return None
            notice.tries += 1
            notice.error_code, notice.error = code[:LONGEST_CODE], sentence[:LONGEST_SENTENCE]
            if retry and notice.tries < self._tries:
                return _put_off(tx, queue, ticket, notice, PAUSES[notice.tries - 1], NoticeState.PENDING)
            _advance(tx, queue, ticket, notice, NoticeState.DEAD if retry else NoticeState.FAILED)
            return None

        return self._records.transaction(work)

    def report(
        self,
        channel: str,
        carrier_id: str,
        state: NoticeState,
        error_code: str | None,
        *,
        unreachable: bool,
        retry: bool,
    ) -> None:
        """Take what the carrier says became of a message: in any order, repeated, or before we noted its sending.

        `unreachable`: nothing will reach this guest there. `retry`: the failure may pass, so it is sent again
        as `failed` would.
        """

        code = None if error_code is None else error_code[:LONGEST_CODE]

        def work(tx: Transaction) -> bool:
            report = DeliveryReport(channel, carrier_id, state, code, unreachable, retry, tx.now)
            found = tx.notices.by_carrier_id(channel, carrier_id)
            if found is None:
                tx.notices.keep_report(report)
                return False
            _take_reports(tx, found.id, [report], self._tries)
            return True

        if not self._records.transaction(work):
            self.join_reports(channel, carrier_id)

    def dead_letters(self) -> list[Notice]:
        """The notices that rest after their last try, oldest first."""
        with self._records.reading() as tx:
            return tx.notices.dead()

    def given_up(self, ticket_id: str) -> list[Notice]:
        """The dead letters of this ticket, oldest first."""
        with self._records.reading() as tx:
            told = tx.notices.of_tickets([ticket_id])
        return [notice for notice in told if notice.state is NoticeState.DEAD]

    def left_behind(self, age: timedelta, at_most: int) -> dict[str, str]:
        """The tickets whose guests should have been told something that long ago, each with its channel."""
        with self._records.reading() as tx:
            before = tx.now - age
            tickets = tx.event_log.left_behind(before, at_most)
            tickets += tx.notices.overdue(before, tx.now, at_most)
            return tx.tickets.channels(tickets)

    def resend_dead(self, ticket_id: str) -> None:
        """Give the dead letters of a ticket all their tries and their shelf life again."""
        for notice in self.given_up(ticket_id):
            with suppress(NotFound):  # another process was quicker
                self.resend(notice.id)

    def resend(self, notice_id: str) -> None:
        """Give a dead letter all its tries and its shelf life again. Raises NotFound unless it is one."""

        def work(tx: Transaction) -> None:
            notice, ticket, queue = _locked(tx, notice_id)
            if notice.state is not NoticeState.DEAD:
                raise NotFound(what="dead letter")
            notice.tries = 0
            notice.stale_at = tx.now + SHELF_LIFE[notice.kind]
            _put_off(tx, queue, ticket, notice, timedelta(0), NoticeState.PENDING)

        self._records.transaction(work)

    def join_reports(self, channel: str, carrier_id: str) -> bool:
        """Let the notice of this message have the reports that came before its sending was noted.

        Looks after the note of the sending was committed, and after a report was kept: whichever commits last
        sees the other. Answers whether there were any.
        """

        def work(tx: Transaction) -> None:
            notice = tx.notices.by_carrier_id(channel, carrier_id)
            if notice is not None:
                _take_reports(tx, notice.id, tx.notices.take_reports(channel, carrier_id), self._tries)

        with self._records.reading() as tx:
            kept = tx.notices.has_reports(channel, carrier_id)
        if kept:
            self._records.transaction(work)
        return kept

    def _set_aside(self, judged: Outbound, state: NoticeState, error_code: str | None) -> None:
        def work(tx: Transaction) -> None:
            notice, ticket, queue = _locked(tx, judged.notice.id)
            if notice.state is not NoticeState.PENDING:
                return
            changed = judged.called_meanwhile or judged.ticket.state is not ticket.state
            if changed and ticket.state in STATES_TOLD[notice.kind]:
                # It was not true when it was judged, and is again: a step was undone in between.
                _put_off(tx, queue, ticket, notice, timedelta(0), NoticeState.PENDING)
                return
            notice.error_code = error_code
            _advance(tx, queue, ticket, notice, state)

        self._records.transaction(work)


def _locked(tx: Transaction, notice_id: str) -> tuple[Notice, Ticket, Queue]:
    """The notice and its ticket, read under the lock of their queue."""
    queue = tx.lock(tx.queues.lock(_get(tx, notice_id).queue_id))
    notice = _get(tx, notice_id)
    ticket = tx.tickets.get(notice.ticket_id)
    if queue is None or ticket is None:
        raise AssertionError("a notice without its queue or ticket")
    return notice, ticket, queue


def _lock_contact(tx: Transaction, notice_id: str) -> Contact | None:
    """The contact of a notice, locked; before its queue, as everywhere."""
    ticket = tx.tickets.get(_get(tx, notice_id).ticket_id)
    if ticket is None or ticket.contact_id is None:
        return None
    return tx.contacts.lock_by_id(ticket.contact_id)


def _take_reports(tx: Transaction, notice_id: str, reports: list[DeliveryReport], tries: int) -> None:
    """Let delivery reports have their effect on a notice, its guest and its ticket."""
    contact = _lock_contact(tx, notice_id) if any(report.unreachable for report in reports) else None
    notice, ticket, queue = _locked(tx, notice_id)
    for report in reports:
        if report.carrier_id != notice.carrier_id:
            # The same report, taken a moment earlier by another thread, has put the notice off.
            return
        if _RANK[report.state] <= _RANK[notice.state]:
            # No news: a guest who wrote or sent START since can be reached again.
            continue
        if report.unreachable and contact is not None:
            _note_unreachable(tx, contact, ticket, report.error_code or UNREACHABLE)
        passing = report.retry and notice.state is NoticeState.SENT
        notice.error_code = report.error_code
        if passing and notice.tries < tries:
            # Staff may shout the name meanwhile; the clock goes on waiting for the text.
            _put_off(tx, queue, ticket, notice, PAUSES[notice.tries - 1], report.state)
            return
        _advance(tx, queue, ticket, notice, NoticeState.DEAD if passing else report.state)


def _note_unreachable(tx: Transaction, contact: Contact, ticket: Ticket, code: str) -> None:
    sender = ticket.sender or contact.channel
    if code != OPTED_OUT:
        contact.unreachable = code
    elif sender not in contact.opted_out:
        contact.opted_out.append(sender)
    tx.contacts.save(contact)


def _advance(tx: Transaction, queue: Queue, ticket: Ticket, notice: Notice, state: NoticeState) -> None:
    """Note a notice's new state, show it on the board, and let the no-show clock know of a call's."""
    notice.state = state
    notice.next_try_at = None
    current_call = notice.kind in CALLS and notice.call_number == ticket.call_number
    if current_call and state in ARRIVED:
        ticket.no_show_at = deadline_when_delivered(queue, ticket, tx.now)
    if current_call and state in NOT_REACHED:
        ticket.no_show_at = deadline_when_not_reached(queue, ticket)
    _save(tx, queue, ticket, notice, state)


def _put_off(
    tx: Transaction, queue: Queue, ticket: Ticket, notice: Notice, pause: timedelta, shown: NoticeState
) -> timedelta:
    """Let a notice be sent after a pause, under another id at the carrier; late reports on the last are no news."""
    notice.state = NoticeState.PENDING
    notice.carrier_id = None
    notice.next_try_at = tx.now + pause
    _save(tx, queue, ticket, notice, shown)
    return pause


def _save(tx: Transaction, queue: Queue, ticket: Ticket, notice: Notice, shown: NoticeState) -> None:
    """Write a notice that nobody holds any more, and on its ticket the state that staff are shown of it."""
    notice.lease_until = None
    notice.updated_at = tx.now
    tx.notices.save(notice)
    if tx.notices.is_newest(notice):
        ticket.last_notice_kind, ticket.last_notice_state, ticket.last_notice_at = notice.kind, shown, tx.now
    tx.change(queue)
    tx.tickets.save_noticed(ticket)


def _get(tx: Transaction, notice_id: str) -> Notice:
    notice = tx.notices.get(notice_id)
    if notice is None:
        raise NotFound(what="notice")
    return notice
