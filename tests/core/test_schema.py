"""Bringing a database to the newest schema, and leaving alone what is newer still."""

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


def test_a_release_that_comes_back_leaves_the_schema_of_the_next_one_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    migrate(engine)

    assert revision(engine) == "9999"
    assert inspect(engine).has_table("tickets")
