"""Where everything is measured: a durable MariaDB and a Valkey of the run's own, and SQLite as `make run` uses it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import redis
from sqlalchemy import Engine

from benchmarks.bare import record
from benchmarks.lines import ACCOUNT, NUMBER
from benchmarks.measure import Step
from core.clock import system_clock
from core.contacts import ContactBook
from core.model import GUEST, ContactAddress, Ticket, staff
from core.queues import QueueService
from core.storage.engine import open_engine
from core.storage.records import Records, Transaction
from core.storage.redis_server import WakeWorker, open_redis
from core.storage.schema import migrate
from core.storage.view import Positions, PositionView, ViewUpdate
from tests.servers import MariaDB, Valkey

Work = Callable[[Transaction], object]


@dataclass
class Setting:
    """A migrated database with everything that the operations need, put together as an edition does it."""

    engine: Engine
    valkey: Valkey
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    queues: QueueService = field(default_factory=QueueService)
    contacts: ContactBook = field(default_factory=lambda: ContactBook(b"benchmark"))

    def __post_init__(self) -> None:
        self.bare_redis = redis.Redis(host="127.0.0.1", port=self.valkey.port)
        client = open_redis(self.valkey.url)
        view = PositionView(client)
        self.records = Records(self.engine, system_clock, [ViewUpdate(view), WakeWorker(client)])
        self.positions = Positions(self.records, view)
        # Without a view and a worker, for what is recorded and then sent by others.
        self.unseen = Records(self.engine, system_clock)

    def phone(self) -> str:
        """A phone number that nobody has used."""
        return f"+1555{next(self.numbers):07}"

    def join(self, queue_id: str) -> Work:
        """A new guest joins."""

        def work(tx: Transaction) -> object:
            contact = self.contacts.lock_or_add(tx, ContactAddress("sms", self.phone()))
            return self.queues.join(tx, queue_id, GUEST, contact=contact, sender=NUMBER, guest_name="Ana", party_size=2)

        return work

    def call_next(self, queue_id: str) -> Work:
        """Staff call the first in line."""
        return lambda tx: self.queues.call_next(tx, queue_id, staff(ACCOUNT))

    def committed(self, work: Work) -> Step:
        """One transaction of ours."""
        return lambda: lambda: self.records.transaction(work)

    def asked(self, ticket: Ticket) -> Step:
        """Where a guest stands."""
        return lambda: lambda: self.positions.position(ticket)

    def bare(self, work: Work, connection: "pymysql.Connection[Any]") -> Step:
        """The statements of that transaction, recorded afresh and sent by bare PyMySQL."""

        def prepare() -> Callable[[], object]:
            statements = record(self.engine, self.unseen, work)
            return lambda: statements.replay(connection)

        return prepare


@dataclass
class Servers:
    """The servers of the run."""

    mariadb: MariaDB
    valkey: Valkey
    directory: Path
    databases: "itertools.count[int]" = field(default_factory=itertools.count)

    def on_mariadb(self) -> Setting:
        """A new database on MariaDB."""
        name = f"bench_{next(self.databases)}"
        with self.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self._migrated(self.mariadb.url(name))

    def on_sqlite(self) -> Setting:
        """A new SQLite file."""
        return self._migrated(f"sqlite:///{self.directory / f'bench_{next(self.databases)}.db'}")

    def held_connection(self, setting: Setting) -> "pymysql.Connection[Any]":
        """A bare PyMySQL connection to the setting's database, set up as ours are."""
        connection = self.mariadb.connect(setting.engine.url.database)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.autocommit(False)
        return connection

    def _migrated(self, url: str) -> Setting:
        engine = open_engine(url)
        migrate(engine)
        setting = Setting(engine, self.valkey)
        # Lines of the same name in another database have left their views.
        setting.bare_redis.flushall()
        return setting


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Both servers, from start to stop."""
    folders = [directory / name for name in ("mariadb", "valkey")]
    for folder in folders:
        folder.mkdir()
    with MariaDB(folders[0], durable=True) as mariadb, Valkey(folders[1]) as valkey:
        yield Servers(mariadb, valkey, directory)


def round_trip(setting: Setting) -> Step:
    """Reference (a): one bare redis-py round trip."""
    setting.bare_redis.set("reference", 1)
    return lambda: lambda: setting.bare_redis.get("reference")


def durable_insert(connection: "pymysql.Connection[Any]") -> Step:
    """Reference (b): one durable single-row INSERT on a held PyMySQL connection."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS reference (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(30))")

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO reference (word) VALUES ('abc')")
        connection.commit()

    return lambda: insert
