"""Almost there: one event for each ticket that comes to the n-th place or before it, ever."""

import pytest

from core.model import GUEST, EventKind, Ticket
from tests.core.lines import Line

TOLD = EventKind.ALMOST_THERE


def told(line: Line, tickets: list[Ticket]) -> list[int]:
    """The numbers of the tickets that were told, each as often as it was."""
    return [ticket.number for ticket in tickets for kind in line.happened(ticket) if kind is TOLD]


def test_each_call_tells_the_guest_who_comes_to_the_third_place(make_line) -> None:
    line = make_line(almost_there_at=3)
    tickets = line.fill(6)
    assert told(line, tickets) == []

    line.call_next()
    assert told(line, tickets) == [2, 3, 4]
    line.call_next()
    assert told(line, tickets) == [2, 3, 4, 5]
    line.call_next()
    line.call_next()
    assert told(line, tickets) == [2, 3, 4, 5, 6]


def test_it_is_part_of_the_change_that_shortened_the_line(make_line) -> None:
    line = make_line(almost_there_at=1)
    first, second = line.fill(2)
    line.call_next()

    called, almost_there = line.history(first)[-1], line.history(second)[-1]
    assert almost_there.version == called.version
    assert (called.ordinal, almost_there.ordinal) == (0, 1)
    assert almost_there.relayed_at is None


def test_a_queue_may_go_without(make_line) -> None:
    line = make_line(almost_there_at=0)
    tickets = line.fill(4)
    line.call_next()
    line.act("leave", tickets[1])
    line.act("call", tickets[2])

    assert told(line, tickets) == []


@pytest.mark.parametrize("shorten", ["call", "remove", "leave"])
def test_every_way_in_which_the_line_gets_shorter_tells(make_line, shorten: str) -> None:
    line = make_line(almost_there_at=2)
    tickets = line.fill(4)

    line.act(shorten, tickets[0])

    assert told(line, tickets) == [2, 3]


def test_a_call_past_the_first_tells_those_before_it(make_line) -> None:
    line = make_line(almost_there_at=2)
    tickets = [line.join(f"+1555030000{n}", party_size=size) for n, size in enumerate([8, 8, 8, 2])]

    line.call_next(seats=2)

    assert told(line, tickets) == [1, 2]


def test_a_call_from_the_middle_tells_who_moved_up(make_line) -> None:
    line = make_line(almost_there_at=3)
    tickets = line.fill(5)

    line.act("call", tickets[1])

    assert told(line, tickets) == [1, 3, 4]


def test_a_guest_is_told_once_however_often_the_place_is_reached(make_line) -> None:
    line = make_line(almost_there_at=1)
    first, second, third = line.fill(3)
    line.call_next()
    line.act("put_back", first)
    line.call_next()
    line.act("move", second, 2)
    line.act("move", second, 1)
    line.undo()
    line.call_next()

    assert told(line, [second]) == [2]
    assert told(line, [third]) == [3]


def test_a_move_tells_who_comes_near(make_line) -> None:
    line = make_line(almost_there_at=1)
    tickets = line.fill(4)

    line.act("move", tickets[3], 1)
    assert told(line, tickets) == [4]

    line.act("move", tickets[3], 4)
    assert told(line, tickets) == [1, 4]


def test_an_undo_that_shortens_the_line_tells_too(make_line) -> None:
    line = make_line(almost_there_at=1)
    first, second = line.fill(2)
    line.call_next()
    third = line.join("+15550300003")
    line.act("put_back", first)
    line.act("leave", second, actor=GUEST)
    assert told(line, [third]) == []

    line.undo()

    assert line.position(third) == 1
    assert told(line, [third]) == [3]


def test_who_is_put_back_by_an_undo_is_not_told_of_it_as_of_an_advance(make_line) -> None:
    line = make_line(almost_there_at=3)
    mine = line.join("+15550300001")
    line.call_next()
    line.undo()

    assert told(line, [mine]) == []


@pytest.mark.parametrize("end", ["leave", "remove"])
def test_a_called_guest_who_goes_brings_nobody_nearer(make_line, end: str) -> None:
    line = make_line(almost_there_at=1)
    first = line.join("+15550300001")
    line.call_next()
    second = line.join("+15550300002")
    line.act(end, first)

    assert told(line, [second]) == []
