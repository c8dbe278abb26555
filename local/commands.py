"""What each command does. All take the settings and the command's own arguments."""

import secrets
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bots.channels import CannotConnect
from core.errors import EmailTaken, InvalidValue, NotFound, RecordUnavailable
from core.settings import Settings
from core.storage import backup
from core.storage.redis_server import answers
from local.application import Parts
from local.serve import serve as run_server
from local.worker import work as run_worker


class Impossible(Exception):
    """The command could not be done, and nothing was changed; the sentence says why."""


def serve(settings: Settings, _arguments: Namespace) -> None:
    """Serve, with everything beside it, until stopped."""
    run_server(settings)


def work(settings: Settings, arguments: Namespace) -> None:
    """Be the worker until stopped."""
    with _parts(settings) as parts:
        run_worker(parts, arguments.parent)


def list_dead_letters(settings: Settings, _arguments: Namespace) -> None:
    """Print the notices that rest after their last try, oldest first."""
    with _parts(settings) as parts:
        letters = parts.notices.dead_letters()
    for letter in letters:
        at = f"{letter.updated_at:%Y-%m-%d %H:%M} UTC"
        print(f"{letter.id}  {at}  {letter.channel:<8}  {letter.kind:<12}  {letter.error_code}: {letter.error}")
    if not letters:
        print("There are no dead letters.")


def send_dead_letters(settings: Settings, arguments: Namespace) -> None:
    """Give one dead letter, or all, to the worker again. Raises Impossible where there is none of that id."""
    with _parts(settings) as parts:
        ids = [letter.id for letter in parts.notices.dead_letters()] if arguments.all else [arguments.id]
        for notice_id in ids:
            try:
                parts.notices.resend(notice_id)
            except NotFound as error:
                raise Impossible(f"There is no dead letter {notice_id}; `dead-letters list` shows them.") from error
    print(f"{len(ids)} {'notice' if len(ids) == 1 else 'notices'} will be sent again, unless the guest has gone on.")


def add_account(settings: Settings, arguments: Namespace) -> None:
    """Make a staff account with a password of our own, printed once. Raises Impossible."""
    password = secrets.token_urlsafe(12)
    with _parts(settings) as parts:
        try:
            account = parts.accounts.add(arguments.email, password)
        except InvalidValue as error:
            raise Impossible(f"{arguments.email} is not an e-mail address.") from error
        except EmailTaken as error:
            raise Impossible(f"{arguments.email} has an account already.") from error
    print(f"{account.email} can log in with the password {password} (shown this once).")


def back_up(settings: Settings, arguments: Namespace) -> None:
    """Copy the database into a file."""
    backup.back_up(_sqlite_file(settings, "mysqldump --single-transaction"), arguments.file)
    print(f"The database is in {arguments.file}. Keep {settings.data_dir / 'secrets'} with it.")


def restore(settings: Settings, arguments: Namespace) -> None:
    """Put a backup in the database's place, and let go of the positions that Redis shows."""
    database = _sqlite_file(settings, "the mysql client, with the server stopped")
    with closing(Parts(settings)) as parts:
        redis = answers(parts.redis)
        if settings.redis_url is not None and not redis:
            raise Impossible("Redis can't be reached: it shows positions of before. Start it first.")
        backup.restore(arguments.file, database)
        if redis:
            parts.view.forget_all()
    print(f"The database is as it was in {arguments.file}.")


def connect(settings: Settings, _arguments: Namespace) -> None:
    """Tell the carriers that have credentials where this server is."""
    from local.connect import connect_carriers

    with _parts(settings) as parts:
        try:
            for line in connect_carriers(parts):
                print(line)
        except CannotConnect as error:
            raise Impossible(str(error)) from error


@contextmanager
def _parts(settings: Settings) -> Iterator[Parts]:
    """The parts, on a database that answers and was made by the server. Raises Impossible."""
    if settings.database_url.startswith("sqlite") and not _file(settings).exists():
        raise Impossible(f"There is no database in {settings.data_dir} yet: start the server first (`make run`).")
    parts = Parts(settings)
    try:
        with parts.records.reading():
            pass
        yield parts
    except RecordUnavailable as error:
        raise Impossible(f"The database can't be reached: {error.__cause__}.") from error
    finally:
        parts.close()


def _file(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _sqlite_file(settings: Settings, instead: str) -> Path:
    if not settings.database_url.startswith("sqlite"):
        raise Impossible(f"The database is on a MySQL server, whose own tool does this: {instead}.")
    return _file(settings)
