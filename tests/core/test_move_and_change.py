"""Moving a guest, and correcting what is known of a party."""

import pytest

from core.errors import InvalidPartySize, InvalidValue, PartyTooLarge
from core.model import GUEST, EventKind, TicketState
from core.order import GAP
from tests.core.lines import OWNER, Line


@pytest.mark.parametrize("start", range(1, 6))
@pytest.mark.parametrize("position", [-3, 0, 1, 2, 3, 4, 5, 6, 10**30])
def test_a_guest_is_moved_to_any_place(line: Line, start: int, position: int) -> None:
    tickets = line.fill(5)
    moved = tickets[start - 1]

    line.act("move", moved, position)

    others = [ticket.id for ticket in tickets if ticket is not moved]
    expected = min(max(position, 1), 5) - 1
    assert line.order() == [*others[:expected], moved.id, *others[expected:]]
    assert line.queue.waiting == 5


def test_who_moved_whom_is_recorded(line: Line) -> None:
    first, second = line.fill(2)
    line.act("move", second, 1)

    moved = line.history(second)[-1]
    assert (moved.kind, moved.actor, moved.at) == (EventKind.MOVED, OWNER, line.clock.now)
    assert moved.data["position"] == 1
    assert moved.relayed_at is not None
    assert line.happened(first) == [EventKind.JOINED]


def test_a_place_beside_one_that_has_ended_is_free(line: Line) -> None:
    first, second, third, fourth = line.fill(4)
    line.act("move", second, 1)
    assert line.ticket(second).order_key == 0
    line.act("move", third, 1)
    line.act("remove", second)

    line.act("move", fourth, 2)

    assert line.order() == [third.id, fourth.id, first.id]


def test_a_gap_that_is_used_up_is_spread_out_again(line: Line) -> None:
    tickets = line.fill(6)
    expected = [ticket.id for ticket in tickets]
    last_key = line.queue.last_order_key

    for turn in range(3 * GAP.bit_length()):
        moved = tickets[1 + turn % 4]
        position = 2 + turn % 3
        line.act("move", moved, position)
        expected.remove(moved.id)
        expected.insert(position - 1, moved.id)
        assert line.order() == expected

    assert line.queue.last_order_key > last_key, "the line was spread out"


def test_the_front_never_runs_out_of_room(line: Line) -> None:
    tickets = line.fill(3)
    line.call_next()

    for turn in range(3 * GAP.bit_length()):
        moved = tickets[1 + turn % 2]
        line.act("move", moved, 1)
        assert line.order()[0] == moved.id


def test_who_was_called_is_put_back_to_the_old_place_though_the_line_was_spread_out(line: Line) -> None:
    tickets = line.fill(6)
    called = tickets[3]
    line.act("call", called)
    last_key = line.queue.last_order_key
    while line.queue.last_order_key == last_key:
        line.act("move", line.ticket(tickets[2]), 2)
        line.act("move", line.ticket(tickets[1]), 2)
    line.act("put_back", called)

    assert line.position(called) == 4


def test_a_move_that_spread_the_line_out_is_undone_to_the_old_place(line: Line) -> None:
    tickets = line.fill(6)
    last_key = line.queue.last_order_key
    while True:
        before = line.order()
        line.act("move", tickets[5], 2)
        spread = line.queue.last_order_key > last_key
        line.undo()
        assert line.order() == before
        if spread:
            break
        line.act("move", tickets[1], 2)
        line.act("move", tickets[2], 2)
        last_key = line.queue.last_order_key


def test_what_is_not_named_stays(line: Line) -> None:
    mine = line.join("+15550300001", guest_name="Ana", party_size=4, note="window")

    assert line.act("change", mine, party_size=5).party_size == 5
    assert line.act("change", mine, guest_name="Bia", actor=GUEST).guest_name == "Bia"
    changed = line.act("change", mine, note="")

    assert (changed.guest_name, changed.party_size, changed.note) == ("Bia", 5, "")
    assert line.ticket(mine) == changed
    assert line.history(mine)[-1].data == {"party_size": 5}


def test_a_called_party_may_be_corrected(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()

    assert line.act("change", mine, party_size=3).state is TicketState.CALLED


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"party_size": 0}, InvalidPartySize),
        ({"party_size": 7}, PartyTooLarge),
        ({"guest_name": "x" * 101}, InvalidValue),
        ({"note": "x" * 501}, InvalidValue),
        ({"guest_name": "Bia", "party_size": 1001}, InvalidPartySize),
    ],
)
def test_a_correction_that_can_not_be_changes_nothing(make_line, change, error) -> None:
    line = make_line(largest_party=6)
    mine = line.join("+15550300001", guest_name="Ana")

    line.refuses(error, lambda tx: line.queues.change(tx, mine.id, GUEST, **change))
