"""A notice that is about to be sent: what its text needs, and whether it is still worth sending."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from core.model import Contact, NoticeState, Ticket, TicketState
from core.notice_kinds import AN_HOUR, CALLS, ERASED, OPTED_OUT, STATES_TOLD
from core.storage.notices import Notice, Texts
from core.storage.queues import QueueAtVenue
from core.storage.records import Transaction

MOST_NOTICES_A_TICKET = 30
"""Enough for the longest evening; who calls again and again does not text one guest for ever."""
TOO_MANY = "too-many"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outbound:
    """A claimed notice with everything that its text needs. `position` is None unless the ticket waits.

    `repeated`: a later notice says the same, of a state that came and went and came again. `count`: how many notices
    the ticket has had, this one too. `texts`: how many texts walk-ins had from the same number in the last hour, calls
    and others, None where this is none.
    """

    notice: Notice
    ticket: Ticket
    contact: Contact
    place: QueueAtVenue
    position: int | None
    repeated: bool
    count: int
    texts: Texts | None

    @property
    def called_meanwhile(self) -> bool:
        """Whether the guest was called between the reading of the ticket and that of its position."""
        return self.ticket.state is TicketState.WAITING and self.position is None


def not_worth_sending(outbound: Outbound, now: datetime, texts_an_hour: int) -> tuple[NoticeState, str | None] | None:
    """What is noted of a leased notice that shall not be sent, a state and an error code; None for one that shall."""
    notice, ticket, contact = outbound.notice, outbound.ticket, outbound.contact
    outdated = notice.kind in CALLS and notice.call_number != ticket.call_number
    moved_on = ticket.state not in STATES_TOLD[notice.kind] or outbound.called_meanwhile
    if now >= notice.stale_at or outdated or moved_on or outbound.repeated:
        return NoticeState.STALE, None
    if not contact.address:
        return NoticeState.FAILED, ERASED
    if (ticket.sender or contact.channel) in contact.opted_out:
        return NoticeState.FAILED, OPTED_OUT
    too_many_texts = outbound.texts is not None and not outbound.texts.leave_room_for(notice.kind, texts_an_hour)
    if outbound.count > MOST_NOTICES_A_TICKET or too_many_texts:
        log.warning("a guest is not told: there were too many notices", ticket=ticket.id, too_many_texts=too_many_texts)
        return NoticeState.FAILED, TOO_MANY
    return None


def read_outbound(tx: Transaction, notice: Notice) -> Outbound:
    """What the text of a notice needs."""
    ticket = tx.tickets.get(notice.ticket_id)
    place = tx.queues.at_venue(notice.queue_id)
    if ticket is None or ticket.contact_id is None or place is None:
        raise AssertionError("a notice without its contact or queue")
    contact = tx.contacts.get(ticket.contact_id)
    told = tx.notices.of_tickets([ticket.id])
    sender = ticket.sender if ticket.added_by_staff else None
    same = [each for each in told if each.kind is notice.kind and each.state is NoticeState.PENDING]
    return Outbound(
        notice,
        ticket,
        contact,
        place,
        tx.tickets.position_of(ticket.id),
        repeated=bool(same) and same[-1].id != notice.id,
        count=len(told),
        texts=None if sender is None else tx.notices.texts_to_walk_ins(sender, tx.now - AN_HOUR),
    )
