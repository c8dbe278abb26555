"""What the engines promise on every database."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from core.storage.engine import open_engine
from tests.databases import Databases


def test_an_error_of_the_database_names_no_guest(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT :name FROM no_such_table"), {"name": "Belarmina"})

    assert "no_such_table" in str(caught.value)
    assert "Belarmina" not in str(caught.value)


def test_a_server_lets_go_of_who_vanished_after_half_a_minute(mariadb_databases: Databases) -> None:
    """And of the rows that were locked: a machine that is gone says no word."""
    engine = open_engine(mariadb_databases.empty())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT @@SESSION.wait_timeout")).scalar() == 30
    engine.dispose()
