"""The commands of the one-machine edition: `python -m local` serves, `python -m local --help` lists the others."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.environment import SettingsError
from core.logs import start_logging
from core.settings import Settings
from core.storage.backup import BackupError
from local import commands
from local.serve import CannotServe


def main(arguments: Sequence[str]) -> int:
    """Run a command. Answers 0, 1 when it could not be done, 2 when what it was told makes no sense."""
    # The database, its backups and logs hold guests' numbers: they are this user's alone.
    os.umask(0o077)
    chosen = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        for finding in error.findings:
            print(finding, file=sys.stderr)
        return 2
    start_logging(settings.secret_values)
    try:
        chosen.run(settings, chosen)
    except (commands.Impossible, BackupError, CannotServe) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Queue Manager on one machine.")
    parser.set_defaults(run=commands.serve)
    subparsers = parser.add_subparsers(metavar="COMMAND")
    add = subparsers.add_parser
    add("serve", help="serve, with everything beside it; what `make run` does").set_defaults(run=commands.serve)
    worker = add("worker", help="work beside a server that runs elsewhere on the same database and Redis")
    worker.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    worker.set_defaults(run=commands.work)
    letters = add("dead-letters", help="list notices that could not be sent, or send them again")
    letters.set_defaults(run=commands.list_dead_letters)
    letter_commands = letters.add_subparsers(metavar="list | send")
    letter_commands.add_parser("list", help="list them").set_defaults(run=commands.list_dead_letters)
    send = letter_commands.add_parser("send", help="send one again, or all")
    which = send.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", help="the id from the list")
    which.add_argument("--all", action="store_true", help="all of them")
    send.set_defaults(run=commands.send_dead_letters)
    for name, run, help_text in (
        ("backup", commands.back_up, "copy the database into a file, while the server runs"),
        ("restore", commands.restore, "put a backup in the database's place, while the server runs or not"),
    ):
        command = add(name, help=help_text)
        command.add_argument("file", type=Path, metavar="FILE")
        command.set_defaults(run=run)
    account = add("add-account", help="make a staff account, where SIGN_UP=invited or no mail can be sent")
    account.add_argument("email", metavar="EMAIL")
    account.set_defaults(run=commands.add_account)
    add("connect", help="tell Twilio and Telegram where this server is (PUBLIC_URL)").set_defaults(run=commands.connect)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
