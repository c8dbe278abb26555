"""Deadlocks and locks that others hold: tried again, and given up with a clear word in good time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event, text

from core.errors import RecordUnavailable
from core.model import ContactAddress
from core.storage.engine import open_engine
from core.storage.records import PATIENCE_SECONDS, Records, Transaction
from tests.clocks import StillClock
from tests.core.invariants import assert_whole
from tests.core.lines import Line, contents
from tests.promises.test_races import at_once


@pytest.fixture
def line(migrated_database_url: str, clock: StillClock) -> Iterator[Line]:
    """A guest in line, in a database that waits for a lock a fifth of a second or, MariaDB, one."""
    engine = open_engine(migrated_database_url)

    @event.listens_for(engine, "connect")
    def wait_less(connection, _record) -> None:
        sqlite = engine.dialect.name == "sqlite"
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 200" if sqlite else "SET SESSION innodb_lock_wait_timeout = 1")

    line = Line(Records(engine, clock), engine)
    line.join("+15550300001")
    yield line
    assert_whole(engine)
    engine.dispose()


@contextmanager
def locked(line: Line) -> Iterator[threading.Timer]:
    """Somebody else holds the queue, until the timer that is given is started and runs out, or to the end."""
    held, let_go = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        assert tx.queues.lock(line.id) is not None
        held.set()
        let_go.wait(60)

    holder = threading.Thread(target=line.do, args=[hold])
    holder.start()
    held.wait(60)
    timer = threading.Timer(1.3, let_go.set)
    try:
        yield timer
    finally:
        let_go.set()
        holder.join()
        timer.cancel()


def test_a_lock_that_takes_longer_than_one_try_is_waited_for(line: Line) -> None:
    with locked(line) as timer:
        timer.start()
        assert line.call_next().number == 1
    assert line.queue.waiting == 0


def test_a_lock_that_nobody_lets_go_of_is_given_up_in_good_time(line: Line) -> None:
    before = contents(line.engine)
    with locked(line):
        began = time.monotonic()
        with pytest.raises(RecordUnavailable):
            line.call_next()
        # Not a measure of speed: a carrier hangs up after fifteen seconds.
        assert time.monotonic() - began < PATIENCE_SECONDS + 5

    assert contents(line.engine) == before


def test_who_reads_does_not_wait_for_a_lock(line: Line) -> None:
    with locked(line):
        assert line.queue.waiting == 1
        assert len(line.order()) == 1


def test_who_waits_while_the_queue_changes_is_not_sent_back_to_ask_again(engine: Engine, clock: StillClock) -> None:
    line = Line(Records(engine, clock), engine)
    ticket = line.join("+15550300001")
    held, asked, seen = threading.Event(), [], []

    def change(tx: Transaction) -> None:
        line.joining(tx, "+15550300002")
        held.set()
        time.sleep(0.5)  # until the other waits

    def wait(tx: Transaction) -> None:
        asked.append(ticket.id)
        queue = tx.queues.lock_of_ticket(ticket.id)
        assert queue is not None
        seen.append(queue.waiting)

    def after() -> None:
        held.wait(60)
        line.do(wait)

    at_once([lambda: line.do(change), after])

    assert (len(asked), seen) == (1, [2])


def test_a_deadlock_is_tried_again_and_both_changes_are_made(line: Line, engine: Engine) -> None:
    """Two transactions lock two contacts in opposite order, which no operation of ours does."""
    addresses = ["+15550300002", "+15550300003"]
    for address in addresses:
        line.do(partial(line.book.lock_or_add, address=ContactAddress("sms", address)))
    met = threading.Barrier(2)
    tries = []

    def change(order: list[str]) -> None:
        def work(tx: Transaction) -> None:
            tries.append(order)
            for address in order:
                contact = line.book.lock_or_add(tx, ContactAddress("sms", address))
                contact.name += "x"
                tx.contacts.save(contact)
                if len(tries) <= 2:
                    wait_for_the_other(met)

        line.do(work)

    at_once([lambda: change(addresses), lambda: change(addresses[::-1])])

    with engine.execution_options(reads=True).connect() as connection:
        names = connection.execute(text("SELECT name FROM contacts ORDER BY address")).scalars().all()
    assert names == ["", "xx", "xx"]
    if engine.dialect.name == "mysql":
        assert len(tries) == 3, "one of them was the victim"


def wait_for_the_other(met: threading.Barrier) -> None:
    """Until both hold their first lock; where one writer waits for the other, there is no deadlock to be had."""
    try:
        met.wait(0.5)
    except threading.BrokenBarrierError:
        return
