"""The bell that wakes the worker: one cheap command where there is something to relay, and never a hindrance."""

import threading
from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import Engine

from core.storage.records import Records
from core.storage.redis_server import Bell, WakeWorker, answers, open_redis
from tests.clocks import StillClock
from tests.core.lines import Line
from tests.servers import Valkey


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    with open_redis(valkey.url) as redis:
        yield redis


@pytest.fixture
def line(engine: Engine, clock: StillClock, redis: Redis) -> Line:
    """A line whose records ring the bell."""
    return Line(Records(engine, clock, [WakeWorker(redis)]), engine)


def commands(valkey: Valkey) -> dict[str, int]:
    """How often each command was called, the counting left out."""
    with valkey.client() as client:
        counted = client.info("commandstats")
    left_out = ("info", "config", "client", "hello", "flushall", "ping", "select")
    names = {name.removeprefix("cmdstat_"): figures["calls"] for name, figures in counted.items()}
    return {name: calls for name, calls in names.items() if not name.startswith(left_out)}


def test_a_call_rings_once(valkey: Valkey, line: Line) -> None:
    line.join("+15550200001")
    before = commands(valkey).get("publish", 0)

    line.call_next()

    assert commands(valkey)["publish"] == before + 1


def test_what_tells_nobody_does_not_ring(valkey: Valkey, line: Line) -> None:
    # Who joins by message has the answer already: nothing is left to relay.
    before = commands(valkey).get("publish", 0)

    line.join("+15550200001")
    line.do(lambda tx: tx.venues.get("venue"))

    assert commands(valkey).get("publish", 0) == before


def test_the_line_goes_on_while_redis_is_away(valkey: Valkey, line: Line) -> None:
    line.join("+15550200001")
    valkey.stop()

    assert line.call_next().number == 1


def test_the_bell_is_heard_again_after_redis_came_back(valkey: Valkey, redis: Redis, line: Line) -> None:
    heard = threading.Event()
    bell = Bell(redis, heard)
    bell.start()
    try:
        valkey.stop()
        valkey.start()
        line.fill(20)
        for _ in range(20):
            line.call_next()
            if heard.wait(0.5):
                break
        assert heard.is_set()
    finally:
        bell.stop()


def test_whether_redis_answers(valkey: Valkey, redis: Redis) -> None:
    assert answers(redis)
    valkey.stop()

    assert not answers(redis)
