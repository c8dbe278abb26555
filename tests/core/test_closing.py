"""Opening, pausing and closing a queue."""

from functools import partial

import pytest

from core.errors import NotFound, NothingToUndo
from core.model import EventKind, QueueState, TicketState
from tests.core.lines import OWNER, STRANGER, Line, contents


def test_a_paused_queue_goes_on_with_who_waits(line: Line) -> None:
    first, second = line.fill(2)
    line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.PAUSED, OWNER))

    assert line.call_next().id == first.id
    assert line.act("serve", first).state is TicketState.SERVED
    assert line.order() == [second.id]
    assert line.queue.state is QueueState.PAUSED


def test_a_new_state_is_recorded_once(line: Line) -> None:
    for _ in range(2):
        line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.PAUSED, OWNER))

    with line.records.reading() as tx:
        [event] = tx.event_log.of_version(line.id, 1)
    assert (event.kind, event.ticket_id, event.actor) == (EventKind.QUEUE_STATE_CHANGED, None, OWNER)
    assert event.data == {"before": "open", "state": "paused"}
    assert line.queue.version == 1


def test_a_state_that_it_has_already_changes_nothing(line: Line) -> None:
    before = contents(line.engine)

    line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.OPEN, OWNER))

    assert contents(line.engine) == before


def test_a_queue_may_close_and_keep_who_waits(line: Line) -> None:
    first, second = line.fill(2)
    line.call_next()

    closed = line.do(lambda tx: line.queues.close(tx, line.id, OWNER, remove_waiting=False))

    assert closed.state is line.queue.state is QueueState.CLOSED
    assert line.state(first) is TicketState.CALLED
    assert line.order() == [second.id]


def test_a_queue_that_closes_for_good_removes_and_tells_everybody(line: Line) -> None:
    called, waiting, served = line.fill(3)
    line.act("call", served)
    line.act("serve", served)
    line.act("call", called)
    walk_in = line.join(actor=OWNER)

    line.do(lambda tx: line.queues.close(tx, line.id, OWNER, remove_waiting=True))

    for ticket in (called, waiting, walk_in):
        now = line.ticket(ticket)
        assert (now.state, now.ended_at, now.no_show_at) == (TicketState.REMOVED, line.clock.now, None)
        assert line.history(ticket)[-1].kind is EventKind.CLOSED
    assert [line.history(ticket)[-1].relayed_at is None for ticket in (called, waiting, walk_in)] == [True, True, False]
    assert line.state(served) is TicketState.SERVED
    assert line.queue.waiting == 0
    assert len({line.ticket(ticket).version for ticket in (called, waiting, walk_in)}) == 1


def test_a_closed_queue_may_still_send_everybody_home(line: Line) -> None:
    mine = line.join("+15550300001")
    for remove_waiting in (False, True, True):
        line.do(partial(line.queues.close, queue_id=line.id, actor=OWNER, remove_waiting=remove_waiting))

    assert line.happened(mine) == [EventKind.JOINED, EventKind.CLOSED]


def test_a_closing_is_not_undone(line: Line) -> None:
    line.fill(2)
    line.call_next()
    line.do(lambda tx: line.queues.close(tx, line.id, OWNER, remove_waiting=True))

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))


def test_the_removed_may_join_again_when_it_opens(line: Line) -> None:
    line.join("+15550300001")
    line.do(lambda tx: line.queues.close(tx, line.id, OWNER, remove_waiting=True))
    line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.OPEN, OWNER))

    assert line.join("+15550300001").number == 2


@pytest.mark.parametrize("queue_id", ["queue", "nowhere"])
def test_staff_of_another_venue_close_nothing(line: Line, queue_id: str) -> None:
    line.join("+15550300001")

    line.refuses(NotFound, lambda tx: line.queues.close(tx, queue_id, STRANGER, remove_waiting=True))
    line.refuses(NotFound, lambda tx: line.queues.set_state(tx, queue_id, QueueState.PAUSED, STRANGER))
