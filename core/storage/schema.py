"""Brings a database to the newest schema. Apart from the engines: Alembic takes long to import, and few need it."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

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
    with patient.connect() as connection:
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision()
        known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
        connection.rollback()
        if leave_later and now is not None and now not in known:
            log.warning("the database is of a later release, and was left as it is", revision=now)
        else:
            command.upgrade(config, "head")
    patient.dispose()
