"""From events to the notices that they cause: whom each tells what, unless that was told already."""

import secrets
from collections import defaultdict
from datetime import datetime

from core.model import Event, NoticeKind, NoticeState
from core.notice_kinds import ABOUT_A_CALL, ARRIVED, CALLS, SHELF_LIFE, notice_kind
from core.storage.notices import Notice
from core.storage.records import Transaction


def notices_for(tx: Transaction, events: list[Event]) -> list[Notice]:
    """What these events tell, in as many statements for a hundred of them as for one."""
    ticket_ids = {event.ticket_id for event in events if event.ticket_id is not None}
    channels = tx.tickets.channels(ticket_ids)
    # A call that is being claimed in this instant may have been read as still standing: its lease must be seen.
    taken_back = any(notice_kind(event.kind, event.data) is NoticeKind.NOT_YET for event in events)
    earlier: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in tx.notices.of_tickets(ticket_ids, locked=taken_back):
        earlier[notice.ticket_id].append(notice)
    new = (
        _notice_for(event, event.ticket_id, channels[event.ticket_id], earlier[event.ticket_id], tx.now)
        for event in events
        if event.ticket_id in channels
    )
    return [notice for notice in new if notice is not None]


def _notice_for(event: Event, ticket_id: str, channel: str, earlier: list[Notice], now: datetime) -> Notice | None:
    kind = notice_kind(event.kind, event.data)
    if kind is None or any(notice.event_id == event.id and notice.kind == kind for notice in earlier):
        return None
    if kind is NoticeKind.NOT_YET and not _believes_to_be_called(earlier, event.call_number):
        return None
    # Who was let in by mistake may have been so before the call was sent, which was then set aside.
    if kind is NoticeKind.CALLED and _goes_out(earlier, event.call_number):
        return None
    return Notice(
        id=secrets.token_hex(8),
        event_id=event.id,
        queue_id=event.queue_id,
        ticket_id=ticket_id,
        kind=kind,
        channel=channel,
        call_number=event.call_number,
        state=NoticeState.PENDING,
        tries=0,
        next_try_at=now,
        lease_until=None,
        stale_at=event.at + SHELF_LIFE[kind],
        carrier_id=None,
        error_code=None,
        error=None,
        created_at=now,
        updated_at=now,
    )


def _believes_to_be_called(earlier: list[Notice], call_number: int) -> bool:
    """Whether the last that the guest has read, or may have read, is the call that was taken back."""
    heard = [
        notice.kind
        for notice in earlier
        if notice.kind in ABOUT_A_CALL and notice.call_number <= call_number and _may_have_gone_out(notice)
    ]
    return bool(heard) and heard[-1] in CALLS


def _goes_out(earlier: list[Notice], call_number: int) -> bool:
    """Whether this very call was taken by a carrier, or is still to be."""
    states = (NoticeState.PENDING, NoticeState.SENT, *ARRIVED)
    return any(
        notice.kind in CALLS and notice.call_number == call_number and notice.state in states for notice in earlier
    )


def _may_have_gone_out(notice: Notice) -> bool:
    if notice.state in (NoticeState.SENT, *ARRIVED) or notice.lease_until is not None:
        return True
    # A try whose outcome is not known, such as a time-out, may have gone out all the same.
    return notice.tries > 0 and notice.state not in (NoticeState.FAILED, NoticeState.UNDELIVERED)
