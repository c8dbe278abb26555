"""The view of positions in Redis: quick, never decided from, at most two seconds behind the record."""

import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from core.clock import system_clock
from core.model import GUEST, QueueState, Ticket, TicketState
from core.order import GAP
from core.storage.records import LineChange, Records, Transaction
from core.storage.redis_server import open_redis
from core.storage.view import LEASE_MS, UNUSED_SECONDS, Positions, PositionView, ViewUpdate
from tests.core.counting import counted, counted_redis
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, Line
from tests.core.long_lines import lengthen
from tests.core.notices import Told
from tests.servers import Valkey

HEAD, TICKETS = "line:{queue}:head", "line:{queue}:tickets"


class Viewed(Told):
    """A line with a view of its positions."""

    def __init__(self, engine: Engine, redis: Redis, clock: Any) -> None:
        self.redis = redis
        self.view = PositionView(redis)
        self.update = ViewUpdate(self.view)
        super().__init__(Records(engine, clock, [self.update]), engine)
        self.positions = Positions(self.records, self.view)
        self.silent = Records(engine, clock)

    def ask(self, ticket: Ticket) -> int | None:
        return self.positions.position(ticket)

    def without_the_view(self, work: Callable[[Transaction], Any]) -> None:
        """A change whose process dies before it tells the view."""
        self.silent.transaction(work)

    def assert_right(self) -> None:
        """Every position told is that of the record."""
        for number, ticket_id in enumerate(self.order(), start=1):
            with self.records.reading() as tx:
                ticket = tx.tickets.get(ticket_id)
            assert ticket is not None
            assert self.ask(ticket) == number

    def assert_kept(self) -> None:
        """The view stands at the record's version and shows what a rebuilt one would: no change made it go."""
        with self.records.reading() as tx:
            snapshot = tx.tickets.line_snapshot(self.id)
        assert snapshot is not None
        version, line = snapshot
        head = self.redis.hgetall(HEAD)
        assert int(head.get("version", -1)) == version
        assert int(head["size"]) == len(line)
        shown: Any = self.redis.zrange(TICKETS, 0, -1, withscores=True)
        assert {name: int(score) for name, score in shown} == line


@pytest.fixture
def viewed(engine: Engine, valkey: Valkey, clock) -> Iterator[Viewed]:
    redis = open_redis(valkey.url)
    yield Viewed(engine, redis, clock)
    redis.close()
    assert_whole(engine)


def test_a_fresh_view_costs_one_round_trip_and_no_statement(viewed: Viewed, valkey: Valkey) -> None:
    lengthen(viewed, 50)
    ticket = viewed.join("+15550300001")
    assert viewed.ask(ticket) == 51

    with valkey.client() as counter, counted(viewed.engine) as sql, counted_redis(counter) as redis:
        assert viewed.ask(ticket) == 51
    assert (sql.statements, redis.round_trips) == ([], 1)


def test_a_lease_that_is_over_costs_one_statement_more(viewed: Viewed, valkey: Valkey) -> None:
    ticket = viewed.join("+15550300001")
    viewed.ask(ticket)
    viewed.redis.hset(HEAD, "fresh_until", 1)
    assert viewed.ask(ticket) == 1, "at the first time the script is sent along"

    viewed.redis.hset(HEAD, "fresh_until", 1)
    with valkey.client() as counter, counted(viewed.engine) as sql, counted_redis(counter) as redis:
        assert viewed.ask(ticket) == 1
    assert (len(sql.statements), redis.round_trips) == (1, 2)

    with valkey.client() as counter, counted(viewed.engine) as sql, counted_redis(counter) as redis:
        assert viewed.ask(ticket) == 1
    assert (len(sql.statements), redis.round_trips) == (0, 1)


def test_who_does_not_wait_has_no_position_and_costs_nothing(viewed: Viewed, valkey: Valkey) -> None:
    viewed.join("+15550300001")
    called = viewed.call_next()

    with valkey.client() as counter, counted(viewed.engine) as sql, counted_redis(counter) as redis:
        assert viewed.ask(called) is None
    assert (sql.statements, redis.round_trips) == ([], 0)


