"""Brings a database to the newest schema. Apart from the engines: Alembic takes long to import, and few need it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from core.storage.engine import open_engine

MIGRATION_SECONDS = 3600.0


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; does nothing where it is there already."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    patient = open_engine(engine.url.render_as_string(hide_password=False), MIGRATION_SECONDS)
    with patient.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    patient.dispose()
