"""The order of a line: integer keys with gaps, unique in the queue.

Keys stay below 2^53, since the view keeps them as Redis scores, which are doubles: at this gap a queue takes eight
thousand million joins.
"""

from core.model import ACTIVE_STATES, Queue, Ticket, TicketState
from core.storage.records import Transaction

GAP = 2**20


def key_at_end(queue: Queue) -> int:
    """The order key of whoever joins a locked queue now."""
    queue.last_order_key += GAP
    return queue.last_order_key


def key_at_position(tx: Transaction, queue: Queue, ticket: Ticket, position: int) -> int:
    """A free order key that puts the ticket at this position (from 1) of a locked queue's line.

    Where the gap is used up, everybody who holds a place is given a new key first, in the same order; the ticket
    too, for its present place.
    """
    key = _free_key(tx, queue, ticket, position)
    if key is None:
        ticket.order_key = _spread_out(tx, queue)[ticket.id]
        key = _free_key(tx, queue, ticket, position)
    if key is None:
        raise AssertionError("no gap in a line that was just spread out")
    return key


def _free_key(tx: Transaction, queue: Queue, ticket: Ticket, position: int) -> int | None:
    before, after = tx.tickets.around_place(queue.id, position, ticket.id)
    if after is None:
        return key_at_end(queue)
    # Tickets that ended keep their keys, so the gap ends at the next key of any ticket.
    if before is None:
        low = tx.tickets.key_before(queue.id, after)
        low, high = (after - 2 * GAP if low is None else low), after
    else:
        low, high = before, tx.tickets.key_after(queue.id, before)
    middle = (low + high) // 2
    return middle if low < middle < high else None


def _spread_out(tx: Transaction, queue: Queue) -> dict[str, int]:
    """Give new keys to the waiting, and to the called, who may be put back among them."""
    placed = tx.tickets.in_states(queue.id, ACTIVE_STATES)
    # Above every key in use, so no step of the renumbering meets a key that is taken.
    keys = {ticket.id: key_at_end(queue) for ticket in placed}
    tx.tickets.save_order_keys(keys)
    waiting = tx.change(queue).waiting
    waiting.update({ticket.id: keys[ticket.id] for ticket in placed if ticket.state is TicketState.WAITING})
    return keys
