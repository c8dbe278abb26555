"""`make soak`: an evening of the AWS edition whose containers die, and whether every promise was kept."""

import argparse
import random
import secrets
import tempfile
from pathlib import Path

from tests.databases import ServerDatabases
from tests.servers import MariaDB, MiniStack, Valkey
from tests.soak.checks import check
from tests.soak.edition import running
from tests.soak.evening import spend

# A container that begins costs as much as hundreds of messages: a long evening has deaths enough when they are rarer.
GUESTS_A_RARITY = 2000


def main() -> None:
    """Start the servers, spend the evening, check it; AssertionError names a promise that was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--guests", type=int, default=10_000)
    parser.add_argument("--queues", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes guests and staff the same")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        directories = [Path(name) / part for part in ("mariadb", "valkey", "ministack", "logs")]
        for directory in directories:
            directory.mkdir()
        mariadb, valkey, ministack, logs = directories
        with MariaDB(mariadb) as database, Valkey(valkey) as redis, MiniStack(ministack) as aws:
            url = ServerDatabases(database).migrated()
            chance, rarity = random.Random(f"{asked.seed} deaths"), max(1, asked.guests // GUESTS_A_RARITY)
            with running(aws, redis, url, logs, chance, rarity) as edition:
                evening = spend(edition, asked.guests, asked.queues, asked.seed)
                print(evening.summary(), flush=True)
                check(evening)
    print("every promise was kept")


if __name__ == "__main__":
    main()