def test_every_change_brings_the_view_along(viewed: Viewed) -> None:
    tickets = viewed.fill(8)
    viewed.ask(tickets[0])
    steps: list[Callable[[], Any]] = [
        lambda: viewed.join("+15550300001"),
        viewed.call_next,
        lambda: viewed.act("put_back", tickets[0]),
        viewed.undo,
        lambda: viewed.act("no_show", tickets[0]),
        lambda: viewed.act("come_back", tickets[0]),
        viewed.undo,
        lambda: viewed.act("call", tickets[3]),
        lambda: viewed.act("serve", tickets[3]),
        viewed.undo,
        lambda: viewed.act("recall", tickets[3]),
        lambda: viewed.act("leave", tickets[2], actor=GUEST),
        lambda: viewed.act("remove", tickets[4]),
        viewed.undo,
        lambda: viewed.act("move", tickets[7], 1),
        viewed.undo,
        lambda: viewed.act("change", tickets[7], party_size=3),
        viewed.send_all,
        *([lambda: viewed.act("move", tickets[5], 2), lambda: viewed.act("move", tickets[6], 2)] * GAP.bit_length()),
        lambda: viewed.do(lambda tx: viewed.queues.close(tx, viewed.id, OWNER, remove_waiting=True)),
        lambda: viewed.do(lambda tx: viewed.queues.set_state(tx, viewed.id, QueueState.OPEN, OWNER)),
        lambda: viewed.fill(3),
        lambda: viewed.wait(days=1),
        lambda: viewed.join("+15550300002"),
    ]
    for step in steps:
        step()
        viewed.assert_kept()


def test_a_change_that_was_refused_leaves_the_view_alone(viewed: Viewed) -> None:
    ticket = viewed.join("+15550300001")
    viewed.ask(ticket)

    def call_and_regret(tx: Transaction) -> None:
        viewed.queues.call_next(tx, viewed.id, OWNER)
        raise RuntimeError("on second thoughts")

    with pytest.raises(RuntimeError, match="on second thoughts"):
        viewed.do(call_and_regret)

    viewed.assert_kept()


# A view that is gone, or a part of it


@pytest.mark.parametrize("harm", ["all", "head", "tickets", "one ticket", "expired"])
def test_a_view_that_lost_anything_is_never_believed_and_repairs_itself(viewed: Viewed, harm: str) -> None:
    viewed.fill(5)
    viewed.assert_right()
    match harm:
        case "all":
            viewed.redis.flushall()
        case "head":
            viewed.redis.delete(HEAD)
        case "tickets":
            viewed.redis.delete(TICKETS)
        case "one ticket":
            viewed.redis.zpopmin(TICKETS)
        case "expired":
            viewed.redis.pexpire(HEAD, 1)
            time.sleep(0.005)

    viewed.assert_right()
    viewed.assert_kept()


@pytest.mark.parametrize("key", [HEAD, TICKETS])
def test_a_change_to_a_view_that_lost_a_part_does_not_make_it_whole(viewed: Viewed, key: str) -> None:
    viewed.fill(5)
    viewed.assert_right()
    viewed.redis.delete(key)
    viewed.join("+15550300001")

    viewed.assert_right()


def test_an_unused_view_goes_by_itself(viewed: Viewed) -> None:
    viewed.assert_right()
    viewed.fill(2)
    viewed.assert_right()

    assert 0 < viewed.redis.ttl(HEAD) <= UNUSED_SECONDS
    assert 0 < viewed.redis.ttl(TICKETS) <= UNUSED_SECONDS


def test_all_views_are_dropped_when_the_record_is_put_back(viewed: Viewed) -> None:
    viewed.fill(3)
    viewed.assert_right()
    viewed.view.forget_all()

    assert viewed.redis.keys("line:*") == []
    viewed.assert_right()


def test_an_empty_line_has_a_view_too(viewed: Viewed, valkey: Valkey) -> None:
    ticket = viewed.join("+15550300001")
    viewed.ask(ticket)
    viewed.call_next()
    viewed.assert_kept()

    again = viewed.join("+15550300002")
    assert viewed.ask(again) == 1
    viewed.assert_kept()


