"""A connection that is lost leaves no change half done, and a change with a receipt is made once all the same."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, make_url

from core.errors import OutcomeUnknown, RecordUnavailable
from core.storage.engine import REST_SECONDS, open_engine
from core.storage.records import Once, Records, Transaction
from tests.clocks import StillClock
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, Line
from tests.databases import Databases
from tests.promises.cutting import Cut, CuttingProxy
from tests.servers import MariaDB
from tests.web.api.callers import PASSWORD, Caller, Mails
from tests.web.api.conftest import make_services
from web.application import create_app

ONCE = Once("lost", "key", "", timedelta(days=1))
LOST = [Cut.BEFORE_THE_COMMIT, Cut.BEFORE_ITS_ANSWER]


@pytest.fixture
def proxy(mariadb: MariaDB) -> Iterator[CuttingProxy]:
    with CuttingProxy(mariadb.port).serving() as proxy:
        yield proxy


@pytest.fixture
def line(mariadb_databases: Databases, proxy: CuttingProxy, clock: StillClock) -> Iterator[Line]:
    """Ten guests in line, in a database behind the proxy."""
    engine: Engine = open_engine(
        make_url(mariadb_databases.migrated()).set(port=proxy.port).render_as_string(hide_password=False)
    )
    line = Line(Records(engine, clock), engine)
    line.fill(10)
    yield line
    assert_whole(engine)
    engine.dispose()


@pytest.mark.parametrize("cut", LOST)
def test_a_call_with_a_receipt_whose_commit_is_lost_calls_one_guest(line: Line, proxy: CuttingProxy, cut: Cut) -> None:
    def work(tx: Transaction) -> dict[str, Any]:
        return {"called": line.queues.call_next(tx, line.id, OWNER).number}

    proxy.cut = cut

    assert line.records.answer_once(ONCE, work) == {"called": 1}
    assert proxy.cuts == 1
    assert line.queue.waiting == 9


def test_where_the_database_stays_away_after_a_lost_commit_nobody_says_that_nothing_was_changed(
    line: Line, proxy: CuttingProxy
) -> None:
    def work(tx: Transaction) -> dict[str, Any]:
        return {"called": line.queues.call_next(tx, line.id, OWNER).number}

    proxy.cut, proxy.away_after_the_cut = Cut.BEFORE_ITS_ANSWER, True
    with pytest.raises(OutcomeUnknown):
        line.records.answer_once(ONCE, work)

    proxy.away_after_the_cut = False
    assert line.records.answer_once(ONCE, work) == {"called": 1}
    assert line.queue.waiting == 9


@pytest.mark.parametrize(("cut", "waiting"), [(Cut.BEFORE_THE_COMMIT, 10), (Cut.BEFORE_ITS_ANSWER, 9)])
def test_without_a_receipt_nobody_claims_to_know_and_nothing_is_half_done(
    line: Line, proxy: CuttingProxy, cut: Cut, waiting: int
) -> None:
    proxy.cut = cut

    with pytest.raises(OutcomeUnknown):
        line.call_next()

    assert proxy.cuts == 1
    assert line.queue.waiting == waiting


def lose_all(mariadb: MariaDB) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command = 'Sleep'"
        )
        for (lost,) in cursor.fetchall():
            cursor.execute(f"KILL {lost}")


def test_connections_that_were_lost_meanwhile_are_replaced_by_a_change(line: Line, mariadb: MariaDB) -> None:
    lose_all(mariadb)

    assert line.call_next().number == 1
    assert line.queue.waiting == 9


def test_connections_that_were_lost_while_they_rested_are_replaced_by_a_read(line: Line, mariadb: MariaDB) -> None:
    lose_all(mariadb)
    time.sleep(REST_SECONDS)

    assert line.queue.waiting == 10


def test_a_database_that_stays_away_is_said_to_be_away(line: Line, mariadb: MariaDB) -> None:
    mariadb.stop()
    try:
        with pytest.raises(RecordUnavailable):
            line.call_next()
    finally:
        mariadb.start()

    assert line.call_next().number == 1


@pytest.mark.parametrize("cut", LOST)
@pytest.mark.parametrize("at", ["the reservation of its key", "the keeping of its answer"])
def test_a_registration_whose_key_is_cut_off_mails_one_link(line: Line, proxy: CuttingProxy, cut: Cut, at: str) -> None:
    mails = Mails()

    def send(to: str, subject: str, text: str) -> None:
        if at == "the keeping of its answer":
            proxy.cut = cut
        mails(to, subject, text)

    caller = Caller(create_app(make_services(line.records, send)))
    if at == "the reservation of its key":
        proxy.cut = cut

    for _ in range(2):
        assert caller.post("/accounts", {"email": "ada@example.com", "password": PASSWORD}, key="a").status_code == 202
    assert proxy.cuts == 1
    assert len(mails.sent) == 1
