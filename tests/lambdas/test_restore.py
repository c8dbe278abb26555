"""What docs/operating.md says of bringing back a line from a backup, rehearsed."""

import secrets
import subprocess
from collections.abc import Callable

import pytest

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.clock import system_clock
from core.storage.dynamodb_accounts import DynamoAccountStore
from tests.lambdas.conftest import Deployed
from tests.lambdas.guests import phone, text
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
    first, second, third = phone(), phone(), phone()
    text(deployed, first, "JOIN BACKUP 2")
    assert "Place 2" in text(deployed, second, "JOIN BACKUP 2")
    dumped = dump()
    text(deployed, first, "LEAVE")
    assert "left" in text(deployed, first, "LEAVE")
    assert "Place 1" in text(deployed, second, "POSITION")

    load(mariadb, dumped)
    assert "Place 3" in text(deployed, third, "JOIN BACKUP 2")
    stale = text(deployed, second, "POSITION")
    assert "FunctionError" not in deployed.invoke("Sweep", {"what": "forget positions"})

    assert "Place 1" in stale, "Redis had nothing of later, so this test shows nothing"
    assert "Place 1" in text(deployed, first, "POSITION")
    assert "Place 2" in text(deployed, second, "POSITION")
    assert "Place 3" in text(deployed, third, "POSITION")


def test_staff_log_in_by_accounts_that_came_back_as_a_table_of_another_name(deployed: Deployed) -> None:
    known, dynamodb = deployed.stack.known, deployed.aws.client("dynamodb")
    email = f"{secrets.token_hex(4)}@example.com"
    account = AccountService(deployed.stack.accounts, no_mail, "").add(email, "correct horse")
    backup = dynamodb.create_backup(TableName=known["Customer"], BackupName="before")["BackupDetails"]["BackupArn"]

    dynamodb.restore_table_from_backup(TargetTableName="brought-back", BackupArn=backup)

    tables = DynamoAccountStore("brought-back", known["PreCustomer"], system_clock, deployed.aws.resource("dynamodb"))
    brought_back = AccountService(tables, no_mail, "")
    assert brought_back.log_in(email, "correct horse") == account
    assert brought_back.of_session(account.id, account.session_version) == account