def test_who_just_joined_has_a_position_though_the_view_did_not_hear_of_it(viewed: Viewed) -> None:
    viewed.assert_right()
    viewed.ask(viewed.join("+15550300001"))
    viewed.without_the_view(lambda tx: viewed.joining(tx, "+15550300002"))
    with viewed.records.reading() as tx:
        [_, unheard] = tx.tickets.first_waiting(viewed.id, 2)

    assert viewed.ask(unheard) == 2


# Changes that come late, twice, or not at all


class Held(Viewed):
    """A line whose changes are kept from the view until the test lets them go."""

    def __init__(self, engine: Engine, redis: Redis, clock: Any) -> None:
        super().__init__(engine, redis, clock)
        self.held: deque[LineChange] = deque()
        holding = Records(engine, clock, [lambda tx: self.held.extend(tx.changes.values())])
        self.records, self.heard = holding, self.records


@pytest.fixture
def held(engine: Engine, valkey: Valkey, clock) -> Iterator[Held]:
    redis = open_redis(valkey.url)
    held = Held(engine, redis, clock)
    held.fill(4)
    held.assert_right()
    held.held.clear()
    yield held
    redis.close()
    assert_whole(engine)


def three_changes(held: Held) -> list[LineChange]:
    held.call_next()
    held.join("+15550300001")
    with held.records.reading() as tx:
        third = tx.tickets.first_waiting(held.id, 3)[-1]
    held.act("move", third, 1)
    assert len(held.held) == 3
    return list(held.held)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_changes_in_any_order_and_repeated_leave_the_right_view_or_none(held: Held, order: tuple[int, ...]) -> None:
    changes = three_changes(held)
    for index in order:
        held.view.apply(changes[index])
        held.view.apply(changes[index])

    if order == (0, 1, 2):
        held.assert_kept()
    else:
        assert not held.redis.exists(HEAD)
    held.assert_right()
    for index in order:
        held.view.apply(changes[index])
    held.assert_kept()


def test_a_change_that_never_comes_is_missed_when_the_next_does(held: Held) -> None:
    changes = three_changes(held)
    held.view.apply(changes[0])
    held.view.apply(changes[2])

    held.assert_right()
    held.assert_kept()


def test_a_change_that_never_comes_is_missed_when_the_lease_is_over(held: Held) -> None:
    with held.records.reading() as tx:
        second = tx.tickets.first_waiting(held.id, 2)[1]
    held.call_next()
    assert held.ask(second) == 2, "behind, and within its lease"

    time.sleep(LEASE_MS / 1000 + 0.05)
    assert held.ask(second) == 1
    held.assert_kept()


def test_a_rebuild_that_was_overtaken_does_not_replace_a_newer_view(held: Held) -> None:
    asked_at = held.view.position(held.id, "nobody")[1]
    with held.records.reading() as tx:
        old = tx.tickets.line_snapshot(held.id)
    assert old is not None
    held.call_next()
    held.view.apply(held.held[0])
    held.view.build(held.id, *old, asked_at)

    held.assert_kept()
    assert held.redis.keys("line:*aside*") == []


def test_a_rebuild_between_two_changes_is_behind_for_its_lease_only(held: Held) -> None:
    with held.records.reading() as tx:
        second = tx.tickets.first_waiting(held.id, 2)[1]
    held.redis.flushall()
    asked_at = held.view.position(held.id, "nobody")[1]
    with held.records.reading() as tx:
        old = tx.tickets.line_snapshot(held.id)
    assert old is not None
    changes = three_changes(held)
    held.view.apply(changes[0])
    held.view.build(held.id, *old, asked_at)
    held.view.apply(changes[1])
    held.view.apply(changes[2])

    assert held.ask(second) == held.position(second), "the second change found a gap"
    held.assert_right()


def test_a_rebuild_that_took_longer_than_its_lease_is_not_believed(held: Held) -> None:
    with held.records.reading() as tx:
        second = tx.tickets.first_waiting(held.id, 2)[1]
        old = tx.tickets.line_snapshot(held.id)
    assert old is not None
    now = held.view.position(held.id, "nobody")[1]
    held.redis.flushall()
    held.call_next()
    held.view.build(held.id, *old, now - LEASE_MS)

    assert held.ask(second) == 1


