"""The commands beside a server that runs: backup and restore, dead letters, connect."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.carriers_accounts import CarriersAccounts
from tests.journeys.line import Guest, Line
from tests.local.edition import PASSWORD, Edition


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edition]:
    """One running edition for all of these."""
    with Edition(tmp_path_factory.mktemp("edition")) as edition:
        yield edition


@pytest.fixture
def line(edition: Edition) -> Line:
    """Its line, empty."""
    line = Line(edition.url, PASSWORD)
    line.empty()
    return line


def joined(line: Line, name: str) -> Guest:
    guest = line.phone(name)
    guest.says(f"JOIN DEMO 2 {name}")
    guest.reads("You're in!")
    return guest


def positions(line: Line) -> list[tuple[str, int]]:
    return [(ticket["guest_name"], ticket["position"]) for ticket in line.tickets()]


def test_a_backup_brings_back_the_line_while_the_server_runs(edition: Edition, line: Line, tmp_path: Path) -> None:
    ana = joined(line, "Ana")
    saved = edition.run("backup", str(tmp_path / "evening.db"))
    assert (saved.returncode, saved.stderr) == (0, "")
    joined(line, "Ben")
    line.call_next()

    restored = edition.run("restore", str(tmp_path / "evening.db"))

    assert (restored.returncode, restored.stderr) == (0, "")
    assert positions(line) == [("Ana", 1)]
    ana.says("POSITION")
    ana.reads("Place 1")
    cleo = joined(line, "Cleo")
    cleo.says("POSITION")
    cleo.reads("Place 2")
    assert line.call_next()["guest_name"] == "Ana"


def test_a_backup_is_whole_while_guests_keep_joining(edition: Edition, line: Line, tmp_path: Path) -> None:
    stop = threading.Event()

    def keep_joining() -> None:
        while not stop.is_set():
            line.post(f"/queues/{line.queue_id}/tickets", {"guest_name": "Walk-in", "party_size": 1})

    guests = threading.Thread(target=keep_joining)
    guests.start()
    try:
        saved = edition.run("backup", str(tmp_path / "busy.db"))
    finally:
        stop.set()
        guests.join()

    assert saved.returncode == 0
    with closing(sqlite3.connect(tmp_path / "busy.db")) as database:
        [(integrity,)] = database.execute("PRAGMA integrity_check")
        [(waiting,)] = database.execute("SELECT waiting FROM queues")
        [(tickets,)] = database.execute("SELECT COUNT(*) FROM tickets WHERE state = 'waiting'")
        [(events,)] = database.execute("SELECT COUNT(*) FROM events WHERE kind = 'joined'")
        [(all_tickets,)] = database.execute("SELECT COUNT(*) FROM tickets")
    assert (integrity, waiting, events) == ("ok", tickets, all_tickets)


def test_a_restore_while_guests_keep_joining_loses_no_later_answer(
    edition: Edition, line: Line, tmp_path: Path
) -> None:
    edition.run("backup", str(tmp_path / "empty.db"))
    stop, refused = threading.Event(), []

    def keep_joining() -> None:
        while not stop.is_set():
            path = f"/api/v1/queues/{line.queue_id}/tickets"
            answer = line.http.post(path, json={"guest_name": "Walk-in", "party_size": 1}, headers=line.staff)
            if answer.status_code != 201:
                refused.append(answer.text)

    guests = threading.Thread(target=keep_joining)
    guests.start()
    try:
        restored = edition.run("restore", str(tmp_path / "empty.db"))
    finally:
        stop.set()
        guests.join()

    assert (restored.returncode, restored.stderr) == (0, "")
    assert refused == []
    numbers = [ticket["number"] for ticket in line.tickets()]
    assert len(numbers) == len(set(numbers)) > 0


def test_a_backup_is_for_its_user_alone_and_replaces_an_earlier_one(edition: Edition, tmp_path: Path) -> None:
    file = tmp_path / "evening.db"
    file.write_text("an earlier one")

    assert edition.run("backup", str(file)).returncode == 0

    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["evening.db"]


def test_a_backup_starts_a_new_machine(edition: Edition, line: Line, tmp_path: Path) -> None:
    joined(line, "Ana")
    edition.run("backup", str(tmp_path / "evening.db"))
    other = Edition(tmp_path / "other")

    assert other.run("restore", str(tmp_path / "evening.db")).returncode == 0

    with other:
        assert positions(Line(other.url, PASSWORD)) == [("Ana", 1)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        (b"no database at all, whatever its name says" * 100, "is not a backup"),
        (b"", "is not a backup of Queue Manager"),
    ],
)
def test_what_is_no_backup_is_refused_and_changes_nothing(
    edition: Edition, line: Line, tmp_path: Path, content: bytes | None, words: str
) -> None:
    joined(line, "Ana")
    file = tmp_path / "no backup"
    if content is not None:
        file.write_bytes(content)

    answer = edition.run("restore", str(file))

    assert answer.returncode == 1
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert positions(line) == [("Ana", 1)]


def test_a_damaged_backup_is_refused(edition: Edition, line: Line, tmp_path: Path) -> None:
    joined(line, "Ana")
    file = tmp_path / "evening.db"
    edition.run("backup", str(file))
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    file.write_bytes(content)

    answer = edition.run("restore", str(file))

    assert answer.returncode == 1
    assert "damaged" in answer.stderr or "can't be restored" in answer.stderr or "not a backup" in answer.stderr
    assert positions(line) == [("Ana", 1)]


def test_a_backup_of_a_later_version_is_refused(edition: Edition, line: Line, tmp_path: Path) -> None:
    joined(line, "Ana")
    file = tmp_path / "evening.db"
    edition.run("backup", str(file))
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    answer = edition.run("restore", str(file))

    assert answer.returncode == 1
    assert "later version" in answer.stderr
    assert positions(line) == [("Ana", 1)]


def test_a_database_on_mysql_is_left_to_its_own_tools(tmp_path: Path) -> None:
    there = {"MYSQL_HOST": "127.0.0.1:1", "MYSQL_USER": "u", "MYSQL_DATABASE": "d"}

    answer = Edition(tmp_path / "edition", **there).run("backup", str(tmp_path / "file"))

    assert answer.returncode == 1
    assert "mysqldump" in answer.stderr


def test_a_dead_letter_is_listed_and_sent_again(edition: Edition, line: Line) -> None:
    guest = joined(line, "Ana")
    guest.turns("failing", on=True)
    called = line.call_next()
    line.sees(called["id"], ("called", "pending"))
    with closing(sqlite3.connect(edition.data_dir / "queue.db", timeout=10)) as database:
        # As after the last try.
        database.execute(
            "UPDATE notices SET state = 'dead', next_try_at = NULL, lease_until = NULL, error_code = '20500',"
            " error = 'Twilio has trouble of its own.' WHERE kind = 'called' AND ticket_id = ?",
            (called["id"],),
        )
        database.commit()
    guest.turns("failing", on=False)

    listed = edition.run("dead-letters", "list").stdout.splitlines()

    [letter] = [row for row in listed if "20500: Twilio has trouble" in row]
    assert "sms" in letter
    assert "called" in letter
    sent = edition.run("dead-letters", "send", letter.split()[0])
    assert sent.returncode == 0, sent.stderr
    guest.reads("your turn")
    line.sees(called["id"], ("called", "delivered"))
    assert edition.run("dead-letters").stdout == "There are no dead letters.\n"


def test_a_letter_that_is_not_dead_can_not_be_sent(edition: Edition) -> None:
    answer = edition.run("dead-letters", "send", "nonsense")

    assert answer.returncode == 1
    assert "There is no dead letter nonsense" in answer.stderr


@pytest.mark.parametrize("arguments", [["dead-letters", "send"], ["backup"], ["dance"]])
def test_a_command_that_makes_no_sense_is_refused_with_its_usage(tmp_path: Path, arguments: list[str]) -> None:
    answer = Edition(tmp_path / "edition").run(*arguments)

    assert answer.returncode == 2
    assert "usage: python -m local" in answer.stderr


@pytest.mark.parametrize("arguments", [["dead-letters"], ["backup", "file"], ["worker"]])
def test_before_the_first_start_there_is_nothing_to_work_on(tmp_path: Path, arguments: list[str]) -> None:
    answer = Edition(tmp_path / "edition").run(*arguments)

    assert answer.returncode == 1
    assert "no database" in answer.stderr


def test_connect_tells_the_carriers_where_the_webhooks_are(edition: Edition, carriers: CarriersAccounts) -> None:
    api = carriers.url
    real = Edition(
        edition.directory,
        PUBLIC_URL="https://line.example.com",
        TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="x", TWILIO_API_URL=api,
        TELEGRAM_BOT_TOKEN="1:x", TELEGRAM_WEBHOOK_SECRET="a-secret", TELEGRAM_API_URL=api,
    )  # fmt: skip

    answer = real.run("connect")

    assert (answer.returncode, answer.stderr) == (0, "")
    webhook = "https://line.example.com/webhooks/sms#rc=3&rp=ct,rt,5xx"
    [number] = [body for path, body in carriers.told if path == "PN1.json"]
    assert number == {
        "SmsUrl": webhook, "SmsMethod": "POST", "SmsFallbackUrl": webhook, "SmsFallbackMethod": "POST",
    }  # fmt: skip
    [hook] = [body for path, body in carriers.told if path == "setWebhook"]
    assert hook["url"] == "https://line.example.com/webhooks/telegram"
    assert hook["secret_token"] == "a-secret"
    assert json.loads(hook["allowed_updates"]) == ["message", "callback_query", "my_chat_member"]
    menus = {
        body.get("language_code"): json.loads(body["commands"])
        for path, body in carriers.told
        if path == "setMyCommands"
    }
    assert set(menus) == {None, "pt", "es"}
    assert {command["command"] for command in menus["pt"]} == {"join", "position", "leave", "help", "language"}
    assert "@TheLineBot" in answer.stdout


def test_connect_without_credentials_says_which_to_set(edition: Edition) -> None:
    answer = edition.run("connect")

    assert answer.returncode == 1
    assert "TWILIO_ACCOUNT_SID" in answer.stderr


def test_connect_needs_an_address_that_carriers_can_reach(edition: Edition) -> None:
    real = Edition(edition.directory, TELEGRAM_BOT_TOKEN="1:x")

    answer = real.run("connect")

    assert answer.returncode == 1
    assert "set PUBLIC_URL" in answer.stderr


def test_who_is_invited_gets_an_account(edition: Edition) -> None:
    made = edition.run("add-account", "Bea@example.com")

    assert made.returncode == 0, made.stderr
    password = made.stdout.split("password ")[1].split()[0]
    log_in = {"email": "bea@example.com", "password": password}
    assert httpx.post(f"{edition.url}/api/v1/login", json=log_in, trust_env=False).status_code == 200
    again, nonsense = edition.run("add-account", "bea@example.com"), edition.run("add-account", "bea")
    assert (again.returncode, again.stderr.strip()) == (1, "bea@example.com has an account already.")
    assert (nonsense.returncode, nonsense.stderr.strip()) == (1, "bea is not an e-mail address.")
