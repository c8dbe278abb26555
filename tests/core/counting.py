"""Counting what an operation costs, where it is spent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis
from sqlalchemy import Engine, event

# What our scripts call inside Redis; the server counts it as commands too.
INSIDE_SCRIPTS = {
    "hmget",
    "hget",
    "hset",
    "time",
    "zcard",
    "zrank",
    "zadd",
    "zrem",
    "exists",
    "rename",
    "expire",
    "incrby",
}
OURS = {"info", "config|resetstat"}


@dataclass
class Cost:
    """The statements that were sent, how often a transaction was committed, and how many connections were made."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0
    connections: int = 0


@contextmanager
def counted(engine: Engine) -> Iterator[Cost]:
    """What the engine does meanwhile. BEGIN is no statement: MySQL does without, SQLite needs it."""
    cost = Cost()

    def statement(_connection, _cursor, text, _parameters, _context, _many) -> None:
        if not text.startswith("BEGIN"):
            cost.statements.append(text)

    def commit(_connection) -> None:
        cost.commits += 1

    def connect(_connection, _record) -> None:
        cost.connections += 1

    listeners = (("before_cursor_execute", statement), ("commit", commit), ("connect", connect))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield cost
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


@dataclass
class RedisCost:
    round_trips: int = -1


@contextmanager
def counted_redis(redis: Redis) -> Iterator[RedisCost]:
    """How many commands clients sent to the server meanwhile, those of `redis` not counted."""
    redis.config_resetstat()
    cost = RedisCost()
    yield cost
    commands = {re.sub("^cmdstat_", "", name): figures["calls"] for name, figures in redis.info("commandstats").items()}
    cost.round_trips = sum(calls for name, calls in commands.items() if name not in INSIDE_SCRIPTS | OURS)
