"""Brings a database to the newest schema. Apart from the engines: Alembic takes long to import, and few need it."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from core.storage.engine import open_engine

MIGRATION_SECONDS = 3600.0

log = structlog.get_logger(__name__)


def migrate(engine: Engine, *, leave_later: bool = False) -> None:
    """Bring the database to the newest schema; does nothing where it is there already.

    leave_later: do nothing either where it is of a later release, which only adds what this one does not mind. Without
    it, raises Alembic's CommandError then.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    patient = open_engine(engine.url.render_as_string(hide_password=False), MIGRATION_SECONDS)
    try:
        with patient.connect() as connection:
            config.attributes["connection"] = connection
            later = _later_revision(config, connection) if leave_later else None
            if later is None:
                command.upgrade(config, "head")
            else:
                log.warning("the database is of a later release, and was left as it is", revision=later)
    finally:
        patient.dispose()


def _later_revision(config: Config, connection: Connection) -> str | None:
    """The database's revision where this release does not have it."""
    now = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return None if now is None or now in known else now
