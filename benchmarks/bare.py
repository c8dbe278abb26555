"""The very statements of an operation, sent by bare PyMySQL: what the operation costs without us."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pymysql
from sqlalchemy import Engine, event

from core.storage.records import Records, Transaction


class RolledBackError(Exception):
    """Ends a recorded transaction without a trace."""


@dataclass
class Statements:
    """Statements with their parameters, in order, as SQLAlchemy handed them to the driver."""

    sent: list[tuple[str, Any, bool]] = field(default_factory=list)

    def replay(self, connection: "pymysql.Connection[Any]") -> None:
        """Send them all on a held connection, fetch what they answer, and commit."""
        with connection.cursor() as cursor:
            for statement, parameters, many in self.sent:
                if many:
                    cursor.executemany(statement, parameters)
                else:
                    cursor.execute(statement, parameters)
                cursor.fetchall()
        connection.commit()


def record(engine: Engine, records: Records, work: Callable[[Transaction], object]) -> Statements:
    """The statements that `work` would send now; nothing of it stays."""
    statements = Statements()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        statements.sent.append((statement, parameters, many))

    def whole(tx: Transaction) -> None:
        work(tx)
        tx.flush()
        raise RolledBackError

    event.listen(engine, "before_cursor_execute", note)
    try:
        records.transaction(whole)
    except RolledBackError:
        return statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
    raise AssertionError("the recorded transaction was not rolled back")
