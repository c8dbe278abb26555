"""The record: one database transaction per message or staff action, whole or not at all."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.clock import Clock
from core.errors import KeyReused, OutcomeUnknown, RecordUnavailable, Refusal
from core.model import Actor, Event, EventKind, Queue, Ticket
from core.storage.accounts import Accounts
from core.storage.contacts import Contacts
from core.storage.events import Events
from core.storage.lines import Lines
from core.storage.notices import Notices
from core.storage.places import Places
from core.storage.queues import Queues
from core.storage.receipts import Receipts
from core.storage.tickets import Tickets
from core.storage.venues import Venues

T = TypeVar("T")

TRIES = 8
# No try begins later than this: each may wait for a lock of its own, and a carrier hangs up after 15 seconds.
PATIENCE_SECONDS = 6.0
# Deadlock, lock time-out, record changed since read, a race for a unique key; no connection (four codes), server
# gone, connection lost.
MYSQL_PASSING = {1213, 1205, 1020, 1062, 1040, 1053, 2002, 2003, 2006, 2013}
SQLITE_PASSING = ("database is locked", "UNIQUE constraint failed")


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a change happen once: its answer is kept as a receipt under `scope` and `key` for `keep`.

    `fingerprint` tells requests under the same key apart.
    """

    scope: str
    key: str
    fingerprint: str
    keep: timedelta


@dataclass(slots=True)
class LineChange:
    """What a transaction did to who waits in a queue, from one version to the next, for the view."""

    queue_id: str
    base: int
    version: int
    waiting: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    events: int = 0


class Transaction:
    """One open transaction: the tables by subject, and what it will have changed once it commits.

    Lock in this order: contact, queue, tickets. Belongs to one thread.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self.now = clock()
        self._clock = clock
        self.events: list[Event] = []
        self.told: dict[str, str] = {}
        self.changes: dict[str, LineChange] = {}
        self._locked: dict[str, Queue] = {}

    @cached_property
    def venues(self) -> Venues:
        """Venues, their members and phone numbers."""
        return Venues(self.connection)

    @cached_property
    def queues(self) -> Queues:
        """Queues, without their lines."""
        return Queues(self.connection)

    @cached_property
    def tickets(self) -> Tickets:
        """Tickets."""
        return Tickets(self.connection)

    @cached_property
    def lines(self) -> Lines:
        """The lines, as staff read them."""
        return Lines(self.connection)

    @cached_property
    def contacts(self) -> Contacts:
        """Contacts and opt-outs."""
        return Contacts(self.connection)

    @cached_property
    def places(self) -> Places:
        """Where contacts stand, and where they may be heading."""
        return Places(self.connection)

    @cached_property
    def event_log(self) -> Events:
        """The events that were recorded before."""
        return Events(self.connection)

    @cached_property
    def notices(self) -> Notices:
        """Notices and delivery reports."""
        return Notices(self.connection)

    @cached_property
    def accounts(self) -> Accounts:
        """Staff accounts and the tokens mailed to them."""
        return Accounts(self.connection)

    @cached_property
    def receipts(self) -> Receipts:
        """Receipts of what was answered."""
        return Receipts(self.connection)

    def lock(self, queue: Queue | None) -> Queue | None:
        """Keep a queue that was read FOR UPDATE: its counters are written when the transaction ends.

        It may have been waited for, so `now` is read again: the times in a queue's history run in its order.
        """
        if queue is None:
            return None
        if queue.id not in self._locked:
            self._locked[queue.id] = queue
            self.now = self._clock()
        return self._locked[queue.id]

    def change(self, queue: Queue) -> LineChange:
        """The change that this transaction makes to a locked queue; its first call raises the queue's version."""
        if queue.id not in self.changes:
            queue.version += 1
            self.changes[queue.id] = LineChange(queue.id, queue.version - 1, queue.version)
        return self.changes[queue.id]

    def enters_line(self, queue: Queue, ticket: Ticket) -> None:
        """Note for the view that this ticket waits at its order key."""
        change = self.change(queue)
        change.waiting[ticket.id] = ticket.order_key
        change.gone.discard(ticket.id)

    def leaves_line(self, queue: Queue, ticket: Ticket) -> None:
        """Note for the view that this ticket waits no more."""
        change = self.change(queue)
        change.gone.add(ticket.id)
        change.waiting.pop(ticket.id, None)

    def record(
        self,
        queue: Queue,
        kind: EventKind,
        ticket: Ticket | None,
        actor: Actor,
        data: dict[str, Any],
        *,
        relay: bool,
    ) -> None:
        """Add an event to the change of a locked queue; one that nobody must be told of counts as relayed.

        `told` keeps the others' tickets, each with its channel.
        """
        change = self.change(queue)
        if relay and ticket is not None and ticket.channel is not None:
            self.told[ticket.id] = ticket.channel
        self.events.append(
            Event(
                queue_id=queue.id,
                version=change.version,
                ordinal=change.events,
                kind=kind,
                ticket_id=None if ticket is None else ticket.id,
                at=self.now,
                actor=actor,
                call_number=0 if ticket is None else ticket.call_number,
                data=data,
                relayed_at=None if relay else self.now,
            )
        )
        change.events += 1

    def flush(self) -> None:
        """Write the changed queues' counters and the events, the last statements before the commit."""
        for queue_id in self.changes:
            self.queues.save_counters(self._locked[queue_id])
        if self.events:
            self.event_log.insert(self.events)


