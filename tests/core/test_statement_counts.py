"""What operations cost, in statements, commits, connections and round trips: the same however long the line is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from core.errors import AlreadyInLine
from core.line import read_line
from core.model import GUEST, ContactAddress
from core.storage.records import Records
from core.storage.redis_server import WakeWorker, open_redis
from core.storage.view import PositionView, ViewUpdate
from tests.core.counting import counted, counted_redis
from tests.core.lines import OWNER, Line
from tests.core.long_lines import lengthen
from tests.servers import Valkey

SHORT, LONG = 10, 1000
SENDER = "+15550100001"


class Costly(Line):
    """A line with all that a commit sets off, whose view stands."""

    def __init__(self, engine: Engine, valkey: Valkey, clock: Any) -> None:
        self.redis = open_redis(valkey.url)
        view = PositionView(self.redis)
        records = Records(engine, clock, [ViewUpdate(view), WakeWorker(self.redis)])
        super().__init__(records, engine, almost_there_at=3, no_show_minutes=5)


@pytest.fixture
def costly(engine: Engine, valkey: Valkey, clock) -> Iterator[Costly]:
    costly = Costly(engine, valkey, clock)
    # Scripts, compiled statements and the connection are there before anything is counted.
    costly.join("+15550299999")
    costly.call_next()
    yield costly
    costly.redis.close()


def join_anew(line: Line) -> Any:
    address = f"+1555{line.queue.version:07}"
    return lambda tx: line.joining(tx, address, sender=SENDER, guest_name="Ana", party_size=2)


def join_again(line: Line) -> Any:
    address = ContactAddress("sms", f"+1555{line.queue.version:07}")
    line.do(lambda tx: line.book.lock_or_add(tx, address))
    return lambda tx: line.joining(tx, address.address, sender=SENDER)


def walk_in(line: Line) -> Any:
    return lambda tx: line.joining(tx, None, OWNER, guest_name="Ana")


def call_next(line: Line) -> Any:
    return lambda tx: line.queues.call_next(tx, line.id, OWNER)


def call_who_fits(line: Line) -> Any:
    return lambda tx: line.queues.call_next(tx, line.id, OWNER, 2)


def on_the_first(action: str, *more: Any, actor: Any = OWNER) -> Callable[[Line], Any]:
    def prepare(line: Line) -> Any:
        first = line.order()[0]
        return lambda tx: getattr(line.queues, action)(tx, first, *more, actor)

    return prepare


def on_the_called(action: str) -> Callable[[Line], Any]:
    def prepare(line: Line) -> Any:
        called = line.call_next()
        return lambda tx: getattr(line.queues, action)(tx, called.id, OWNER)

    return prepare


def undo(line: Line) -> Any:
    line.call_next()
    return lambda tx: line.queues.undo(tx, line.id, OWNER)


OPERATIONS: dict[str, tuple[Callable[[Line], Any], int]] = {
    "join of a new guest": (join_anew, 8),
    "join of a known guest": (join_again, 8),
    "join of a walk-in": (walk_in, 8),
    "call next": (call_next, 8),
    "call next with seats": (call_who_fits, 8),
    "call": (on_the_first("call"), 8),
    "leave": (on_the_first("leave", actor=GUEST), 8),
    "remove": (on_the_first("remove"), 8),
    "move": (on_the_first("move", 5), 10),
    "change": (on_the_first("change"), 8),
    "recall": (on_the_called("recall"), 8),
    "serve": (on_the_called("serve"), 8),
    "no-show": (on_the_called("no_show"), 8),
    "put back": (on_the_called("put_back"), 8),
    "undo": (undo, 8),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_one_commit_of_few_statements_at_every_length(costly: Costly, valkey: Valkey, name) -> None:
    prepare, most = OPERATIONS[name]
    counts = []
    for length in (SHORT, LONG):
        lengthen(costly, length - costly.queue.waiting)
        work = prepare(costly)
        with valkey.client() as counter, counted(costly.engine) as sql, counted_redis(counter) as redis:
            costly.do(work)
        assert len(sql.statements) <= most, sql.statements
        assert (sql.commits, sql.connections) == (1, 0)
        assert redis.round_trips <= 2
        counts.append(len(sql.statements))
    assert counts[0] == counts[1]


def test_the_server_saw_what_we_counted(engine: Engine, costly: Costly) -> None:
    if engine.dialect.name != "mysql":
        with counted(engine) as sql:
            costly.join("+15550300001")
        assert sql.commits == 1
        return
    before = server_status(engine)
    with counted(engine) as sql:
        costly.join("+15550300001")
    after = server_status(engine)

    spent = {name: after[name] - before[name] for name in after}
    assert spent["Com_commit"] == 1
    assert spent["connection"] == 0
    asked = spent["Com_select"] + spent["Com_insert"] + spent["Com_update"] + spent["Com_delete"]
    assert asked == len(sql.statements)


def server_status(engine: Engine) -> dict[str, int]:
    """What the server itself counted on the engine's connection, and which one that is."""
    wanted = ("Com_commit", "Com_select", "Com_insert", "Com_update", "Com_delete")
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        rows = connection.execute(text("SHOW SESSION STATUS")).all()
    return {name: int(value) for name, value in rows if name in wanted} | {"connection": driver.thread_id()}


@pytest.mark.parametrize("length", [SHORT, LONG])
def test_the_first_page_of_a_line_is_one_statement(costly: Costly, length: int) -> None:
    lengthen(costly, length)
    with costly.records.reading() as tx, counted(costly.engine) as sql:
        page = read_line(tx, costly.id, limit=50)

    assert len(sql.statements) == 1
    assert sql.statements[0].startswith("SELECT")
    assert len(page.entries) == min(length + 1, 50)
    positions = [entry.position for entry in page.entries]
    assert positions == [None, *range(1, len(positions))]


def test_a_refusal_commits_nothing(costly: Costly) -> None:
    costly.join("+15550300001")
    with counted(costly.engine) as sql, pytest.raises(AlreadyInLine):
        costly.join("+15550300001")

    assert sql.commits == 0
