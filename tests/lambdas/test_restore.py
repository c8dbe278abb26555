"""What docs/operating.md says of bringing back a line from a backup, rehearsed."""

import subprocess
from collections.abc import Callable

import pytest

from tests.bots.bars import NUMBER
from tests.lambdas.conftest import Deployed
from tests.lambdas.test_notices import number, text
from tests.servers import MariaDB, executable
from tests.stack import DATABASE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def dump(mariadb: MariaDB) -> Callable[[], bytes]:
    """Takes a dump of the database as an operator would through the bastion."""
    server = ["--host=127.0.0.1", f"--port={mariadb.port}", "--user=root", "--skip-ssl"]

    def take() -> bytes:
        command = [executable("mariadb-dump"), "--no-defaults", *server, "--single-transaction", DATABASE]
        return subprocess.run(command, capture_output=True, check=True).stdout

    return take


def load(mariadb: MariaDB, dumped: bytes) -> None:
    command = [executable("mariadb"), "--no-defaults", "--host=127.0.0.1", f"--port={mariadb.port}", "--user=root"]
    subprocess.run([*command, "--skip-ssl", DATABASE], input=dumped, check=True)


def test_a_line_is_as_it_was_at_the_backup_once_the_positions_of_later_are_forgotten(
    deployed: Deployed, mariadb: MariaDB, dump: Callable[[], bytes]
) -> None:
    deployed.bars.queue("BACKUP")
    before, lost, after = number(), number(), number()
    assert "Place 1" in text(deployed, before, "JOIN BACKUP 2")
    dumped = dump()
    assert "Place 2" in text(deployed, lost, "JOIN BACKUP 2")

    load(mariadb, dumped)
    assert "FunctionError" not in deployed.invoke("Sweep", {"what": "forget positions"})

    assert "Place 1" in text(deployed, before, "POSITION")
    assert "Place 2" in text(deployed, after, "JOIN BACKUP 2")
    assert "Place 2" in text(deployed, after, "POSITION")
    assert "Place" not in text(deployed, lost, "POSITION")
    assert "Place 3" in text(deployed, lost, "JOIN BACKUP 2")
    assert deployed.bars.line("backup")[0].sender == NUMBER


def test_accounts_come_back_as_a_table_of_another_name(deployed: Deployed) -> None:
    dynamodb, customer = deployed.aws.client("dynamodb"), deployed.stack.known["Customer"]
    backup = dynamodb.create_backup(TableName=customer, BackupName="before")["BackupDetails"]["BackupArn"]
    before = dynamodb.scan(TableName=customer)["Items"]

    dynamodb.restore_table_from_backup(TargetTableName="brought-back", BackupArn=backup)

    restored = dynamodb.scan(TableName="brought-back")["Items"]
    assert sorted(restored, key=str) == sorted(before, key=str)
    [index] = dynamodb.describe_table(TableName="brought-back")["Table"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-id"
