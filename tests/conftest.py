"""What every test may ask for. The servers are real; each starts when first asked for, once per process."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sqlalchemy import Engine, make_url
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from core.storage.engine import open_engine
from core.storage.records import Records
from infra.build import build
from tests.carriers_accounts import CarriersAccounts
from tests.clocks import StillClock
from tests.databases import KINDS, MYSQL_URL, Databases, Engines, ServerDatabases, SQLiteDatabases
from tests.once import once
from tests.servers import Mailbox, MariaDB, MySQL, Valkey

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A slow machine is no fault of the code.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")


TOGETHER = ("tests/journeys/", "tests/lambdas/")
LONG = (
    "tests/soak/",
    "tests/journeys/",
    "tests/lambdas/",
    "tests/local/",
    "tests/promises/",
    "tests/web/api/test_schemathesis.py",
    "tests/web/pages/test_in_chromium.py",
    "tests/infra/",
)


class FilesTogether(LoadFileScheduling):
    """Each file goes to one process, and all of a folder whose deployed stack takes half a minute to the same."""

    def _split_scope(self, nodeid: str) -> str:
        together = [folder for folder in TOGETHER if nodeid.startswith(folder)]
        return together[0] if together else str(super()._split_scope(nodeid))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that at the end nobody waits for it."""
    items.sort(key=lambda item: [not item.nodeid.startswith(long) for long in LONG])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    """https://pytest-xdist.readthedocs.io/en/stable/distribution.html"""
    return FilesTogether(config, log)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A running MariaDB: `url(database)`, `connect(database)`, `stop()`, `start()`."""
    with MariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_databases(mariadb: MariaDB) -> Databases:
    """Makes databases on that MariaDB."""
    return ServerDatabases(mariadb)


@pytest.fixture(scope="session")
def mysql_databases() -> Iterator[Databases]:
    """Makes databases on the MySQL that TEST_MYSQL_URL names, and takes them away at the end."""
    assert MYSQL_URL
    server = MySQL(make_url(MYSQL_URL))
    with server.connect() as connection, connection.cursor() as cursor:
        # As for our own MariaDB.
        cursor.execute("SET GLOBAL max_connections = 500, GLOBAL innodb_flush_log_at_trx_commit = 0")
    made = ServerDatabases(server)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Makes SQLite files."""
    return SQLiteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases of each kind that we claim to run on: the test runs once on each."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture
def database_url(databases: Databases) -> str:
    """An empty database of the test's own; the test runs once on each kind."""
    return databases.empty()


@pytest.fixture
def migrated_database_url(databases: Databases) -> str:
    """A database of the test's own with the migrations applied; the test runs once on each kind."""
    return databases.migrated()


@pytest.fixture(scope="session")
def _engines() -> Engines:
    return Engines()


@pytest.fixture
def engine(_engines: Engines, migrated_database_url: str) -> Iterator[Engine]:
    """An engine on `migrated_database_url`."""
    with _engines.on(migrated_database_url) as engine:
        yield engine


@pytest.fixture
def two_engines(mariadb_databases: Databases) -> Iterator[tuple[Engine, Engine]]:
    """Two processes on one database, where writers do not wait for each other."""
    url = mariadb_databases.migrated()
    engines = open_engine(url), open_engine(url)
    yield engines
    for engine in engines:
        engine.dispose()


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still until the test calls `advance(timedelta)`."""
    return StillClock()


@pytest.fixture
def records(engine: Engine, clock: StillClock) -> Records:
    """The record, without a view and without a worker to wake."""
    return Records(engine, clock)


@pytest.fixture(scope="session")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(_valkey: Valkey) -> Iterator[Valkey]:
    """A running, empty Valkey: `url`, `port`, `client()`; a test may `stop()`, `kill()` and `start()` it."""
    with _valkey.client() as client:
        client.flushall()
    yield _valkey
    if not _valkey.running:
        _valkey.start()


@pytest.fixture(scope="session")
def _mailbox() -> Iterator[Mailbox]:
    with Mailbox().serving() as mailbox:
        yield mailbox


@pytest.fixture
def mailbox(_mailbox: Mailbox) -> Mailbox:
    """An SMTP server on 127.0.0.1, `port`, that keeps its mail: `messages`, `wait_for(address)`."""
    _mailbox.clear()
    return _mailbox


@pytest.fixture
def carriers() -> Iterator[CarriersAccounts]:
    """The carriers' accounts, as whoever connects them needs them."""
    with CarriersAccounts().serving() as accounts:
        yield accounts


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium. Per module: while Playwright is open, nothing else in this thread can run an event loop."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("chromium is missing: run the tests with `make test`, or install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions' zip, which takes as long as all tests here."""
    return once(tmp_path_factory.getbasetemp(), "code.zip", lambda file: build(file, None))
