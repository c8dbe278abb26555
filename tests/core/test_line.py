"""The line as staff read it, page by page."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, insert, select

from core.errors import NotFound
from core.line import Mark, read_line, read_ticket
from core.model import TicketState
from core.storage.records import Records
from core.storage.tables import tickets
from tests.core.counting import counted
from tests.core.lines import Line

WAITING, CALLED = TicketState.WAITING, TicketState.CALLED


def pages(line: Line, limit: int, **more) -> list[list[tuple[int, int | None]]]:
    """(number, position) of each entry, by page."""
    found, mark = [], None
    while True:
        with line.records.reading() as tx:
            page = read_line(tx, line.id, limit=limit, after=mark, **more)
        found.append([(entry.number, entry.position) for entry in page.entries])
        mark = page.next
        if mark is None:
            return found


def test_who_is_called_comes_before_who_waits(line: Line) -> None:
    line.fill(4)
    for _ in range(2):
        line.call_next()

    assert pages(line, 10) == [[(1, None), (2, None), (3, 1), (4, 2)]]


@pytest.mark.parametrize("limit", range(1, 9))
def test_pages_of_any_length_hold_everybody_once(line: Line, limit: int) -> None:
    line.fill(7)
    for _ in range(3):
        line.call_next()

    found = pages(line, limit)

    everybody = [(1, None), (2, None), (3, None), (4, 1), (5, 2), (6, 3), (7, 4)]
    assert [entry for page in found for entry in page] == everybody
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]


def test_a_full_last_page_has_no_next(line: Line) -> None:
    line.fill(4)

    assert [len(page) for page in pages(line, 2)] == [2, 2]


def test_an_empty_line_is_one_empty_page(line: Line) -> None:
    assert pages(line, 10) == [[]]


def test_somebody_moved_to_the_head_stands_there(line: Line) -> None:
    tickets = line.fill(3)

    line.act("move", tickets[2], 1)

    assert pages(line, 2) == [[(3, 1), (1, 2)], [(2, 3)]]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_other_states_are_read_one_after_the_other(line: Line, limit: int) -> None:
    line.fill(5)
    line.act("serve", line.call_next())
    line.act("no_show", line.call_next())
    line.act("serve", line.call_next())

    states = (WAITING, TicketState.SERVED, TicketState.NO_SHOW)
    found = [entry for page in pages(line, limit, states=states) for entry in page]
    assert found == [(4, 1), (5, 2), (1, None), (3, None), (2, None)]


def test_the_first_page_is_one_statement_and_a_later_one_two(line: Line) -> None:
    line.fill(6)
    line.call_next()

    with line.records.reading() as tx:
        with counted(line.engine) as cost:
            page = read_line(tx, line.id, limit=3)
        assert len(cost.statements) == 1
        with counted(line.engine) as cost:
            second = read_line(tx, line.id, limit=3, after=page.next)
        assert len(cost.statements) == 2
    assert [entry.position for entry in second.entries] == [3, 4, 5]


def test_a_mark_outlives_its_ticket(line: Line) -> None:
    tickets = line.fill(5)
    with line.records.reading() as tx:
        mark = read_line(tx, line.id, limit=2).next
    assert mark == Mark(WAITING, tickets[1].order_key)

    line.act("remove", tickets[1])

    with line.records.reading() as tx:
        page = read_line(tx, line.id, limit=2, after=mark)
    assert [(entry.number, entry.position) for entry in page.entries] == [(3, 2), (4, 3)]


def test_one_ticket_is_read_with_its_position_by_who_works_there(line: Line) -> None:
    tickets = line.fill(3)
    line.call_next()

    with line.records.reading() as tx:
        waiting, queue = read_ticket(tx, "owner", tickets[2].id)
        called, _ = read_ticket(tx, "owner", tickets[0].id)
        assert (waiting.position, called.position, queue.id) == (2, None, line.id)
        for account, ticket_id in (("stranger", tickets[0].id), ("owner", "nobody")):
            with pytest.raises(NotFound):
                read_ticket(tx, account, ticket_id)


def test_who_did_not_come_lately_is_found_without_reading_who_never_came_before(
    records: Records, engine: Engine
) -> None:
    line = Line(records, engine)
    last = line.join()
    line.act("no_show", line.act("call", last))
    statements: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    def work(tx) -> None:
        [row] = tx.connection.execute(select(tickets).where(tickets.c.id == last.id)).mappings()
        long_ago = tx.now - timedelta(days=30)
        tx.connection.execute(
            insert(tickets),
            [
                {**row, "id": f"old {key}", "token": f"old {key}", "order_key": -key, "ended_at": long_ago}
                for key in range(1, 1001)
            ],
        )
        event.listen(engine, "before_cursor_execute", note)
        [found] = tx.lines.no_shows_since(line.id, tx.now - timedelta(minutes=15), 10)
        event.remove(engine, "before_cursor_execute", note)
        assert found.id == last.id
        [(statement, parameters)] = statements
        sqlite = engine.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        first = tx.connection.exec_driver_sql(explain + statement, parameters).all()[0]
        if sqlite:
            assert "USING INDEX ix_tickets_ended" in first.detail
        else:
            assert (first.key, int(first.rows)) == ("ix_tickets_ended", 1)

    line.do(work)
