"""The queue service: the rules of a line.

Every operation takes an open transaction, locks its queue and is whole or not at all. An operation by staff sees
only queues of venues where the account works; everything else is `NotFound`.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.business_day import end_of_business_day
from core.errors import (
    AlreadyInLine,
    ChangedSince,
    GraceOver,
    InvalidPartySize,
    InvalidValue,
    NotFound,
    NothingToUndo,
    PartyTooLarge,
    QueueClosed,
    QueueEmpty,
    QueueFull,
    QueuePaused,
    WrongState,
)
from core.estimates import learn_pace
from core.model import (
    ACTIVE_STATES,
    SYSTEM,
    Actor,
    ActorKind,
    Contact,
    Event,
    EventKind,
    Queue,
    QueueState,
    Ticket,
    TicketState,
)
from core.no_show_clock import deadline_at_call
from core.notice_kinds import notice_kind
from core.order import key_at_end, key_at_position
from core.storage.records import Transaction

UNDO_WITHIN = timedelta(minutes=1)
LARGEST_PARTY = 1000
LONGEST = {"guest_name": 100, "note": 500}

WAITING, CALLED = TicketState.WAITING, TicketState.CALLED


@dataclass(frozen=True, slots=True)
class Joined:
    """A new ticket, its position (from 1), and its queue as it is now."""

    ticket: Ticket
    position: int
    queue: Queue


class QueueService:
    """The operations on tickets and lines. Holds nothing; safe for all threads."""

    def join(
        self,
        tx: Transaction,
        queue_id: str,
        actor: Actor,
        *,
        contact: Contact | None,
        sender: str | None = None,
        guest_name: str = "",
        party_size: int = 1,
        note: str = "",
        announce: bool = False,
    ) -> Joined:
        """Take a place at the end of the line.

        `contact` is locked in this transaction, None for a walk-in without one; `sender` is the number of ours
        that notices go out from; `announce` sends a notice of the place. Raises AlreadyInLine, QueueClosed,
        QueuePaused, QueueFull, InvalidPartySize, PartyTooLarge, InvalidValue, NotFound.
        """
        queue = _lock(tx, queue_id, actor)
        if contact is not None:
            self._refuse_second_place(tx, queue, contact.id)
        _refuse_unless_open(queue)
        check_party_size(queue, party_size)
        _check_lengths(guest_name=guest_name, note=note)
        queue.last_number += 1
        queue.waiting += 1
        ticket = Ticket(
            id=secrets.token_hex(8),
            queue_id=queue.id,
            number=queue.last_number,
            token=secrets.token_urlsafe(16),
            guest_name=guest_name,
            party_size=party_size,
            note=note,
            contact_id=None if contact is None else contact.id,
            sender=sender,
            added_by_staff=actor.kind is ActorKind.STAFF,
            state=WAITING,
            order_key=key_at_end(queue),
            version=tx.change(queue).version,
            joined_at=tx.now,
        )
        tx.tickets.insert(ticket)
        tx.enters_line(queue, ticket)
        _record(tx, queue, EventKind.JOINED, ticket, actor, party_size=party_size, announce=announce)
        return Joined(ticket, queue.waiting, queue)

    def call_next(self, tx: Transaction, queue_id: str, actor: Actor, seats: int | None = None) -> Ticket:
        """Call the first in line, or the first whose party fits `seats`. Raises QueueEmpty, NotFound."""
        queue = _lock(tx, queue_id, actor)
        heads = tx.tickets.first_waiting(queue.id, queue.almost_there_at + 1)
        first = heads[0] if heads else None
        ticket = first if seats is None else tx.tickets.first_that_fits(queue.id, seats)
        if ticket is None:
            raise QueueEmpty(seats=seats if heads else None)
        self._call(tx, queue, ticket, actor)
        self._tell_almost_there(tx, queue, [head for head in heads if head.id != ticket.id])
        return ticket

    def call(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Call this guest, wherever in the line. Raises WrongState unless waiting, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "call", WAITING)
        self._call(tx, queue, ticket, actor)
        self._line_moved_up(tx, queue)
        return ticket

    def recall(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Repeat the call; the no-show clock starts again. Raises WrongState unless called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "recall", CALLED)
        ticket.version = tx.change(queue).version
        _start_call(tx, queue, ticket)
        tx.tickets.save(ticket)
        # A second call can't be unsaid: there is nothing to restore.
        queue.last_action_version = 0
        _record(tx, queue, EventKind.RECALLED, ticket, actor)
        return ticket

    def serve(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest came and was let in. Raises WrongState unless called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "serve", CALLED)
        _step(tx, queue, ticket, TicketState.SERVED, EventKind.SERVED, actor)
        return ticket

    def no_show(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest did not come; may come back within the grace. Raises WrongState unless called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "no-show", CALLED)
        _step(tx, queue, ticket, TicketState.NO_SHOW, EventKind.NO_SHOW, actor)
        return ticket

    def no_show_if_overdue(self, tx: Transaction, ticket_id: str) -> bool:
        """Let the no-show clock act on a ticket; answers whether it had really run out."""
        queue = tx.lock(tx.queues.lock_of_ticket(ticket_id))
        ticket = tx.tickets.get(ticket_id)
        if queue is None or ticket is None or ticket.state is not CALLED:
            return False
        if ticket.no_show_at is None or ticket.no_show_at > tx.now:
            return False
        _step(tx, queue, ticket, TicketState.NO_SHOW, EventKind.NO_SHOW, SYSTEM)
        return True

    def come_back(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Give a no-show its old place back, so that it is among the first.

        Raises WrongState unless no-show, GraceOver (also once the business day is over), AlreadyInLine when the
        contact joined anew, NotFound.
        """
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "come-back", TicketState.NO_SHOW)
        too_late = ticket.ended_at is None or tx.now > ticket.ended_at + timedelta(minutes=queue.grace_minutes)
        if too_late or tx.now >= _end_of_day(tx, queue, ticket.joined_at):
            raise GraceOver(grace_minutes=queue.grace_minutes)
        if ticket.contact_id is not None:
            self._refuse_second_place(tx, queue, ticket.contact_id)
        announce = actor.kind is ActorKind.STAFF
        _step(tx, queue, ticket, WAITING, EventKind.CAME_BACK, actor, announce=announce)
        return ticket

    def put_back(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Take a call back: the guest waits again at the old place. Raises WrongState unless called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "put-back", CALLED)
        _step(tx, queue, ticket, WAITING, EventKind.PUT_BACK, actor)
        return ticket

    def remove(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Take a guest out of the line. Raises WrongState unless waiting or called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "remove", *ACTIVE_STATES)
        waited = ticket.state is WAITING
        _step(tx, queue, ticket, TicketState.REMOVED, EventKind.REMOVED, actor)
        if waited:
            self._line_moved_up(tx, queue)
        return ticket

    def leave(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest gives the place up. Raises WrongState unless waiting or called, NotFound."""
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "leave", *ACTIVE_STATES)
        waited = ticket.state is WAITING
        _step(tx, queue, ticket, TicketState.LEFT, EventKind.LEFT, actor)
        if waited:
            self._line_moved_up(tx, queue)
        return ticket

    def move(self, tx: Transaction, ticket_id: str, position: int, actor: Actor) -> Ticket:
        """Put a waiting ticket at a position, from 1; one beyond the end is the end.

        Raises WrongState unless waiting, NotFound.
        """
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "move", WAITING)
        position = min(position, queue.waiting)
        order_key = key_at_position(tx, queue, ticket, position)
        before = _snapshot(ticket)
        ticket.order_key = order_key
        ticket.version = tx.change(queue).version
        tx.tickets.save(ticket)
        tx.enters_line(queue, ticket)
        # Where a guest moves, the places that an earlier action would restore may be taken.
        queue.last_action_version = queue.version if actor.kind is ActorKind.STAFF else 0
        _record(tx, queue, EventKind.MOVED, ticket, actor, before=before, position=position)
        self._line_moved_up(tx, queue)
        return ticket

    def change(
        self,
        tx: Transaction,
        ticket_id: str,
        actor: Actor,
        *,
        guest_name: str | None = None,
        party_size: int | None = None,
        note: str | None = None,
    ) -> Ticket:
        """Correct what is known of a party; what is None stays.

        Raises WrongState unless waiting or called, InvalidPartySize, PartyTooLarge, InvalidValue, NotFound.
        """
        queue, ticket = _lock_ticket(tx, ticket_id, actor, "change", *ACTIVE_STATES)
        _check_lengths(guest_name=guest_name, note=note)
        if party_size is not None:
            check_party_size(queue, party_size)
            ticket.party_size = party_size
        if guest_name is not None:
            ticket.guest_name = guest_name
        if note is not None:
            ticket.note = note
        ticket.version = tx.change(queue).version
        tx.tickets.save(ticket)
        _record(tx, queue, EventKind.CHANGED, ticket, actor, party_size=ticket.party_size)
        return ticket

    def undo(self, tx: Transaction, queue_id: str, actor: Actor) -> Ticket:
        """Restore the state before the queue's last staff action on a ticket, if it is at most a minute old.

        Raises NothingToUndo, ChangedSince when the ticket changed since or its guest holds another place,
        NotFound.
        """
        queue = _lock(tx, queue_id, actor)
        action = _last_action(tx, queue)
        if action is None or action.ticket_id is None or tx.now > action.at + UNDO_WITHIN:
            raise NothingToUndo
        ticket = tx.tickets.get(action.ticket_id)
        if ticket is None or ticket.version != action.version:
            raise ChangedSince
        waited = ticket.state is WAITING
        self._restore(tx, queue, ticket, action)
        queue.last_action_version = 0
        _record(tx, queue, EventKind.UNDONE, ticket, actor, undone=action.kind, state=ticket.state)
        if waited and ticket.state is not WAITING:
            self._line_moved_up(tx, queue)
        return ticket

    def set_state(self, tx: Transaction, queue_id: str, state: QueueState, actor: Actor) -> Queue:
        """Open, pause or close a queue; whoever waits stays. Raises NotFound."""
        queue = _lock(tx, queue_id, actor)
        if queue.state is not state:
            before, queue.state = queue.state, state
            _record(tx, queue, EventKind.QUEUE_STATE_CHANGED, None, actor, before=before, state=state)
        return queue

    def close(self, tx: Transaction, queue_id: str, actor: Actor, *, remove_waiting: bool) -> Queue:
        """Close a queue; with `remove_waiting` whoever waits or is called is removed and told. Raises NotFound."""
        queue = self.set_state(tx, queue_id, QueueState.CLOSED, actor)
        if remove_waiting:
            _remove_all(tx, queue, EventKind.CLOSED, actor)
        return queue

    def end_day_if_over(self, tx: Transaction, queue_id: str) -> bool:
        """Start the numbers again where the business day is over; answers whether it was."""
        queue = tx.lock(tx.queues.lock(queue_id))
        if queue is None or tx.now < queue.day_ends_at:
            return False
        _end_day(tx, queue)
        return True

    def _call(self, tx: Transaction, queue: Queue, ticket: Ticket, actor: Actor) -> None:
        before = _snapshot(ticket)
        learn_pace(queue, ticket, tx.now)
        ticket.state = CALLED
        ticket.version = tx.change(queue).version
        _start_call(tx, queue, ticket)
        tx.tickets.save(ticket)
        queue.waiting -= 1
        tx.leaves_line(queue, ticket)
        queue.last_action_version = queue.version
        _record(tx, queue, EventKind.CALLED, ticket, actor, before=before)

    def _line_moved_up(self, tx: Transaction, queue: Queue) -> None:
        if queue.almost_there_at:
            self._tell_almost_there(tx, queue, tx.tickets.first_waiting(queue.id, queue.almost_there_at))

    def _tell_almost_there(self, tx: Transaction, queue: Queue, heads: list[Ticket]) -> None:
        news = [head for head in heads[: queue.almost_there_at] if not head.almost_there_told]
        if not news:
            return
        tx.tickets.tell_almost_there([head.id for head in news])
        for head in news:
            _record(tx, queue, EventKind.ALMOST_THERE, head, SYSTEM)

    def _refuse_second_place(self, tx: Transaction, queue: Queue, contact_id: str) -> None:
        if tx.contacts.is_new(contact_id):
            return
        ticket = tx.tickets.active_of(queue.id, contact_id)
        if ticket is not None:
            position = tx.tickets.ahead_of(ticket) + 1 if ticket.state is WAITING else None
            raise AlreadyInLine(ticket=ticket, position=position)

    def _restore(self, tx: Transaction, queue: Queue, ticket: Ticket, action: Event) -> None:
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


def check_party_size(queue: Queue, party_size: int) -> None:
    """Raise InvalidPartySize or PartyTooLarge where the queue can't take such a party."""
    if not 1 <= party_size <= LARGEST_PARTY:
        raise InvalidPartySize(party_size=party_size)
    if queue.largest_party is not None and party_size > queue.largest_party:
        raise PartyTooLarge(largest_party=queue.largest_party, party_size=party_size)


def _check_lengths(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and len(text) > LONGEST[name]:
            raise InvalidValue(field=name, reason="too-long", at_most=LONGEST[name])


def _lock(tx: Transaction, queue_id: str, actor: Actor) -> Queue:
    queue = tx.lock(tx.queues.lock(queue_id, actor.account_id))
    if queue is None:
        raise NotFound(what="queue")
    if tx.now >= queue.day_ends_at:
        _end_day(tx, queue)
    return queue


def _lock_ticket(
    tx: Transaction, ticket_id: str, actor: Actor, action: str, *allowed: TicketState
) -> tuple[Queue, Ticket]:
    queue = tx.lock(tx.queues.lock_of_ticket(ticket_id, actor.account_id))
    if queue is None:
        raise NotFound(what="ticket")
    if tx.now >= queue.day_ends_at:
        _end_day(tx, queue)
    ticket = tx.tickets.get(ticket_id)
    if ticket is None:
        raise NotFound(what="ticket")
    if ticket.state not in allowed:
        raise WrongState(state=ticket.state, action=action)
    return queue, ticket


def _end_day(tx: Transaction, queue: Queue) -> None:
    """End what still waits, silently, and start the numbers again."""
    _remove_all(tx, queue, EventKind.DAY_ENDED, SYSTEM)
    tx.change(queue)
    queue.last_number = 0
    queue.last_called_at = None
    queue.last_action_version = 0
    queue.day_ends_at = _end_of_day(tx, queue, tx.now)


def _end_of_day(tx: Transaction, queue: Queue, moment: datetime) -> datetime:
    """When the business day ends that this moment belongs to."""
    venue = tx.venues.get(queue.venue_id)
    if venue is None:
        raise AssertionError("a queue without its venue")
    return end_of_business_day(moment, venue.time_zone, venue.day_starts_at)


def _remove_all(tx: Transaction, queue: Queue, kind: EventKind, actor: Actor) -> None:
    """Remove everybody who waits or is called, in as many statements for ten as for ten thousand."""
    removed = tx.tickets.in_states(queue.id, ACTIVE_STATES)
    if not removed:
        return
    tx.tickets.remove_active(queue.id, tx.change(queue).version, tx.now)
    queue.waiting = 0
    queue.last_action_version = 0
    for ticket in removed:
        tx.leaves_line(queue, ticket)
        _record(tx, queue, kind, ticket, actor, state=ticket.state)


def _refuse_unless_open(queue: Queue) -> None:
    if queue.state is QueueState.CLOSED:
        raise QueueClosed(queue=queue.name)
    if queue.state is QueueState.PAUSED:
        raise QueuePaused(queue=queue.name)
    if queue.capacity is not None and queue.waiting >= queue.capacity:
        raise QueueFull(queue=queue.name, capacity=queue.capacity)


def _step(
    tx: Transaction, queue: Queue, ticket: Ticket, to: TicketState, kind: EventKind, actor: Actor, **data: Any
) -> None:
    """Bring a ticket into another state and record it. The caller has checked that the step is allowed."""
    before = _snapshot(ticket)
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
    _record(tx, queue, kind, ticket, actor, before=before, **data)


def _start_call(tx: Transaction, queue: Queue, ticket: Ticket) -> None:
    ticket.called_at = tx.now
    ticket.call_number += 1
    ticket.no_show_at = deadline_at_call(queue, ticket, tx.now)


def _record(tx: Transaction, queue: Queue, kind: EventKind, ticket: Ticket | None, actor: Actor, **data: Any) -> None:
    told = ticket is not None and ticket.contact_id is not None and notice_kind(kind, data) is not None
    tx.record(queue, kind, ticket, actor, data, relay=told)


def _last_action(tx: Transaction, queue: Queue) -> Event | None:
    """The staff action that can be undone: the event that kept the ticket's state before it."""
    if not queue.last_action_version:
        return None
    recorded = tx.event_log.of_version(queue.id, queue.last_action_version)
    return next((event for event in recorded if "before" in event.data), None)


def _snapshot(ticket: Ticket) -> dict[str, Any]:
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
