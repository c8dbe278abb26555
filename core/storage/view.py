"""The Redis view of positions: fast to ask, never decided from, never more than two seconds behind the record.

A view shows its queue at one version and may be believed until its lease ends. The lease starts at a moment of
Redis' own clock that was taken before the version was read in the record, so whatever was committed later than
that is at most one lease old when the view is asked. Where there is no view, or no Redis, the record counts.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import structlog
from redis import Redis
from redis.exceptions import RedisError

from core.model import Ticket, TicketState
from core.storage.records import LineChange, Records, Transaction

# Two seconds is the promise; the rest is left for the answer's way to the guest.
LEASE_MS = 1800
# Longer than a lease: whoever read a record that was put back meanwhile has published it by then.
SETTLED_SECONDS = 2.5
UNUSED_SECONDS = 24 * 3600
BUILD_SECONDS = 10
CHUNK = 1000
REST_SECONDS = 1.0

NOT_FRESH, MISSING = -1, -2

log = structlog.get_logger(__name__)
LUA = Path(__file__).parent / "lua"


class PositionView:
    """The views of all queues in one Redis. Safe for all threads; raises RedisError where Redis fails.

    After a failure it leaves Redis alone for a second, so that a dead one costs a guest nothing.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._position = redis.register_script((LUA / "position.lua").read_text())
        self._renew = redis.register_script((LUA / "renew.lua").read_text())
        self._apply = redis.register_script((LUA / "apply.lua").read_text())
        self._publish = redis.register_script((LUA / "publish.lua").read_text())
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def position(self, queue_id: str, ticket_id: str) -> tuple[int, int]:
        """(position, Redis' time in ms); the position is 0, NOT_FRESH or MISSING as in position.lua."""
        answer: list[int] = self._position(keys=_keys(queue_id), args=[ticket_id, LEASE_MS])
        return answer[0], answer[1]

    def renew(self, queue_id: str, version: int, asked_at: int, ticket_id: str) -> int:
        """Renew the lease from `asked_at` if the view shows this version; the position as in renew.lua."""
        args: list[int | str] = [version, asked_at + LEASE_MS, ticket_id]
        answer: int = self._renew(keys=_keys(queue_id), args=args)
        return answer

    def apply(self, change: LineChange) -> None:
        """Bring a view along with a change that was committed."""
        args: list[int | str] = [change.base, change.version, len(change.waiting)]
        for ticket_id, order_key in change.waiting.items():
            args += (order_key, ticket_id)
        args += change.gone
        self._apply(keys=_keys(change.queue_id), args=args)

    def take_turn_to_build(self, queue_id: str) -> bool:
        """Whether this caller, and nobody else for now, shall rebuild the view."""
        return bool(self._redis.set(_key(queue_id, "builder"), 1, nx=True, ex=BUILD_SECONDS))

    def build(self, queue_id: str, version: int, line: dict[str, int], asked_at: int) -> None:
        """Publish a line that was read from the record after `asked_at`."""
        aside = _key(queue_id, f"aside:{secrets.token_hex(4)}")
        with self._redis.pipeline(transaction=False) as pipeline:
            for chunk in _chunks(line):
                pipeline.zadd(aside, chunk)
            pipeline.expire(aside, BUILD_SECONDS)
            pipeline.execute()
        args: list[int | str] = [version, asked_at + LEASE_MS, UNUSED_SECONDS, len(line)]
        self._publish(keys=[*_keys(queue_id), aside], args=args)
        self._redis.delete(_key(queue_id, "builder"))

    def forget_all(self) -> None:
        """Forget every view, after the record was put back to an earlier state. Takes two seconds and a half."""
        self._delete_all()
        time.sleep(SETTLED_SECONDS)
        self._delete_all()

    def resting(self) -> bool:
        """Whether Redis failed within the last second."""
        return time.monotonic() < self._rests_until

    def failed(self, error: RedisError) -> None:
        """Note that Redis did not answer."""
        with self._lock:
            first = not self.resting()
            self._rests_until = time.monotonic() + REST_SECONDS
        if first:
            log.warning("redis is away; positions are counted in the database", error=str(error))

    def _delete_all(self) -> None:
        for key in self._redis.scan_iter("line:*"):
            self._redis.delete(key)


class Positions:
    """Positions in line, from the view where it can be believed and from the record otherwise.

    `view` is None where no Redis is used. Nothing of Redis' failures reaches the caller.
    """

    def __init__(self, records: Records, view: PositionView | None) -> None:
        self._records = records
        self._view = view

    def position(self, ticket: Ticket, tx: Transaction | None = None) -> int | None:
        """The ticket's position, from 1; None unless it waits. At most two seconds behind the record.

        `tx` is the transaction that the caller has open, if any: what is needed of the record is read in it, so that
        nobody needs two connections.
        """
        if ticket.state is not TicketState.WAITING:
            return None
        view = self._view
        # What the transaction has changed of the line is not for others to see before it commits.
        changed = tx is not None and ticket.queue_id in tx.changes
        if view is not None and not changed and not view.resting():
            try:
                return self._from_view(view, ticket, tx)
            except RedisError as error:
                view.failed(error)
        return self._counted(ticket, tx)

    def _from_view(self, view: PositionView, ticket: Ticket, tx: Transaction | None) -> int | None:
        position, asked_at = view.position(ticket.queue_id, ticket.id)
        if position == NOT_FRESH:
            with self._reading(tx) as reading:
                version = reading.queues.version(ticket.queue_id)
            position = view.renew(ticket.queue_id, version or 0, asked_at, ticket.id)
        if position == MISSING and view.take_turn_to_build(ticket.queue_id):
            self._rebuild(view, ticket.queue_id, asked_at, tx)
            position = view.position(ticket.queue_id, ticket.id)[0]
        # A view that does not know a ticket which its asker just read is behind: the record knows.
        return position if position > 0 else self._counted(ticket, tx)

    def _rebuild(self, view: PositionView, queue_id: str, asked_at: int, tx: Transaction | None) -> None:
        with self._reading(tx) as reading:
            snapshot = reading.tickets.line_snapshot(queue_id)
        if snapshot is not None:
            view.build(queue_id, *snapshot, asked_at)

    def _counted(self, ticket: Ticket, tx: Transaction | None) -> int | None:
        with self._reading(tx) as reading:
            return reading.tickets.position_of(ticket.id)

    def _reading(self, tx: Transaction | None) -> AbstractContextManager[Transaction]:
        return self._records.reading() if tx is None else nullcontext(tx)


class ViewUpdate:
    """What Records calls after a commit: brings the view along. A failure of Redis is noted, not raised."""

    def __init__(self, view: PositionView) -> None:
        self._view = view

    def __call__(self, transaction: Transaction) -> None:
        """Apply the transaction's changes; while Redis rests the view stays behind, and its lease runs out."""
        if self._view.resting():
            return
        try:
            for change in transaction.changes.values():
                self._view.apply(change)
        except RedisError as error:
            self._view.failed(error)


def _key(queue_id: str, part: str) -> str:
    # The braces keep a queue's keys on one node of a cluster.
    return f"line:{{{queue_id}}}:{part}"


def _keys(queue_id: str) -> list[str]:
    return [_key(queue_id, "head"), _key(queue_id, "tickets")]


def _chunks(line: dict[str, int]) -> Iterator[dict[str, int]]:
    items = list(line.items())
    for start in range(0, len(items), CHUNK):
        yield dict(items[start : start + CHUNK])
