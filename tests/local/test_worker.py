"""The worker's own life, beside what it does for guests."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from core.clock import system_clock
from core.model import NoticeState, TicketState
from core.settings import Settings
from core.storage.notices import DeliveryReport
from core.storage.records import Records, Transaction
from core.storage.tables import queues, tickets
from local.application import Parts, create_notifiers
from local.worker import Worker
from tests.core.lines import OWNER, Line, add_queue
from tests.databases import Databases
from tests.servers import MariaDB

FAULT = """
import os
from core.settings import Settings
from core.storage.schema import migrate
from local.application import Parts
from local.worker import work

parts = Parts(Settings.from_environment(os.environ))
migrate(parts.engine)
parts.beat = None
work(parts, None)
"""


def test_a_worker_that_can_not_go_on_ends_whole(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQL_", "REDIS_"))}

    ended = subprocess.run(
        [sys.executable, "-c", FAULT],
        env=environment | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "AttributeError" in ended.stderr


@contextmanager
def working(parts: Parts) -> Iterator[None]:
    """A worker at work in this process."""
    worker = Worker(parts, create_notifiers(parts), None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stopped = True
        thread.join()


@pytest.fixture
def parts(mariadb: MariaDB, mariadb_databases: Databases, tmp_path: Path) -> Iterator[Parts]:
    """The parts on a MariaDB, where several can write at once."""
    settings = {
        "DATA_DIR": str(tmp_path / "data"),
        "MYSQL_HOST": f"127.0.0.1:{mariadb.port}",
        "MYSQL_USER": "root",
        "MYSQL_DATABASE": mariadb_databases.migrated().rpartition("/")[2],
    }
    with closing(Parts(Settings.from_environment(settings))) as parts:
        yield parts


@pytest.fixture
def line(parts: Parts) -> Line:
    return Line(parts.records, parts.engine, no_show_minutes=1)


def eventually(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_erasing(engine: Engine) -> bool:
    """Whether the server is at the statement that blanks tickets."""
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE tickets SET guest_name%%'"
    with engine.connect() as connection:
        return bool(connection.exec_driver_sql(query).scalar())


def test_an_erasure_that_takes_long_delays_no_notice(parts: Parts, line: Line) -> None:
    old = line.join()
    line.act("serve", line.act("call", old))
    long_ago = system_clock() - timedelta(days=100)

    def let_it_be_long_ago(tx) -> None:
        tx.connection.execute(update(tickets).where(tickets.c.id == old.id).values(joined_at=long_ago))

    line.do(let_it_be_long_ago)
    with parts.engine.connect() as holder:
        holder.execute(select(tickets).where(tickets.c.id == old.id).with_for_update())
        with working(parts):
            eventually(lambda: is_erasing(parts.engine))
            guest = line.join("+15550300001")
            line.act("call", guest)
            while oldest_unrelayed(parts.records) is not None:
                assert is_erasing(parts.engine), "the erasure is over, and the call is not relayed yet"
            holder.rollback()


def oldest_unrelayed(records: Records) -> object:
    with records.reading() as tx:
        return tx.event_log.oldest_unrelayed()


def test_a_report_whose_process_died_is_heard(parts: Parts, line: Line) -> None:
    line.act("call", line.join("+15550300001"))
    parts.notices.relay()
    [outbound] = parts.notices.claim(1, ("sms",))
    parts.notices.sent(outbound.notice.id, "SM1", delivered=False)
    left = DeliveryReport("sms", "SM1", NoticeState.DELIVERED, None, False, False, system_clock())
    line.do(lambda tx: tx.notices.keep_report(left))

    def state(tx: Transaction) -> NoticeState | None:
        noted = tx.notices.get(outbound.notice.id)
        return None if noted is None else noted.state

    with working(parts):
        eventually(lambda: line.do(state) is NoticeState.DELIVERED)


def test_a_queue_that_no_sweep_can_touch_keeps_no_other_from_its_no_shows(parts: Parts, line: Line) -> None:
    line.do(partial(add_queue, venue_id="venue", queue_id="broken", no_show_minutes=1))
    called = []
    for queue_id in ("broken", line.id):
        called.append(line.join(actor=OWNER, queue_id=queue_id))
        line.act("call", called[-1])

    def break_it_and_let_time_pass(tx) -> None:
        tx.connection.execute(update(queues).where(queues.c.id == "broken").values(state="neither"))
        for turn, ticket in enumerate(called):
            over = system_clock() - timedelta(minutes=2 - turn)
            tx.connection.execute(update(tickets).where(tickets.c.id == ticket.id).values(no_show_at=over))

    line.do(break_it_and_let_time_pass)
    with working(parts):
        eventually(lambda: line.state(called[1]) is TicketState.NO_SHOW)
    assert line.state(called[0]) is TicketState.CALLED
