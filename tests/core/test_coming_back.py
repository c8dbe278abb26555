"""Put back, no-show and come back: whose place is where."""

from datetime import timedelta

import pytest

from core.errors import AlreadyInLine, GraceOver, WrongState
from core.model import GUEST, SYSTEM, EventKind, TicketState
from tests.core.lines import OWNER, Line


def test_who_is_put_back_waits_at_the_old_place(line: Line) -> None:
    first, second, third, fourth = line.fill(4)
    line.act("call", third)
    line.call_next()

    line.act("put_back", third)
    assert line.order() == [second.id, third.id, fourth.id]
    line.act("put_back", first)
    assert line.order() == [first.id, second.id, third.id, fourth.id]
    assert line.ticket(first).called_at is None
    assert line.ticket(first).no_show_at is None


def test_who_comes_back_is_among_the_first(line: Line) -> None:
    first, second, third = line.fill(3)
    line.call_next()
    line.act("no_show", first)
    line.call_next()
    line.wait(minutes=14)

    back = line.act("come_back", first, actor=GUEST)

    assert back.state is TicketState.WAITING
    assert back.ended_at is None
    assert line.order() == [first.id, third.id]
    assert line.act("put_back", second).id == line.order()[1], "the one called after it stands after it"


def test_who_comes_back_may_be_called_again(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act("no_show", mine)
    line.act("come_back", mine)

    assert line.call_next().id == mine.id
    assert line.ticket(mine).call_number == 2


@pytest.mark.parametrize("grace_minutes", [0, 15])
def test_the_grace_ends_to_the_second(make_line, grace_minutes: int) -> None:
    line = make_line(grace_minutes=grace_minutes)
    mine = line.join("+15550300001")
    line.call_next()
    line.act("no_show", mine)

    line.wait(minutes=grace_minutes, seconds=1)
    refusal = line.refuses(GraceOver, lambda tx: line.queues.come_back(tx, mine.id, GUEST))
    assert refusal == {"grace_minutes": grace_minutes}

    line.clock.advance(timedelta(seconds=-1))
    assert line.act("come_back", mine, actor=GUEST).state is TicketState.WAITING


def test_a_no_show_who_joined_anew_has_one_place(line: Line) -> None:
    first = line.join("+15550300001")
    line.call_next()
    line.act("no_show", first)
    second = line.join("+15550300001")

    refusal = line.refuses(AlreadyInLine, lambda tx: line.queues.come_back(tx, first.id, GUEST))

    assert refusal["ticket"].id == second.id
    assert refusal["position"] == 1


def test_only_a_place_given_back_by_staff_is_announced(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act("no_show", mine)
    line.act("come_back", mine, actor=GUEST)
    assert line.history(mine)[-1].relayed_at is not None

    line.call_next()
    line.act("no_show", mine)
    line.act("come_back", mine, actor=OWNER)
    assert line.history(mine)[-1].relayed_at is None


def test_the_clock_makes_a_no_show_when_it_has_run_out(make_line) -> None:
    line = make_line(no_show_minutes=5)
    walk_in = line.join(actor=OWNER)
    line.call_next()
    assert line.ticket(walk_in).no_show_at == line.clock.now + timedelta(minutes=5)

    line.wait(minutes=4, seconds=59)
    assert not line.do(lambda tx: line.queues.no_show_if_overdue(tx, walk_in.id))
    assert line.state(walk_in) is TicketState.CALLED

    line.wait(seconds=1)
    assert line.do(lambda tx: line.queues.no_show_if_overdue(tx, walk_in.id))
    assert not line.do(lambda tx: line.queues.no_show_if_overdue(tx, walk_in.id))
    assert line.state(walk_in) is TicketState.NO_SHOW
    assert (line.history(walk_in)[-1].kind, line.history(walk_in)[-1].actor) == (EventKind.NO_SHOW, SYSTEM)


def test_without_a_limit_nobody_becomes_a_no_show(line: Line) -> None:
    mine = line.join(actor=OWNER)
    line.call_next()
    line.wait(hours=8)

    assert line.ticket(mine).no_show_at is None
    assert not line.do(lambda tx: line.queues.no_show_if_overdue(tx, mine.id))


@pytest.mark.parametrize("ticket_id", ["nobody", "waiting"])
def test_the_clock_acts_on_the_called_only(line: Line, ticket_id: str) -> None:
    waiting = line.join("+15550300001")

    assert not line.do(
        lambda tx: line.queues.no_show_if_overdue(tx, waiting.id if ticket_id == "waiting" else ticket_id)
    )
    assert line.state(waiting) is TicketState.WAITING


def test_a_recall_starts_the_clock_again(make_line) -> None:
    line = make_line(no_show_minutes=5)
    mine = line.join(actor=OWNER)
    line.call_next()
    line.wait(minutes=4)
    line.act("recall", mine)
    line.wait(minutes=4)

    assert not line.do(lambda tx: line.queues.no_show_if_overdue(tx, mine.id))


def test_a_served_guest_does_not_come_back(line: Line) -> None:
    mine = line.join("+15550300001")
    line.call_next()
    line.act("serve", mine)

    refusal = line.refuses(WrongState, lambda tx: line.queues.come_back(tx, mine.id, GUEST))

    assert refusal == {"state": TicketState.SERVED, "action": "come-back"}
