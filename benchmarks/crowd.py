"""Eight clients that join one queue at once, against eight bare ones that send the same statements."""

import itertools
import time
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pymysql

from benchmarks.bare import record
from benchmarks.lines import make_line
from benchmarks.setting import Servers, Setting
from benchmarks.table import Row
from core.order import GAP

CLIENTS = 8
EACH = 60
ROUNDS = 3


def eight_clients(servers: Servers) -> Row:
    """The rate of ours over the rate of the bare ones, with nobody twice."""
    setting = servers.on_mariadb()
    queue_id = make_line(setting.engine, "CROWD", 10)
    setting.records.transaction(setting.join(queue_id))
    bare_clients = [_BareClient(servers.held_connection(setting), setting, queue_id) for _ in range(CLIENTS)]
    ours = bare = 0.0
    for _ in range(ROUNDS):
        ours += _together([lambda: setting.records.transaction(setting.join(queue_id))] * CLIENTS)
        bare += _together([client.join for client in bare_clients])
    _nobody_twice(setting, queue_id, expected=10 + 1 + 2 * ROUNDS * CLIENTS * EACH)
    return Row("8 clients join one queue, rate", None, {"c": bare / ours}, target={"c": 0.8}, at_least=True)


def _together(joins: list[Callable[[], object]]) -> float:
    """Seconds until every client has joined EACH times."""
    barrier = Barrier(len(joins) + 1)

    def client(join: Callable[[], object]) -> None:
        barrier.wait()
        for _ in range(EACH):
            join()

    threads = [Thread(target=client, args=(join,)) for join in joins]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


class _BareClient:
    """Sends a recorded join again and again on its own connection, with the values that a new guest has."""

    _names = itertools.count()

    def __init__(self, connection: "pymysql.Connection[Any]", setting: Setting, queue_id: str) -> None:
        self._connection = connection
        self._sent = record(setting.engine, setting.unseen, setting.join(queue_id)).sent
        self._queue_id = queue_id

    def join(self) -> None:
        guest = f"bare-{next(self._names)}"
        counters: dict[str, Any] = {}
        with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
            for statement, parameters, many in self._sent:
                rows = parameters if many else [parameters]
                sent = [{**row, **self._of_guest(statement, guest, counters)} for row in rows]
                cursor.executemany(statement, sent) if many else cursor.execute(statement, sent[0])
                for row in cursor.fetchall():
                    counters = row
        self._connection.commit()

    def _of_guest(self, statement: str, guest: str, queue: dict[str, Any]) -> dict[str, Any]:
        """The parameters in which this guest's statement differs from the recorded one."""
        key = f"{self._queue_id}:{guest}"
        if statement.startswith("INSERT INTO contacts"):
            return {"id": guest, "address": guest}
        if "FROM contacts" in statement:
            return {"of_address": guest}
        if statement.startswith("INSERT INTO tickets"):
            return {
                "id": guest,
                "token": guest,
                "contact_id": guest,
                "active_key": key,
                "version": queue["version"] + 1,
                "number": queue["last_number"] + 1,
                "order_key": queue["last_order_key"] + GAP,
            }
        if statement.startswith("UPDATE queues"):
            return {
                "new_version": queue["version"] + 1,
                "new_waiting": queue["waiting"] + 1,
                "new_last_number": queue["last_number"] + 1,
                "new_last_order_key": queue["last_order_key"] + GAP,
            }
        if statement.startswith("INSERT INTO events"):
            return {"version": queue["version"] + 1, "ticket_id": guest}
        return {"of_key": key} if "of_key" in statement else {}


def _nobody_twice(setting: Setting, queue_id: str, expected: int) -> None:
    with setting.records.reading() as tx:
        snapshot = tx.tickets.line_snapshot(queue_id)
        queue = tx.queues.get(queue_id)
    if snapshot is None or queue is None or len(set(snapshot[1].values())) != expected or queue.waiting != expected:
        raise AssertionError("somebody was lost or stands twice in line")