AfterCommit = Callable[[Transaction], None]


class Records:
    """The database, for all threads of a process.

    `after_commit` callables run after each commit in the committing thread; they must not raise for a part that
    is away, since the change stands.
    """

    def __init__(self, engine: Engine, clock: Clock, after_commit: Iterable[AfterCommit] = ()) -> None:
        self._engine = engine
        self._reads = engine.execution_options(reads=True)
        self._after_commit = tuple(after_commit)
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction for reading only, never blocked by a writer.

        Raises RecordUnavailable when the database can't be reached.
        """
        try:
            with self._reads.connect() as connection:
                yield Transaction(connection, self.clock)
        except DBAPIError as error:
            if not isinstance(error, OperationalError) and not error.connection_invalidated:
                raise
            raise RecordUnavailable from error
        except PoolTimeout as error:
            raise RecordUnavailable from error

    def transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction and commit it; a Refusal from it rolls back.

        Tried again after a deadlock, a lock time-out, a lost connection or a race for a unique key, so `work` must
        have no effect outside its transaction. Raises RecordUnavailable when no try succeeds, OutcomeUnknown
        when the connection was lost during the commit.
        """
        return self._attempts(work, None)

    def answer_once(self, once: Once, work: Callable[[Transaction], dict[str, Any]]) -> dict[str, Any]:
        """Run `work` in one transaction and keep its JSON answer; a repeat gets the kept answer and changes nothing.

        Parallel repeats wait for the first. A Refusal keeps nothing. Raises KeyReused when the key was used with
        another fingerprint, RecordUnavailable and OutcomeUnknown as `transaction` does; the latter only when the
        database stays away after a commit that was cut off.
        """
        return self._attempts(work, once)

    def kept(self, once: Once) -> dict[str, Any] | None:
        """The answer that is kept for a repeat, None where this would be the first.

        Raises KeyReused, RecordUnavailable.
        """
        with self.reading() as tx:
            answer: dict[str, Any] | None = _kept(tx, once)
        return answer

    def _attempts(self, work: Callable[[Transaction], T], once: Once | None) -> T:
        pause = 0.005
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        # After a commit whose outcome is not known nobody may say that nothing was changed.
        unavailable: type[RecordUnavailable | OutcomeUnknown] = RecordUnavailable
        for left in reversed(range(TRIES)):
            try:
                return self._attempt(work, once)
            except PoolTimeout as error:
                raise unavailable from error
            except (DBAPIError, OutcomeUnknown) as error:
                if isinstance(error, OutcomeUnknown):
                    unavailable = OutcomeUnknown
                    if once is None:
                        raise
                elif not _passing(error):
                    raise
                last = not left or time.monotonic() > give_up_at
                if last and isinstance(error, IntegrityError):
                    raise
                if last:
                    raise unavailable from error
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                pause = min(pause * 2, 0.5)
        raise AssertionError("unreachable")

    def _attempt(self, work: Callable[[Transaction], T], once: Once | None) -> T:
        with self._engine.connect() as connection:
            transaction = Transaction(connection, self.clock)
            connection.begin()
            try:
                answer = work(transaction)
                transaction.flush()
                if once is not None:
                    transaction.receipts.insert(
                        once.scope, once.key, once.fingerprint, answer, transaction.now + once.keep
                    )
            except (Refusal, IntegrityError):
                connection.rollback()
                kept: T | None = None if once is None else _kept(transaction, once)
                if kept is None:
                    raise
                return kept
            try:
                connection.commit()
            except DBAPIError as error:
                raise OutcomeUnknown from error
        for act in self._after_commit:
            act(transaction)
        return answer


def _kept(transaction: Transaction, once: Once) -> Any:
    """The answer of an earlier run under the same key, None when there was none."""
    found = transaction.receipts.find(once.scope, once.key)
    if found is None:
        return None
    if found.fingerprint != once.fingerprint:
        raise KeyReused
    return found.answer


def _passing(error: DBAPIError) -> bool:
    """Whether trying the same transaction again can help."""
    if error.connection_invalidated:
        return True
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code in MYSQL_PASSING or any(words in str(error.orig) for words in SQLITE_PASSING)