def test_a_lease_from_before_the_clock_was_put_back_is_over(held: Held) -> None:
    with held.records.reading() as tx:
        second = tx.tickets.first_waiting(held.id, 2)[1]
    held.call_next()
    an_hour_ahead = held.view.position(held.id, "nobody")[1] + 3_600_000
    held.redis.hset(HEAD, "fresh_until", an_hour_ahead)

    assert held.ask(second) == 1


def test_a_version_that_was_read_too_long_ago_renews_nothing(held: Held) -> None:
    with held.records.reading() as tx:
        second = tx.tickets.first_waiting(held.id, 2)[1]
        version = tx.queues.version(held.id)
    assert version is not None
    now = held.view.position(held.id, "nobody")[1]
    held.call_next()

    assert held.view.renew(held.id, version, now - LEASE_MS, second.id) < 0


def test_a_newer_view_than_the_version_just_read_is_neither_renewed_nor_rebuilt(held: Held) -> None:
    with held.records.reading() as tx:
        version = tx.queues.version(held.id)
    assert version is not None
    held.call_next()
    held.view.apply(held.held[0])
    now = held.view.position(held.id, "nobody")[1]

    assert held.view.renew(held.id, version, now, "nobody") == -1
    held.assert_kept()


def test_while_one_rebuilds_the_others_count(held: Held) -> None:
    held.redis.flushall()
    assert held.view.take_turn_to_build(held.id)
    assert not held.view.take_turn_to_build(held.id)

    held.assert_right()
    assert not held.redis.exists(HEAD)


def test_a_flush_during_a_rebuild_publishes_no_half_line(engine: Engine, valkey: Valkey, clock) -> None:
    redis, flusher = open_redis(valkey.url), valkey.client()
    viewed = Viewed(engine, redis, clock)
    last = lengthen(viewed, 2500)[-1]
    done = threading.Event()

    def flush() -> None:
        while not done.wait(random.uniform(0, 0.002)):
            flusher.flushall()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        assert {viewed.ask(last) for _ in range(60)} == {2500}
    finally:
        done.set()
        thread.join()
        redis.close()
        flusher.close()


# Redis away


def test_positions_are_counted_while_redis_is_away(viewed: Viewed, valkey: Valkey) -> None:
    viewed.fill(3)
    viewed.assert_right()
    valkey.stop()
    viewed.join("+15550300001")
    viewed.call_next()
    viewed.assert_right()
    valkey.start()
    viewed.assert_right()

    time.sleep(1.0)
    viewed.assert_right()
    viewed.assert_kept()


def test_without_any_redis_positions_are_counted(line: Line) -> None:
    tickets = line.fill(3)
    positions = Positions(line.records, None)

    assert [positions.position(ticket) for ticket in tickets] == [1, 2, 3]
    line.call_next()
    assert [positions.position(ticket) for ticket in tickets] == [None, 1, 2]


# Everything at once, in real time

PROMISE_SECONDS = 2.0
LOAD_SECONDS = 4.5


class Truth:
    """The order at each version, and when it stood."""

    def __init__(self) -> None:
        self.orders: dict[int, list[str]] = {}
        self.made: dict[int, float] = {}
        self.committed: dict[int, float] = {}

    def note(self, version: int, order: list[str]) -> None:
        self.orders[version] = order
        self.made[version] = time.monotonic()

    def after_commit(self, transaction: Transaction) -> None:
        for change in transaction.changes.values():
            self.committed[change.version] = time.monotonic()

    def allows(self, ticket_id: str, position: int | None, asked: float, answered: float) -> bool:
        """Whether it was the position at any moment from two seconds before the question to the answer."""
        versions = sorted(self.orders)
        ended = [self.committed[version] for version in versions[1:]] + [answered]
        return any(
            self._position(version, ticket_id) == position
            for version, end in zip(versions, ended, strict=True)
            if self.made[version] <= answered and end >= asked - PROMISE_SECONDS
        )

    def _position(self, version: int, ticket_id: str) -> int | None:
        order = self.orders[version]
        return order.index(ticket_id) + 1 if ticket_id in order else None


