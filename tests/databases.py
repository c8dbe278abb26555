"""Databases for tests: a name of its own for each, empty or with the migrations applied."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Engine, event, make_url

from core.storage.engine import open_engine
from core.storage.schema import migrate
from tests.servers import MariaDB, MySQL

# SQLAlchemy's URL of a MySQL that runs already, without a database; tests run on it too where it is set.
MYSQL_URL = os.environ.get("TEST_MYSQL_URL")
KINDS = ("sqlite", "mariadb", "mysql") if MYSQL_URL else ("sqlite", "mariadb")


class Databases(Protocol):
    """Makes databases of one kind, as many as are asked for; each is given as SQLAlchemy's URL for it."""

    def empty(self) -> str: ...

    def migrated(self) -> str: ...


@dataclass
class SQLiteDatabases:
    """Files in a directory; a migrated one is a copy of the first."""

    directory: Path
    _numbers: "count[int]" = field(default_factory=count)
    _template: Path | None = None

    def empty(self) -> str:
        return f"sqlite:///{self._new_file()}"

    def migrated(self) -> str:
        if self._template is None:
            self._template = self._new_file()
            apply_migrations(f"sqlite:///{self._template}")
        return f"sqlite:///{shutil.copyfile(self._template, self._new_file())}"

    def _new_file(self) -> Path:
        folder = self.directory / str(next(self._numbers))
        folder.mkdir()
        return folder / "queue.db"


@dataclass
class ServerDatabases:
    """Databases on one server; a migrated one gets the tables and rows that migrations left in the first.

    Several processes may make theirs on one server.
    """

    server: MariaDB | MySQL
    _prefix: str = field(default_factory=lambda: f"test_{secrets.token_hex(4)}")
    _made: list[str] = field(default_factory=list)
    _template: str | None = None
    _statements: list[str] = field(default_factory=list)

    def empty(self) -> str:
        return self.server.url(self._new_database())

    def migrated(self) -> str:
        if self._template is None:
            self._template = self._new_database()
            apply_migrations(self.server.url(self._template))
            self._statements = self._statements_of(self._template)
        name = self._new_database()
        with self.server.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            for statement in self._statements:
                cursor.execute(statement)
        return self.server.url(name)

    def drop(self) -> None:
        """Take away all that were made."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            for name in self._made:
                cursor.execute(f"DROP DATABASE {name}")

    def _new_database(self) -> str:
        name = f"{self._prefix}_{len(self._made)}"
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self._made.append(name)
        return name

    def _statements_of(self, database: str) -> list[str]:
        statements = []
        with self.server.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            for (table,) in cursor.fetchall():
                cursor.execute(f"SHOW CREATE TABLE `{table}`")
                [(_, statement)] = cursor.fetchall()
                statements.append(statement)
                if cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1"):
                    statements.append(f"INSERT INTO `{table}` SELECT * FROM `{database}`.`{table}`")
        return statements


@dataclass
class Engines:
    """An engine for each server, which goes from database to database: to compile our statements takes longer than
    most tests, and an engine keeps what it has compiled."""

    _made: dict[URL, Engine] = field(default_factory=dict)

    @contextmanager
    def on(self, url: str) -> Iterator[Engine]:
        """The server's engine, on this database; no connection is left from the one before, nor for the next."""
        server = make_url(url).set(database="")
        if server not in self._made:
            self._made[server] = _engine_that_moves(url)
        engine = self._made[server]
        engine.url = make_url(url)
        if engine.url.get_backend_name() == "mysql":
            # Where `inspect` looks; SQLAlchemy asks for it once.
            engine.dialect.default_schema_name = engine.url.database
        try:
            yield engine
        finally:
            engine.dispose()


def _engine_that_moves(url: str) -> Engine:
    """An engine that connects to whatever its `url` is at that time."""
    engine = open_engine(url)

    # https://docs.sqlalchemy.org/en/21/core/events.html#sqlalchemy.events.DialectEvents.do_connect
    @event.listens_for(engine, "do_connect")
    def choose(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        where, how = dialect.create_connect_args(engine.url)
        arguments[:] = where
        options.update(how)

    return engine


@contextmanager
def once_after(engine: Engine, words: str, happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen in the instant after the first statement that has these words."""
    waiting = [happens]

    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if waiting and words in statement:
            waiting.pop()()

    event.listen(engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", after)
    assert not waiting, f"no statement had: {words}"


def apply_migrations(url: str) -> None:
    """Bring the database to the present version, and let go of it."""
    engine = open_engine(url)
    try:
        migrate(engine)
    finally:
        engine.dispose()
