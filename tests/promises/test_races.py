"""One place, fair, once, when many press in the same instant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine

from core.errors import AlreadyInLine, KeyReused, Refusal
from core.model import GUEST, ContactAddress, Ticket
from core.notices import NoticeService
from core.storage.records import Once, Records, Transaction
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, Line

T = TypeVar("T")


@pytest.fixture
def line(records: Records, engine: Engine):
    line = Line(records, engine, almost_there_at=3)
    yield line
    assert_whole(engine)


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """The outcomes of all of them, started in the same instant."""
    barrier = Barrier(len(works))

    def act(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(act, works))


def once(key: str, fingerprint: str = "") -> Once:
    return Once("races", key, fingerprint, timedelta(days=1))


def test_sixteen_who_call_next_at_once_call_two_hundred_different_guests_in_order(line: Line) -> None:
    waiting = [ticket.number for ticket in line.fill(200)]
    calls = at_once([lambda: [line.call_next() for _ in range(200 // 16)]] * 16)
    rest = [line.call_next() for _ in range(200 % 16)]

    called = [ticket for tickets in calls for ticket in tickets] + rest
    assert [ticket.number for ticket in sorted(called, key=lambda ticket: ticket.version)] == waiting
    assert all(
        [ticket.number for ticket in tickets] == sorted(ticket.number for ticket in tickets) for tickets in calls
    )


def test_thirty_two_joins_of_one_contact_at_once_make_one_ticket(line: Line) -> None:
    def join() -> str:
        try:
            return line.join("+15550200001").id
        except AlreadyInLine as refusal:
            return str(refusal.details["ticket"].id)

    assert len(set(at_once([join] * 32))) == 1
    assert line.queue.waiting == 1


def test_guests_who_join_at_once_are_told_the_places_that_they_have(line: Line) -> None:
    def join(number: int) -> tuple[str, int]:
        joined = line.do(lambda tx: line.joining(tx, f"+155502{number:05}"))
        return joined.ticket.id, joined.position

    told = at_once([partial(join, number) for number in range(24)])

    assert [ticket_id for ticket_id, _ in sorted(told, key=lambda place: place[1])] == line.order()
    assert sorted(position for _, position in told) == list(range(1, 25))


def test_the_times_of_a_history_run_in_its_order_however_long_a_change_waits_for_its_turn(line: Line) -> None:
    def join_late(tx: Transaction) -> Ticket:
        began = tx.now
        line.wait(seconds=4)
        joined = line.joining(tx, "+15550200001")
        assert (began, tx.now) == (line.clock() - timedelta(seconds=4), line.clock())
        return joined.ticket

    ticket = line.do(join_late)

    assert [event.at for event in line.history(ticket)] == [line.clock()]
    assert line.ticket(ticket).joined_at == line.clock()


def test_one_who_presses_eight_times_with_one_key_calls_one_guest(line: Line) -> None:
    line.fill(10)

    def press() -> dict[str, Any]:
        def work(tx: Transaction) -> dict[str, Any]:
            return {"called": line.queues.call_next(tx, line.id, OWNER).number}

        return line.records.answer_once(once("press"), work)

    assert at_once([press] * 8) == [{"called": 1}] * 8
    assert line.queue.waiting == 9


def test_parallel_requests_with_one_key_and_two_bodies_make_one_change(line: Line) -> None:
    line.fill(10)

    def press(body: str) -> object:
        def work(tx: Transaction) -> dict[str, Any]:
            return {"called": line.queues.call_next(tx, line.id, OWNER).number}

        try:
            return line.records.answer_once(once("press", body), work)
        except KeyReused as refusal:
            return type(refusal)

    answers = at_once([partial(press, body) for body in "ab" * 4])

    assert answers.count({"called": 1}) == answers.count(KeyReused) == 4
    assert line.queue.waiting == 9


class Night:
    """People who do everything at once to one line. A refusal means that somebody else was faster."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.notices = NoticeService(line.records)

    def tries(self, work: Callable[[Transaction], object]) -> None:
        with suppress(Refusal):
            self.line.do(work)

    def guest(self, address: str) -> None:
        for _ in range(6):
            self.tries(partial(self.line.joining, address=address))
            contact = self.line.do(lambda tx: self.line.book.lock_or_add(tx, ContactAddress("sms", address)))
            with self.line.records.reading() as tx:
                places = tx.places.of_contact(contact.id)
            for place in places[:1]:
                self.tries(partial(self.line.queues.leave, ticket_id=place.ticket.id, actor=GUEST))

    def caller(self) -> None:
        for _ in range(10):
            self.tries(partial(self.line.queues.call_next, queue_id=self.line.id, actor=OWNER))
            self.tries(partial(self.line.queues.undo, queue_id=self.line.id, actor=OWNER))

    def mover(self) -> None:
        for _ in range(10):
            for last in self.line.order()[-1:]:
                self.tries(partial(self.line.queues.move, ticket_id=last, position=1, actor=OWNER))

    def worker(self) -> None:
        for _ in range(10):
            self.notices.relay()
            for outbound in self.notices.claim(5, ("sms",)):
                self.notices.sent(outbound.notice.id, f"SM{outbound.notice.id}", delivered=True)


def test_a_night_of_everything_at_once_leaves_a_whole_record(line: Line) -> None:
    night = Night(line)
    line.fill(20)
    guests: list[Callable[[], None]] = [partial(night.guest, f"+155502{number:05}") for number in range(6)]

    at_once([*guests, night.caller, night.caller, night.mover, night.worker, night.worker])

    with line.records.reading() as tx:
        places = [tx.tickets.ahead_of(ticket) for ticket in tx.tickets.first_waiting(line.id, 1000)]
    assert places == list(range(line.queue.waiting))