class Load:
    """Writers and askers on one line, until the time is over. What went wrong is in `errors`."""

    def __init__(self, engine: Engine, valkey: Valkey) -> None:
        self.truth = Truth()
        self.redis = open_redis(valkey.url)
        self.line = Viewed(engine, self.redis, system_clock)
        self.line.records = Records(engine, system_clock, [self.truth.after_commit, self.line.update])
        self.line.silent = Records(engine, system_clock, [self.truth.after_commit])
        self.line.positions = Positions(self.line.records, self.line.view)
        self.answers: list[tuple[str, int | None, float, float]] = []
        self.errors: list[BaseException] = []
        self.ends = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        for _ in range(12):
            self.change("join")
        jobs = [self.write, self.write, self.ask, self.ask]
        threads = [threading.Thread(target=self.guarded, args=[job]) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ends.set()
            for thread in threads:
                thread.join()
            self.redis.close()

    def guarded(self, job: Callable[[], None]) -> None:
        try:
            while not self.ends.is_set():
                job()
        except BaseException as error:
            self.errors.append(error)
            raise

    def write(self) -> None:
        waiting = len(self.truth.orders[max(self.truth.orders)])
        self.change(random.choice(["join", "join", "call", "leave", "move"] if waiting > 6 else ["join"]))
        time.sleep(random.uniform(0, 0.05))

    def change(self, what: str) -> None:
        def work(tx: Transaction) -> None:
            queue = tx.lock(tx.queues.lock(self.line.id))
            assert queue is not None
            waiting = tx.tickets.first_waiting(self.line.id, 100)
            if what == "join" or not waiting:
                self.line.joining(tx)
            elif what == "call":
                self.line.queues.call_next(tx, self.line.id, OWNER)
            elif what == "leave":
                self.line.queues.leave(tx, random.choice(waiting).id, GUEST)
            else:
                self.line.queues.move(tx, random.choice(waiting).id, random.randint(1, len(waiting)), OWNER)
            order = [ticket.id for ticket in tx.tickets.first_waiting(self.line.id, 100)]
            self.truth.note(tx.change(queue).version, order)

        # One change in ten never reaches the view.
        records = self.line.silent if random.random() < 0.1 else self.line.records
        records.transaction(work)

    def ask(self) -> None:
        with self.line.records.reading() as tx:
            waiting = tx.tickets.first_waiting(self.line.id, 100)
        for ticket in random.sample(waiting, min(4, len(waiting))):
            asked = time.monotonic()
            position = self.line.ask(ticket)
            self.answers.append((ticket.id, position, asked, time.monotonic()))
        time.sleep(0.002)


def pause(valkey: Valkey) -> None:
    """A Redis that answers nobody for a while, without closing a connection."""
    assert valkey._process is not None
    valkey._process.send_signal(signal.SIGSTOP)
    time.sleep(0.4)
    valkey._process.send_signal(signal.SIGCONT)


def break_and_mend(valkey: Valkey) -> None:
    """What may happen to a Redis, one after the other."""
    end = time.monotonic() + LOAD_SECONDS

    def flush() -> None:
        with valkey.client() as client:
            for _ in range(10):
                client.flushall()
                time.sleep(0.05)

    def lose_a_part() -> None:
        with valkey.client() as client:
            for key in (TICKETS, HEAD, TICKETS):
                client.delete(key)
                time.sleep(0.1)

    def restart() -> None:
        valkey.stop()
        time.sleep(0.3)
        valkey.start()

    def die() -> None:
        valkey.kill()
        valkey.start()

    while time.monotonic() < end:
        for harm in (flush, lose_a_part, restart, partial(pause, valkey), die):
            harm()
            time.sleep(0.3)


def test_whatever_happens_to_redis_under_load_nobody_sees_an_error_or_a_place_of_more_than_two_seconds_ago(
    engine: Engine, valkey: Valkey
) -> None:
    load = Load(engine, valkey)
    with load.running():
        break_and_mend(valkey)

    assert load.errors == []
    assert len(load.answers) > 200
    wrong = [answer for answer in load.answers if not load.truth.allows(*answer)]
    assert wrong == []
    assert_whole(engine)
    assert all(load.line.state(load.line.join()) is TicketState.WAITING for _ in range(2))
