"""A queue's line as staff read it: page by page, with positions."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import NotFound
from core.model import ACTIVE_STATES, LineEntry, Queue, TicketState
from core.storage.records import Transaction

BEFORE_ALL, AFTER_ALL = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page of the line ended: after this order key, among the tickets of this state."""

    state: TicketState
    order_key: int


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some tickets of a line, in order of call, and where the next page starts (None: there is none)."""

    entries: list[LineEntry]
    next: Mark | None


def read_line(
    tx: Transaction,
    queue_id: str,
    states: Sequence[TicketState] = ACTIVE_STATES,
    limit: int = 50,
    after: Mark | None = None,
) -> LinePage:
    """At most `limit` tickets in these states, one state after the other.

    Whoever is called and whoever waits come in one statement; a later page costs one more to count who waits
    before it. Says nothing about who may see the line.
    """
    if tuple(states) == ACTIVE_STATES:
        found = _active(tx, queue_id, limit + 1, after)
    else:
        found = _by_state(tx, queue_id, states, limit + 1, after)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    mark = None if last is None else Mark(last.state, last.order_key)
    return LinePage(_with_positions(tx, page, after), mark)


def read_ticket(tx: Transaction, account_id: str, ticket_id: str) -> tuple[LineEntry, Queue]:
    """One ticket with its position, and its queue. Raises NotFound, also where the account does not work."""
    entry = tx.lines.entry(ticket_id)
    queue = None if entry is None else tx.queues.get(entry.queue_id)
    if entry is None or queue is None or tx.venues.role(account_id, queue.venue_id) is None:
        raise NotFound(what="ticket")
    return with_position(tx, entry), queue


def with_position(tx: Transaction, entry: LineEntry) -> LineEntry:
    """The same with its position, counted; None unless the ticket waits."""
    if entry.state is TicketState.WAITING:
        entry.position = tx.tickets.position_of(entry.id)
    return entry


def _active(tx: Transaction, queue_id: str, at_most: int, after: Mark | None) -> list[LineEntry]:
    if after is None:
        return tx.lines.active(queue_id, at_most, BEFORE_ALL, BEFORE_ALL)
    if after.state is TicketState.CALLED:
        return tx.lines.active(queue_id, at_most, after.order_key, BEFORE_ALL)
    return tx.lines.active(queue_id, at_most, AFTER_ALL, after.order_key)


def _by_state(
    tx: Transaction, queue_id: str, states: Sequence[TicketState], at_most: int, after: Mark | None
) -> list[LineEntry]:
    found: list[LineEntry] = []
    left = states if after is None else states[states.index(after.state) :]
    for state in left:
        start = after.order_key if after is not None and after.state is state else BEFORE_ALL
        found += tx.lines.in_state(queue_id, state, at_most - len(found), start)
        if len(found) == at_most:
            break
    return found


def _with_positions(tx: Transaction, page: list[LineEntry], after: Mark | None) -> list[LineEntry]:
    waiting = [entry for entry in page if entry.state is TicketState.WAITING]
    if waiting:
        first = 1 if after is None else tx.tickets.ahead_of(waiting[0]) + 1
        for position, entry in enumerate(waiting, start=first):
            entry.position = position
    return page
