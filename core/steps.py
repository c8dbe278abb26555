"""What every change of a line is made of: the locked queue, a ticket's step, and the event that records it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from core.business_day import end_of_business_day
from core.errors import ChangedSince, NotFound, WrongState
from core.model import ACTIVE_STATES, SYSTEM, Actor, ActorKind, Event, EventKind, Queue, Ticket, TicketState, Venue
from core.no_show_clock import deadline_at_call
from core.notice_kinds import notice_kind
from core.storage.records import Transaction

WAITING = TicketState.WAITING


def lock_queue(tx: Transaction, queue_id: str, actor: Actor) -> Queue:
    """The queue, locked, in today's business day. Raises NotFound, also for staff who do not work there."""
    return _in_its_day(tx, tx.lock(tx.queues.lock(queue_id, actor.account_id)), "queue")


def lock_ticket(
    tx: Transaction, ticket_id: str, actor: Actor, action: str, *allowed: TicketState
) -> tuple[Queue, Ticket]:
    """A ticket and its queue, locked, in today's business day. Raises NotFound, WrongState."""
    queue = _lock_queue_of(tx, ticket_id, actor)
    return queue, _allowed(tx.tickets.get(ticket_id), action, allowed)


def lock_ticket_in_line(
    tx: Transaction, ticket_id: str, actor: Actor, action: str, *allowed: TicketState
) -> tuple[Queue, Ticket, list[Ticket]]:
    """As `lock_ticket`; and who will be almost there, in order, once this ticket waits no more."""
    queue = _lock_queue_of(tx, ticket_id, actor)
    ticket, others = tx.tickets.get_beside_first_waiting(ticket_id, queue.id, queue.almost_there_at + 1)
    return queue, _allowed(ticket, action, allowed), others[: queue.almost_there_at]


def _lock_queue_of(tx: Transaction, ticket_id: str, actor: Actor) -> Queue:
    return _in_its_day(tx, tx.lock(tx.queues.lock_of_ticket(ticket_id, actor.account_id)), "ticket")


def _in_its_day(tx: Transaction, queue: Queue | None, sought: str) -> Queue:
    if queue is None:
        raise NotFound(what=sought)
    if tx.now >= queue.day_ends_at:
        end_day(tx, queue)
    return queue


def _allowed(ticket: Ticket | None, action: str, states: Collection[TicketState]) -> Ticket:
    if ticket is None:
        raise NotFound(what="ticket")
    if ticket.state not in states:
        raise WrongState(state=ticket.state, action=action)
    return ticket


def take_step(
    tx: Transaction, queue: Queue, ticket: Ticket, to: TicketState, kind: EventKind, actor: Actor, **data: Any
) -> None:
    """Bring a ticket into another state and record it. The caller has checked that the step is allowed."""
    before = snapshot(ticket)
    queue.waiting += (to is WAITING) - (ticket.state is WAITING)
    if ticket.state is WAITING:
        tx.leaves_line(queue, ticket)
    ticket.state = to
    ticket.version = tx.change(queue).version
    ticket.no_show_at = None
    if to is WAITING:
        ticket.called_at = ticket.ended_at = None
        tx.enters_line(queue, ticket)
    else:
        ticket.ended_at = tx.now
    tx.tickets.save(ticket)
    if actor.kind is ActorKind.STAFF:
        queue.last_action_version = queue.version
    record(tx, queue, kind, ticket, actor, before=before, **data)


def start_call(tx: Transaction, queue: Queue, ticket: Ticket) -> None:
    """A call or a recall begins now, and with it the no-show clock. The caller saves the ticket."""
    ticket.called_at = tx.now
    ticket.call_number += 1
    ticket.no_show_at = deadline_at_call(queue, ticket, tx.now)


def record(tx: Transaction, queue: Queue, kind: EventKind, ticket: Ticket | None, actor: Actor, **data: Any) -> None:
    """Add the event to the change; it is relayed where it tells a guest who has a contact something."""
    told = ticket is not None and ticket.channel is not None and notice_kind(kind, data) is not None
    tx.record(queue, kind, ticket, actor, data, relay=told)


def remove_all(tx: Transaction, queue: Queue, kind: EventKind, actor: Actor) -> None:
    """Remove everybody who waits or is called, in as many statements for ten as for ten thousand."""
    removed = tx.tickets.in_states(queue.id, ACTIVE_STATES)
    if not removed:
        return
    tx.tickets.remove_active(queue.id, tx.change(queue).version, tx.now)
    queue.waiting = 0
    queue.last_action_version = 0
    for ticket in removed:
        tx.leaves_line(queue, ticket)
        record(tx, queue, kind, ticket, actor, state=ticket.state)


def end_day(tx: Transaction, queue: Queue) -> None:
    """End what still waits, silently, and start the numbers again."""
    remove_all(tx, queue, EventKind.DAY_ENDED, SYSTEM)
    tx.change(queue)
    queue.last_number = 0
    queue.last_called_at = None
    queue.last_action_version = 0
    queue.day_ends_at = end_of_day(tx, queue, tx.now)


def end_of_day(tx: Transaction, queue: Queue, moment: datetime) -> datetime:
    """When the business day ends that this moment belongs to."""
    venue = venue_of(tx, queue)
    return end_of_business_day(moment, venue.time_zone, venue.day_starts_at)


def venue_of(tx: Transaction, queue: Queue) -> Venue:
    """The venue that a queue is at."""
    venue = tx.venues.get(queue.venue_id)
    if venue is None:
        raise AssertionError("a queue without its venue")
    return venue


def last_action(tx: Transaction, queue: Queue) -> Event | None:
    """The staff action that can be undone: the event that kept the ticket's state before it."""
    if not queue.last_action_version:
        return None
    recorded = tx.event_log.of_version(queue.id, queue.last_action_version)
    return next((event for event in recorded if "before" in event.data), None)


def restore(tx: Transaction, queue: Queue, ticket: Ticket, action: Event) -> None:
    """Put a ticket back to what it was before an action. Raises ChangedSince where its guest holds another place."""
    before = action.data["before"]
    state = TicketState(before["state"])
    regains_place = state in ACTIVE_STATES and ticket.state not in ACTIVE_STATES
    if regains_place and ticket.contact_id and tx.tickets.active_of(queue.id, ticket.contact_id):
        raise ChangedSince
    queue.waiting += (state is WAITING) - (ticket.state is WAITING)
    ticket.state = state
    ticket.version = tx.change(queue).version
    ticket.called_at = _moment(before["called_at"])
    ticket.ended_at = _moment(before["ended_at"])
    no_show_at = _moment(before["no_show_at"])
    # The clock stood still meanwhile: nobody becomes a no-show by the staff's slip.
    ticket.no_show_at = None if no_show_at is None else no_show_at + (tx.now - action.at)
    ticket.order_key = before["order_key"]
    tx.tickets.save(ticket)
    if state is WAITING:
        tx.enters_line(queue, ticket)
    else:
        tx.leaves_line(queue, ticket)


def snapshot(ticket: Ticket) -> dict[str, Any]:
    """What an undo restores."""
    return {
        "state": ticket.state,
        "order_key": ticket.order_key,
        "called_at": None if ticket.called_at is None else ticket.called_at.isoformat(),
        "ended_at": None if ticket.ended_at is None else ticket.ended_at.isoformat(),
        "no_show_at": None if ticket.no_show_at is None else ticket.no_show_at.isoformat(),
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
