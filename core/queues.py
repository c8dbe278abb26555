"""The queue service: the rules of a line.

Every operation takes an open transaction, locks its queue and is whole or not at all. An operation by staff sees
only queues of venues where the account works; everything else is `NotFound`.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from core.errors import (
    ActedSince,
    AlreadyInLine,
    ChangedSince,
    GraceOver,
    InvalidPartySize,
    InvalidValue,
    NothingToUndo,
    PartyTooLarge,
    QueueClosed,
    QueueEmpty,
    QueueFull,
    QueuePaused,
)
from core.estimates import learn_pace, pace_of, take_back_pace
from core.model import (
    ACTIVE_STATES,
    SYSTEM,
    Actor,
    ActorKind,
    Contact,
    EventKind,
    Queue,
    QueueState,
    Ticket,
    TicketState,
)
from core.no_show_clock import back_until
from core.order import key_at_end, key_at_position
from core.steps import (
    end_day,
    last_action,
    lock_queue,
    lock_ticket,
    lock_ticket_in_line,
    record,
    remove_all,
    restore,
    snapshot,
    start_call,
    take_step,
    venue_of,
)
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
        queue = lock_queue(tx, queue_id, actor)
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
            channel=None if contact is None else contact.channel,
            sender=sender,
            added_by_staff=actor.kind is ActorKind.STAFF,
            state=WAITING,
            order_key=key_at_end(queue),
            version=tx.change(queue).version,
            joined_at=tx.now,
        )
        tx.tickets.insert(ticket)
        tx.enters_line(queue, ticket)
        _nothing_to_undo_after(queue, actor)
        record(tx, queue, EventKind.JOINED, ticket, actor, party_size=party_size, announce=announce)
        return Joined(ticket, queue.waiting, queue)

    def call_next(self, tx: Transaction, queue_id: str, actor: Actor, seats: int | None = None) -> Ticket:
        """Call the first in line, or the first whose party fits `seats`. Raises QueueEmpty, NotFound."""
        queue = lock_queue(tx, queue_id, actor)
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
        queue, ticket, nearest = lock_ticket_in_line(tx, ticket_id, actor, "call", WAITING)
        self._call(tx, queue, ticket, actor)
        self._tell_almost_there(tx, queue, nearest)
        return ticket

    def recall(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Repeat the call; the no-show clock starts again. Raises WrongState unless called, NotFound."""
        queue, ticket = lock_ticket(tx, ticket_id, actor, "recall", CALLED)
        ticket.version = tx.change(queue).version
        start_call(tx, queue, ticket)
        tx.tickets.save(ticket)
        # A second call can't be unsaid: there is nothing to restore.
        queue.last_action_version = 0
        record(tx, queue, EventKind.RECALLED, ticket, actor)
        return ticket

    def serve(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest came and was let in. Raises WrongState unless called, NotFound."""
        queue, ticket = lock_ticket(tx, ticket_id, actor, "serve", CALLED)
        take_step(tx, queue, ticket, TicketState.SERVED, EventKind.SERVED, actor)
        return ticket

    def no_show(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest did not come; may come back within the grace. Raises WrongState unless called, NotFound."""
        queue, ticket = lock_ticket(tx, ticket_id, actor, "no-show", CALLED)
        take_step(tx, queue, ticket, TicketState.NO_SHOW, EventKind.NO_SHOW, actor)
        return ticket

    def no_show_if_overdue(self, tx: Transaction, ticket_id: str) -> bool:
        """Let the no-show clock act on a ticket; answers whether it had really run out."""
        queue = tx.lock(tx.queues.lock_of_ticket(ticket_id))
        ticket = tx.tickets.get(ticket_id)
        if queue is None or ticket is None or ticket.state is not CALLED:
            return False
        if ticket.no_show_at is None or ticket.no_show_at > tx.now:
            return False
        take_step(tx, queue, ticket, TicketState.NO_SHOW, EventKind.NO_SHOW, SYSTEM)
        return True

    def come_back(self, tx: Transaction, ticket_id: str, actor: Actor, *, announce: bool = False) -> Ticket:
        """Give a no-show its old place back, so that it is among the first.

        The guest is told the place by a notice where staff did it, or with `announce`.

        Raises WrongState unless no-show, GraceOver (also once the business day is over), AlreadyInLine when the
        contact joined anew, NotFound.
        """
        queue, ticket = lock_ticket(tx, ticket_id, actor, "come-back", TicketState.NO_SHOW)
        until = back_until(ticket, queue, venue_of(tx, queue))
        if until is None or tx.now > until:
            raise GraceOver(grace_minutes=queue.grace_minutes)
        if ticket.contact_id is not None:
            self._refuse_second_place(tx, queue, ticket.contact_id)
        announce = announce or actor.kind is ActorKind.STAFF
        take_step(tx, queue, ticket, WAITING, EventKind.CAME_BACK, actor, announce=announce)
        return ticket

    def put_back(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Take a call back: the guest waits again at the old place. Raises WrongState unless called, NotFound."""
        queue, ticket = lock_ticket(tx, ticket_id, actor, "put-back", CALLED)
        take_step(tx, queue, ticket, WAITING, EventKind.PUT_BACK, actor)
        return ticket

    def remove(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """Take a guest out of the line. Raises WrongState unless waiting or called, NotFound."""
        queue, ticket, nearest = lock_ticket_in_line(tx, ticket_id, actor, "remove", *ACTIVE_STATES)
        waited = ticket.state is WAITING
        take_step(tx, queue, ticket, TicketState.REMOVED, EventKind.REMOVED, actor)
        if waited:
            self._tell_almost_there(tx, queue, nearest)
        return ticket

    def leave(self, tx: Transaction, ticket_id: str, actor: Actor) -> Ticket:
        """The guest gives the place up. Raises WrongState unless waiting or called, NotFound."""
        queue, ticket, nearest = lock_ticket_in_line(tx, ticket_id, actor, "leave", *ACTIVE_STATES)
        waited = ticket.state is WAITING
        take_step(tx, queue, ticket, TicketState.LEFT, EventKind.LEFT, actor)
        if waited:
            self._tell_almost_there(tx, queue, nearest)
        return ticket

    def move(self, tx: Transaction, ticket_id: str, position: int, actor: Actor) -> Ticket:
        """Put a waiting ticket at a position, from 1; one beyond the end is the end.

        Raises WrongState unless waiting, NotFound.
        """
        queue, ticket = lock_ticket(tx, ticket_id, actor, "move", WAITING)
        position = min(position, queue.waiting)
        order_key = key_at_position(tx, queue, ticket, position)
        before = snapshot(ticket)
        ticket.order_key = order_key
        ticket.version = tx.change(queue).version
        tx.tickets.save(ticket)
        tx.enters_line(queue, ticket)
        # Where a guest moves, the places that an earlier action would restore may be taken.
        queue.last_action_version = queue.version if actor.kind is ActorKind.STAFF else 0
        record(tx, queue, EventKind.MOVED, ticket, actor, before=before, position=position)
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
        queue, ticket = lock_ticket(tx, ticket_id, actor, "change", *ACTIVE_STATES)
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
        _nothing_to_undo_after(queue, actor)
        record(tx, queue, EventKind.CHANGED, ticket, actor, party_size=ticket.party_size)
        return ticket

    def undo(self, tx: Transaction, queue_id: str, actor: Actor, seen: int | None = None) -> Ticket:
        """Restore the state before the queue's last staff action, if it brought a ticket further a minute ago at most.

        `seen`: the queue's `last_action_version` that whoever presses saw; None takes back whatever was last.
        Raises NothingToUndo, ActedSince when it is not the last any more, ChangedSince when the ticket changed since or
        its guest holds another place, NotFound.
        """
        queue = lock_queue(tx, queue_id, actor)
        action = last_action(tx, queue)
        if action is None or action.ticket_id is None or tx.now > action.at + UNDO_WITHIN:
            raise NothingToUndo
        if seen is not None and action.version != seen:
            raise ActedSince
        ticket = tx.tickets.get(action.ticket_id)
        if ticket is None or ticket.version != action.version:
            raise ChangedSince
        waited = ticket.state is WAITING
        restore(tx, queue, ticket, action)
        if "pace" in action.data["before"]:
            take_back_pace(queue, action.data["before"]["pace"])
        queue.last_action_version = 0
        record(tx, queue, EventKind.UNDONE, ticket, actor, undone=action.kind, state=ticket.state)
        if waited and ticket.state is not WAITING:
            self._line_moved_up(tx, queue)
        return ticket

    def set_state(self, tx: Transaction, queue_id: str, state: QueueState, actor: Actor) -> Queue:
        """Open, pause or close a queue; whoever waits stays. Raises NotFound."""
        queue = lock_queue(tx, queue_id, actor)
        if queue.state is not state:
            before, queue.state = queue.state, state
            _nothing_to_undo_after(queue, actor)
            record(tx, queue, EventKind.QUEUE_STATE_CHANGED, None, actor, before=before, state=state)
        return queue

    def close(self, tx: Transaction, queue_id: str, actor: Actor, *, remove_waiting: bool) -> Queue:
        """Close a queue; with `remove_waiting` whoever waits or is called is removed and told. Raises NotFound."""
        queue = self.set_state(tx, queue_id, QueueState.CLOSED, actor)
        if remove_waiting:
            remove_all(tx, queue, EventKind.CLOSED, actor)
        return queue

    def end_day_if_over(self, tx: Transaction, queue_id: str) -> bool:
        """Start the numbers again where the business day is over; answers whether it was."""
        queue = tx.lock(tx.queues.lock(queue_id))
        if queue is None or tx.now < queue.day_ends_at:
            return False
        end_day(tx, queue)
        return True

    def _call(self, tx: Transaction, queue: Queue, ticket: Ticket, actor: Actor) -> None:
        before = snapshot(ticket) | {"pace": pace_of(queue)}
        learn_pace(queue, ticket, tx.now)
        ticket.state = CALLED
        ticket.version = tx.change(queue).version
        start_call(tx, queue, ticket)
        tx.tickets.save(ticket)
        queue.waiting -= 1
        tx.leaves_line(queue, ticket)
        queue.last_action_version = queue.version
        record(tx, queue, EventKind.CALLED, ticket, actor, before=before)

    def _line_moved_up(self, tx: Transaction, queue: Queue) -> None:
        if queue.almost_there_at:
            self._tell_almost_there(tx, queue, tx.tickets.first_waiting(queue.id, queue.almost_there_at))

    def _tell_almost_there(self, tx: Transaction, queue: Queue, heads: list[Ticket]) -> None:
        news = [head for head in heads[: queue.almost_there_at] if not head.almost_there_told]
        if not news:
            return
        tx.tickets.tell_almost_there([head.id for head in news])
        for head in news:
            record(tx, queue, EventKind.ALMOST_THERE, head, SYSTEM)

    def _refuse_second_place(self, tx: Transaction, queue: Queue, contact_id: str) -> None:
        if tx.contacts.is_new(contact_id):
            return
        ticket = tx.tickets.active_of(queue.id, contact_id)
        if ticket is not None:
            position = tx.tickets.ahead_of(ticket) + 1 if ticket.state is WAITING else None
            raise AlreadyInLine(ticket=ticket, position=position)


def check_party_size(queue: Queue, party_size: int) -> None:
    """Raise InvalidPartySize or PartyTooLarge where the queue can't take such a party."""
    if not 1 <= party_size <= LARGEST_PARTY:
        raise InvalidPartySize(party_size=party_size, at_most=LARGEST_PARTY)
    if queue.largest_party is not None and party_size > queue.largest_party:
        raise PartyTooLarge(largest_party=queue.largest_party, party_size=party_size)


def _nothing_to_undo_after(queue: Queue, actor: Actor) -> None:
    """An action of staff that can't be undone: their undo would take back an earlier one, which they don't mean."""
    if actor.kind is ActorKind.STAFF:
        queue.last_action_version = 0


def _check_lengths(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and len(text) > LONGEST[name]:
            raise InvalidValue(field=name, reason="too-long", at_most=LONGEST[name])


def _refuse_unless_open(queue: Queue) -> None:
    if queue.state is QueueState.CLOSED:
        raise QueueClosed(queue=queue.name)
    if queue.state is QueueState.PAUSED:
        raise QueuePaused(queue=queue.name)
    if queue.capacity is not None and queue.waiting >= queue.capacity:
        raise QueueFull(queue=queue.name, capacity=queue.capacity)
