"""What the engines promise on every database."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError


def test_an_error_of_the_database_names_no_guest(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT :name FROM no_such_table"), {"name": "Belarmina"})

    assert "no_such_table" in str(caught.value)
    assert "Belarmina" not in str(caught.value)
