"""Engines for the databases that hold the record."""

import math
import ssl
import time
from datetime import datetime
from typing import Any

from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError

# After such a rest a connection may have been lost: the server was started again, a firewall forgot it.
REST_SECONDS = 1.0
# More than the five seconds that a statement may wait for a lock; twice this is less than a carrier waits for us.
ANSWER_SECONDS = 7.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
POOL_SIZE = 20
# A machine that vanishes says goodbye to nobody, and the server keeps for so long what it had locked; after a
# deployment, the connections of the containers of before.
IDLE_SECONDS = 30


def open_engine(url: str, seconds: float = ANSWER_SECONDS, connections: int = POOL_SIZE) -> Engine:
    """An engine for `sqlite:///…` or `mysql+pymysql://…`. It connects at its first use, not here.

    A MySQL server may take `seconds` for one statement, and is never asked for more than so many `connections`.

    Its errors name no values: they are logged, and the values are guests' names, numbers and tokens.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    return _mysql(url, seconds, connections)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own transactions start with a plain BEGIN, which fails at once when two threads write.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=4000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reads"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _mysql(url: str, seconds: float, connections: int) -> Engine:
    host = make_url(url).host or "localhost"
    # One context for all connections: PyMySQL would build one for each, which costs more than the log-in.
    security: dict[str, Any] = {"ssl_disabled": True} if host in LOOPBACK else {"ssl": ssl.create_default_context()}
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=connections,
        max_overflow=0,
        pool_recycle=1800,
        # Connection.close() ends what is open; without this the pool would send one more ROLLBACK after each commit.
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={
            "charset": "utf8mb4",
            # PyMySQL reads a time by a regular expression: a tenth of what a page of the line takes.
            "conv": {**conversions, FIELD_TYPE.DATETIME: datetime.fromisoformat},
            "connect_timeout": 5,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "init_command": (
                f"SET SESSION innodb_lock_wait_timeout = 5, wait_timeout = {IDLE_SECONDS}, time_zone = '+00:00'"
                # From 11.6.2 on MariaDB turns away who waited for a row that changed meanwhile, and who tries again is
                # no longer the next.
                " /*M!110602 , innodb_snapshot_isolation = OFF */"
            ),
            **security,
        },
    )

    @event.listens_for(engine, "checkin")
    def rest(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask_after_a_rest(connection: Any, record: Any, _proxy: Any) -> None:
        # Changes are tried again, reads are not. Asked each time (pool_pre_ping), it would cost each a round trip.
        if time.monotonic() - record.info.get("rests_since", math.inf) < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine
