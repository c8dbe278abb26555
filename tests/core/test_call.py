"""Calling guests in, and what becomes of the called."""

from functools import partial

import pytest

from core.errors import NotFound, QueueEmpty, WrongState
from core.model import EventKind, TicketState
from tests.core.lines import OWNER, STRANGER, Line


def test_first_come_first_called(line: Line) -> None:
    tickets = line.fill(5)

    assert [line.call_next().id for _ in range(5)] == [ticket.id for ticket in tickets]
    assert line.queue.waiting == 0


def test_a_called_guest_holds_a_place_but_no_position(line: Line) -> None:
    first, second = line.fill(2)

    called = line.call_next()

    assert called == line.ticket(first)
    assert called.state is TicketState.CALLED
    assert (called.called_at, called.call_number) == (line.clock.now, 1)
    assert line.position(second) == 1
    assert line.queue.waiting == 1


def test_a_call_is_an_event_that_the_guest_is_told(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()

    called = line.history(mine)[-1]
    assert (called.kind, called.actor, called.call_number) == (EventKind.CALLED, OWNER, 1)
    assert called.relayed_at is None


def test_the_call_of_a_walk_in_without_a_phone_is_told_to_nobody(line: Line) -> None:
    walk_in = line.join(actor=OWNER)
    line.call_next()

    assert line.history(walk_in)[-1].relayed_at is not None


def test_an_empty_line_calls_nobody(line: Line) -> None:
    refusal = line.refuses(QueueEmpty, lambda tx: line.queues.call_next(tx, line.id, OWNER))

    assert refusal == {"seats": None}


def test_an_unknown_queue_and_another_venues_queue_look_the_same(line: Line) -> None:
    line.join("+15550300001")

    unknown = line.refuses(NotFound, lambda tx: line.queues.call_next(tx, "nowhere", OWNER))
    foreign = line.refuses(NotFound, lambda tx: line.queues.call_next(tx, line.id, STRANGER))

    assert unknown == foreign == {"what": "queue"}


def test_free_seats_call_the_first_party_that_fits(line: Line) -> None:
    six = line.join("+15550300001", party_size=6)
    four = line.join("+15550300002", party_size=4)
    two = line.join("+15550300003", party_size=2)
    another_two = line.join("+15550300004", party_size=2)

    assert line.call_next(seats=3).id == two.id
    assert line.call_next(seats=4).id == four.id
    assert line.order() == [six.id, another_two.id], "those who were passed over keep their places"


def test_a_party_deep_in_the_line_is_found(line: Line) -> None:
    line.fill(30, party_size=8)
    small = line.join("+15550300001", party_size=2)

    assert line.call_next(seats=2).id == small.id


@pytest.mark.parametrize("seats", [0, -1, 1])
def test_seats_that_nobody_fits_call_nobody(line: Line, seats: int) -> None:
    line.join("+15550300001", party_size=2)

    refusal = line.refuses(QueueEmpty, lambda tx: line.queues.call_next(tx, line.id, OWNER, seats))

    assert refusal == {"seats": seats}


def test_staff_may_call_anybody(line: Line) -> None:
    first, second, third = line.fill(3)

    assert line.act("call", second).state is TicketState.CALLED
    assert line.order() == [first.id, third.id]


def test_a_recall_repeats_the_call(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.wait(minutes=3)

    again = line.act("recall", mine)

    assert again.state is TicketState.CALLED
    assert (again.called_at, again.call_number) == (line.clock.now, 2)
    recalled = line.history(mine)[-1]
    assert (recalled.kind, recalled.call_number, recalled.relayed_at) == (EventKind.RECALLED, 2, None)


@pytest.mark.parametrize(
    ("action", "state", "kind"),
    [
        ("serve", TicketState.SERVED, EventKind.SERVED),
        ("no_show", TicketState.NO_SHOW, EventKind.NO_SHOW),
        ("remove", TicketState.REMOVED, EventKind.REMOVED),
        ("leave", TicketState.LEFT, EventKind.LEFT),
        ("put_back", TicketState.WAITING, EventKind.PUT_BACK),
    ],
)
def test_a_call_ends_in_one_of_these_ways(line: Line, action: str, state: TicketState, kind: EventKind) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.wait(minutes=1)

    after = line.act(action, mine)

    assert after == line.ticket(mine)
    assert after.state is state
    assert line.history(mine)[-1].kind is kind
    assert line.queue.waiting == (state is TicketState.WAITING)
    assert after.ended_at == (None if state is TicketState.WAITING else line.clock.now)


STEPS = {
    "call": {TicketState.WAITING},
    "recall": {TicketState.CALLED},
    "serve": {TicketState.CALLED},
    "no_show": {TicketState.CALLED},
    "put_back": {TicketState.CALLED},
    "come_back": {TicketState.NO_SHOW},
    "remove": {TicketState.WAITING, TicketState.CALLED},
    "leave": {TicketState.WAITING, TicketState.CALLED},
    "change": {TicketState.WAITING, TicketState.CALLED},
    "move": {TicketState.WAITING},
}
WAYS = {
    TicketState.WAITING: (),
    TicketState.CALLED: ("call",),
    TicketState.SERVED: ("call", "serve"),
    TicketState.NO_SHOW: ("call", "no_show"),
    TicketState.LEFT: ("leave",),
    TicketState.REMOVED: ("remove",),
}


@pytest.mark.parametrize("state", WAYS, ids=str)
def test_every_other_step_is_refused_with_the_state(line: Line, state: TicketState) -> None:
    mine = line.join("+15550300001")
    line.join("+15550300002")
    for action in WAYS[state]:
        line.act(action, mine)
    assert line.state(mine) is state

    for action, allowed in STEPS.items():
        if state in allowed:
            continue
        arguments = {"position": 1} if action == "move" else {}
        step = partial(getattr(line.queues, action), ticket_id=mine.id, actor=OWNER, **arguments)
        refusal = line.refuses(WrongState, step)
        assert refusal == {"state": state, "action": action.replace("_", "-")}


@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("who", [OWNER, STRANGER], ids=["own", "foreign"])
def test_an_unknown_ticket_and_another_venues_ticket_look_the_same(line: Line, action: str, who) -> None:
    mine = line.join("+15550300001")
    ticket_id = "nobody" if who is OWNER else mine.id
    arguments = (1, who) if action == "move" else (who,)

    refusal = line.refuses(NotFound, lambda tx: getattr(line.queues, action)(tx, ticket_id, *arguments))

    assert refusal == {"what": "ticket"}
