"""Bringing a database to the newest schema, and leaving alone what is newer still."""

import pytest
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text

from core.storage.schema import migrate


def revision(engine: Engine) -> str:
    with engine.connect() as connection:
        found: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return found


def test_a_database_that_is_up_to_date_stays_as_it_is(engine: Engine) -> None:
    before = revision(engine)

    migrate(engine)

    assert revision(engine) == before


def test_a_schema_of_a_later_release_is_refused_unless_it_may_be_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(CommandError):
        migrate(engine)
    migrate(engine, leave_later=True)

    assert revision(engine) == "9999"
    assert inspect(engine).has_table("tickets")
