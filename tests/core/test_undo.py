"""Undo: the last staff action on a ticket, within a minute."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.errors import ChangedSince, NotFound, NothingToUndo
from core.estimates import pace_of
from core.model import GUEST, EventKind, QueueState, Ticket, TicketState
from core.order import GAP
from tests.core.lines import OWNER, STRANGER, Line

ACTIONS = {
    "call": (),
    "serve": ("call",),
    "no_show": ("call",),
    "put_back": ("call",),
    "come_back": ("call", "no_show"),
    "remove": (),
    "leave": (),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_staff_action_is_undone_to_the_state_before(make_line, action: str) -> None:
    line = make_line(no_show_minutes=5)
    mine, other = line.fill(2)
    for earlier in ACTIONS[action]:
        line.act(earlier, mine)
        line.wait(seconds=5)
    before, waiting = line.ticket(mine), line.queue.waiting

    line.act(action, mine)
    line.wait(seconds=5)
    undone = line.undo()

    assert undone == line.ticket(mine)
    assert undone.state is before.state
    assert (undone.order_key, undone.called_at, undone.ended_at) == (
        before.order_key,
        before.called_at,
        before.ended_at,
    )
    assert line.queue.waiting == waiting
    assert line.state(other) is TicketState.WAITING


def test_an_undo_is_an_event_of_its_own(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.undo()

    assert line.happened(mine) == [EventKind.JOINED, EventKind.CALLED, EventKind.UNDONE]
    undone = line.history(mine)[-1]
    assert undone.actor == OWNER
    assert undone.data == {"undone": EventKind.CALLED, "state": TicketState.WAITING}
    assert undone.relayed_at is None, "a call that was taken back may have to be told"


def test_a_move_is_undone(line: Line) -> None:
    tickets = line.fill(4)
    line.act("move", tickets[3], 2)
    line.undo()

    assert line.order() == [ticket.id for ticket in tickets]


def test_a_removal_is_undone_to_the_same_place(line: Line) -> None:
    tickets = line.fill(3)
    line.act("remove", tickets[1])
    line.join("+15550300009")
    line.undo()

    assert line.order()[:3] == [ticket.id for ticket in tickets]


@pytest.mark.parametrize(("seconds", "undone"), [(60, True), (60.000001, False)])
def test_an_action_is_undone_for_a_minute(line: Line, seconds: float, undone: bool) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.clock.advance(timedelta(seconds=seconds))

    if undone:
        line.undo()
        assert line.state(mine) is TicketState.WAITING
    else:
        assert line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER)) == {}


def test_there_is_nothing_to_undo_in_a_new_queue(line: Line) -> None:
    line.join("+15550300001")

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))


def test_an_undo_is_not_undone(line: Line) -> None:
    line.fill(2)
    line.call_next()
    line.call_next()
    line.undo()

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))


def test_a_recall_is_not_undone_nor_what_was_before_it(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act("recall", mine)

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))


ACTIONS_FOR_GOOD: dict[str, Callable[[Line, Ticket], object]] = {
    "a correction": lambda line, other: line.act("change", other, party_size=3),
    "a pause": lambda line, _: line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.PAUSED, OWNER)),
    "a walk-in": lambda line, _: line.join(actor=OWNER),
}


@pytest.mark.parametrize("action", ACTIONS_FOR_GOOD)
def test_after_an_action_that_is_not_undone_nothing_before_it_is(line: Line, action: str) -> None:
    mine, other = line.fill(2)
    line.call_next()
    ACTIONS_FOR_GOOD[action](line, other)

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))
    assert line.state(mine) is TicketState.CALLED


def test_a_call_that_is_undone_teaches_no_pace(line: Line) -> None:
    line.fill(6)
    for _ in range(4):
        line.call_next()
        line.wait(minutes=4)
    before = pace_of(line.queue)

    line.call_next()
    assert pace_of(line.queue) != before
    line.wait(seconds=1)
    line.undo()

    assert pace_of(line.queue) == before


@pytest.mark.parametrize("slip", ["serve", "no_show", "remove"])
def test_a_slip_of_the_staff_makes_nobody_a_no_show(make_line, slip: str) -> None:
    line = make_line(no_show_minutes=5)
    mine = line.join()
    line.call_next()
    line.wait(minutes=4, seconds=50)
    line.act(slip, mine)
    line.wait(seconds=30)
    line.undo()

    line.wait(seconds=9)
    assert not line.do(lambda tx: line.queues.no_show_if_overdue(tx, mine.id)), "ten seconds were left"
    line.wait(seconds=1)
    assert line.do(lambda tx: line.queues.no_show_if_overdue(tx, mine.id))


def test_what_others_do_meanwhile_stays(line: Line) -> None:
    first, second = line.fill(2)
    line.call_next()
    third = line.join("+15550300009")
    line.act("leave", second, actor=GUEST)
    line.undo()

    assert line.order() == [first.id, third.id]


@pytest.mark.parametrize("guest_acts", ["leave", "change"])
def test_nothing_is_undone_once_the_guest_has_acted(line: Line, guest_acts: str) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act(guest_acts, mine, actor=GUEST)

    line.refuses(ChangedSince, lambda tx: line.queues.undo(tx, line.id, OWNER))


def test_a_no_show_who_came_back_is_not_undone(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act("no_show", mine)
    line.act("come_back", mine, actor=GUEST)

    line.refuses(ChangedSince, lambda tx: line.queues.undo(tx, line.id, OWNER))


@pytest.mark.parametrize("action", ["serve", "no_show", "remove"])
def test_nothing_is_undone_once_the_guest_holds_another_place(line: Line, action: str) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act(action, mine)
    again = line.join("+15550300001")

    line.refuses(ChangedSince, lambda tx: line.queues.undo(tx, line.id, OWNER))
    assert line.state(again) is TicketState.WAITING


def test_what_a_guest_did_is_not_undone_by_staff(line: Line) -> None:
    first, second = line.fill(2)
    line.act("leave", first, actor=GUEST)
    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))

    third = line.join("+15550300009")
    line.act("move", second, 2, actor=GUEST)
    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))
    assert line.order() == [third.id, second.id]


def test_a_place_that_a_guest_moved_to_is_not_given_to_another(line: Line) -> None:
    tickets = line.fill(4)
    line.act("move", tickets[1], 4)
    line.act("move", tickets[3], 2, actor=GUEST)
    assert line.ticket(tickets[3]).order_key == 2 * GAP

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))


def test_the_end_of_the_business_day_is_not_undone(line: Line) -> None:
    mine = line.join("+15550300001")
    line.clock.now = line.queue.day_ends_at - timedelta(seconds=10)
    line.call_next()
    line.wait(seconds=20)
    line.do(lambda tx: line.queues.end_day_if_over(tx, line.id))

    line.refuses(NothingToUndo, lambda tx: line.queues.undo(tx, line.id, OWNER))
    assert line.state(mine) is TicketState.REMOVED


def test_staff_of_another_venue_undo_nothing(line: Line) -> None:
    line.join("+15550300001")
    line.call_next()

    assert line.refuses(NotFound, lambda tx: line.queues.undo(tx, line.id, STRANGER)) == {"what": "queue"}
    assert line.refuses(NotFound, lambda tx: line.queues.undo(tx, "nowhere", OWNER)) == {"what": "queue"}
