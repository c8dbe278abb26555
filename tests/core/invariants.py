"""What holds in every record at every moment, whatever was done to it and however it ended."""

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Engine, select

from core.model import ACTIVE_STATES, EventKind, TicketState
from core.storage.tables import events, queues, tickets

LEADS_TO = {
    EventKind.JOINED: TicketState.WAITING,
    EventKind.CALLED: TicketState.CALLED,
    EventKind.RECALLED: TicketState.CALLED,
    EventKind.PUT_BACK: TicketState.WAITING,
    EventKind.CAME_BACK: TicketState.WAITING,
    EventKind.SERVED: TicketState.SERVED,
    EventKind.NO_SHOW: TicketState.NO_SHOW,
    EventKind.LEFT: TicketState.LEFT,
    EventKind.REMOVED: TicketState.REMOVED,
    EventKind.CLOSED: TicketState.REMOVED,
    EventKind.DAY_ENDED: TicketState.REMOVED,
}


def assert_whole(engine: Engine) -> None:
    """Tickets, events and counters tell the same story."""
    with engine.execution_options(reads=True).connect() as connection:
        all_queues = connection.execute(select(queues)).all()
        all_tickets = connection.execute(select(tickets)).all()
        all_events = connection.execute(select(events).order_by(events.c.version, events.c.ordinal)).all()
    for queue in all_queues:
        _assert_queue(
            queue,
            [ticket for ticket in all_tickets if ticket.queue_id == queue.id],
            [event for event in all_events if event.queue_id == queue.id],
        )
    joined = Counter(event.ticket_id for event in all_events if event.kind == EventKind.JOINED)
    assert joined == Counter(ticket.id for ticket in all_tickets), "each ticket has one joined event, and the reverse"
    assert {event.ticket_id for event in all_events if event.ticket_id} <= set(joined), "an event without its ticket"


def _assert_queue(queue: Any, its_tickets: list[Any], its_events: list[Any]) -> None:
    waiting = [ticket for ticket in its_tickets if ticket.state == TicketState.WAITING]
    assert queue.waiting == len(waiting)
    keys = [ticket.order_key for ticket in its_tickets]
    assert len(set(keys)) == len(keys)
    assert queue.last_order_key >= max(keys, default=0)
    assert queue.version >= max((event.version for event in its_events), default=0)
    _assert_numbers(queue, its_tickets, its_events)
    _assert_one_place(its_tickets)
    _assert_versions(its_events)
    histories = defaultdict(list)
    for event in its_events:
        histories[event.ticket_id].append(event)
    for ticket in its_tickets:
        assert _state_after(histories[ticket.id]) == ticket.state, f"ticket {ticket.id} and its events differ"
        told = [event for event in histories[ticket.id] if event.kind == EventKind.ALMOST_THERE]
        assert len(told) == ticket.almost_there_told, "almost there is told once"


def _assert_numbers(queue: Any, its_tickets: list[Any], its_events: list[Any]) -> None:
    """Numbers count up from 1 and start again only where a day ended."""
    numbers = {ticket.id: ticket.number for ticket in its_tickets}
    told = [numbers[event.ticket_id] for event in its_events if event.kind == EventKind.JOINED]
    last = 0
    for number in told:
        assert number in (last + 1, 1), f"numbers {told}"
        last = number
    assert queue.last_number in (last, 0)


def _assert_one_place(its_tickets: list[Any]) -> None:
    active = Counter(
        ticket.contact_id for ticket in its_tickets if ticket.contact_id is not None and ticket.state in ACTIVE_STATES
    )
    assert all(count == 1 for count in active.values()), "two places for one contact"
    for ticket in its_tickets:
        holds = ticket.contact_id is not None and ticket.state in ACTIVE_STATES
        assert (ticket.active_key is not None) == holds
        assert (ticket.ended_at is None) == (ticket.state in ACTIVE_STATES)


def _assert_versions(its_events: list[Any]) -> None:
    ordinals = defaultdict(list)
    for event in its_events:
        ordinals[event.version].append(event.ordinal)
    assert all(found == list(range(len(found))) for found in ordinals.values()), "a change with a gap in its events"


def _state_after(history: list[Any]) -> TicketState | None:
    state, before = None, None
    for event in history:
        if event.kind == EventKind.UNDONE:
            state = before
        elif event.kind in LEADS_TO:
            state, before = LEADS_TO[EventKind(event.kind)], state
        elif event.kind == EventKind.MOVED:
            before = state
    return state
