"""`make bench`: measure everything and print the table of docs/performance.md."""

import tempfile
from pathlib import Path

from benchmarks import operations
from benchmarks.crowd import eight_clients
from benchmarks.functions import on_aws
from benchmarks.setting import servers
from benchmarks.table import table
from benchmarks.webhook import sms_join

REFERENCES = """
(a) one bare redis-py round trip. (b) one durable single-row INSERT on a held PyMySQL connection. (c) the very
statements of the operation, sent by bare PyMySQL on one held connection. MariaDB and SQLite commit durably.
(boto3) `import boto3` in a fresh process, as the function's module is. (bare) the same batches received from the queue
and deleted, and nothing else.
"""


def main() -> None:
    """Start the servers, measure, print."""
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as running:
        rows = operations.on_mariadb(running, (10, 1_000, 100_000))
        rows += [sms_join(running), eight_clients(running)]
        rows += operations.on_sqlite(running, (10, 10_000))
    with tempfile.TemporaryDirectory() as directory:
        rows += on_aws(Path(directory))
    print(REFERENCES)
    print(table(rows))


if __name__ == "__main__":
    main()
