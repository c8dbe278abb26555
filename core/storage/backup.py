"""Copies of an SQLite database, taken and put back while other processes use it."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic.util.exc import CommandError

from core.storage.engine import open_engine
from core.storage.schema import migrate

WAIT_SECONDS = 30.0


class BackupError(Exception):
    """The copy could not be taken or put back, and nothing was changed; the sentence says why."""


def back_up(database: Path, file: Path) -> None:
    """Copy the database, as it is at one moment, into a file that only this user may read.

    The file appears when it is whole; an earlier one of that name is replaced. Raises BackupError.
    """
    if not database.exists():
        raise BackupError(f"There is no database at {database} yet.")
    if file.exists() and file.samefile(database):
        raise BackupError(f"{file} is the database itself; name another file.")
    try:
        with _unfinished(file.absolute().parent) as copy:
            _copy(database, copy)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
            _sync(copy)
            copy.replace(file)
    except OSError as error:
        raise BackupError(f"{file} can't be written: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise BackupError(f"{database} can't be copied: {error}.") from error


def restore(file: Path, database: Path) -> None:
    """Put a backup in the place of everything in the database, in one transaction of it.

    Whoever uses the database meanwhile sees it either before or after. A backup of an earlier version is brought to
    the present one first. Raises BackupError when the file is no backup, is damaged or is of a later version.
    """
    try:
        _check(file)
        with _unfinished(database.parent) as copy:
            _copy(file, copy)
            _bring_up_to_date(copy)
            _copy(copy, database)
    except OSError as error:
        raise BackupError(f"{database.parent} can't be written: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise BackupError(f"{file} can't be restored: {error}.") from error


def _check(file: Path) -> None:
    if not file.is_file():
        raise BackupError(f"There is no file {file}.")
    try:
        with closing(_read_only(file)) as connection:
            damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{file} is not a backup: {error}.") from error
    if damage != "ok":
        raise BackupError(f"{file} is damaged: {damage}.")
    if ours is None:
        raise BackupError(f"{file} is not a backup of Queue Manager.")


def _bring_up_to_date(copy: Path) -> None:
    engine = open_engine(f"sqlite:///{copy}")
    try:
        migrate(engine)
    except CommandError as error:
        raise BackupError(f"The backup was made by a later version of Queue Manager ({error}).") from error
    finally:
        engine.dispose()


def _copy(source: Path, target: Path) -> None:
    with closing(_read_only(source)) as old, closing(sqlite3.connect(target, timeout=WAIT_SECONDS)) as new:
        old.backup(new)


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)


@contextmanager
def _unfinished(directory: Path) -> Iterator[Path]:
    """A file for this user alone, that is gone at the end unless it got another name."""
    copy = directory / f".{secrets.token_hex(8)}.part"
    copy.touch(mode=0o600, exist_ok=False)
    try:
        yield copy
    finally:
        for path in (copy, Path(f"{copy}-wal"), Path(f"{copy}-shm"), Path(f"{copy}-journal")):
            path.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
