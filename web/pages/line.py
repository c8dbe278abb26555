"""A queue's line as the board shows it: every row with its words, and the tag by which the board knows it is new."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import NotFound
from core.estimates import Estimate, estimate
from core.line import read_line
from core.model import LineEntry, NoticeKind, NoticeState, Queue, TicketState, Venue
from core.notice_kinds import ARRIVED, CALLS, NOT_REACHED, STATES_TOLD
from core.storage.records import Transaction
from web.etags import line_tag
from web.services import current

LONGEST = 100
MOST_NO_SHOWS = 10

CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp", "telegram": "Telegram", "email": "E-mail"}
NOTICES = {
    "joined": "Place",
    "almost_there": "Almost there",
    "called": "Call",
    "recalled": "Second call",
    "not_yet": "Not yet",
    "no_show": "No-show",
    "removed": "Removal",
    "closed": "Closing",
}
NOTICE_STATES = {
    "pending": "on its way",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "not delivered",
    "failed": "failed",
    "stale": "not sent, it was too late",
    "dead": "failed",
}
# Its yes is all that we ever hear of it.
REPORTS_NO_DELIVERY = ("telegram",)
UNCONFIRMED = timedelta(minutes=1)
FAILED = (*NOT_REACHED, NoticeState.STALE)


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket on the board. `alarm` is what staff have to know at once about reaching the guest."""

    ticket: LineEntry
    position: int | None
    channel: str
    estimate: Estimate | None
    last_notice: str | None
    alarm: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A queue's line. `hidden` is how many wait beyond the rows shown; `tag` changes whenever the board would."""

    venue: Venue
    queue: Queue
    called: list[Row]
    waiting: list[Row]
    no_shows: list[Row]
    hidden: int
    tag: str


def staff_line(tx: Transaction, queue_id: str, account_id: str) -> Line:
    """The line of a queue, for a member of its venue. Raises NotFound."""
    queue = current().venues.queue(tx, account_id, queue_id).queue
    venue = tx.venues.get(queue.venue_id)
    if venue is None:
        raise NotFound(what="venue")
    entries = read_line(tx, queue_id, limit=LONGEST).entries
    since = tx.now - timedelta(minutes=queue.grace_minutes)
    no_shows = tx.lines.no_shows_since(queue_id, since, MOST_NO_SHOWS)
    called = [_row(queue, entry, tx.now) for entry in entries if entry.state is TicketState.CALLED]
    waiting = [_row(queue, entry, tx.now) for entry in entries if entry.state is TicketState.WAITING]
    return Line(
        venue=venue,
        queue=queue,
        called=called,
        waiting=waiting,
        no_shows=[_row(queue, entry, tx.now) for entry in no_shows],
        hidden=max(0, queue.waiting - len(waiting)),
        tag=line_tag(queue, [*entries, *no_shows], [row.alarm for row in called]),
    )


def _row(queue: Queue, entry: LineEntry, now: datetime) -> Row:
    return Row(
        ticket=entry,
        position=entry.position,
        channel=CHANNELS.get(entry.channel or "", entry.channel or "Walk-in"),
        estimate=estimate(queue, entry.position),
        last_notice=_last_notice(entry),
        alarm=_alarm(entry, now),
    )


def _last_notice(entry: LineEntry) -> str | None:
    """What became of the last notice, as long as it still says what is true."""
    kind, state = entry.last_notice_kind, entry.last_notice_state
    if kind is None or state is None or entry.state not in STATES_TOLD[NoticeKind(kind)] or _of_an_earlier_call(entry):
        return None
    if entry.channel in REPORTS_NO_DELIVERY and state == NoticeState.DELIVERED:
        state = NoticeState.SENT
    return f"{NOTICES[kind]}: {NOTICE_STATES[state]}"


def _of_an_earlier_call(entry: LineEntry) -> bool:
    """Whether the last notice says nothing of the call that stands."""
    called_at, noticed_at = entry.called_at, entry.last_notice_at
    return (
        entry.state is TicketState.CALLED
        and called_at is not None
        and noticed_at is not None
        and noticed_at < called_at
    )


def _alarm(entry: LineEntry, now: datetime) -> str | None:
    if entry.state is TicketState.CALLED:
        shout = "shout the name" if entry.guest_name else "shout the number"
        if entry.channel is None:
            return f"No phone: {shout}"
        told = None if _of_an_earlier_call(entry) or entry.last_notice_kind not in CALLS else entry.last_notice_state
        if told in FAILED or not entry.reachable:
            return f"Not reached: {shout}"
        late = entry.called_at is not None and now >= entry.called_at + UNCONFIRMED
        return f"Not confirmed yet: {shout}" if late and told not in ARRIVED else None
    if entry.state is TicketState.WAITING and entry.channel is not None and not entry.reachable:
        return "Can’t be reached by message"
    if entry.state is TicketState.WAITING and entry.last_notice_kind == NoticeKind.JOINED:
        return "Was not told the place" if entry.last_notice_state in FAILED else None
    return None
