"""The one-machine edition from start to stop: what it leaves running, what it keeps, what it mends by itself."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.children import Child
from tests.journeys.line import Line, wait_for
from tests.local.edition import PASSWORD, Edition


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edition]:
    """One edition for all tests that leave it running as they found it."""
    with Edition(tmp_path_factory.mktemp("running")) as edition:
        yield edition


def waiting_guest(edition: Edition, name: str) -> Line:
    """A line on this edition where a guest of that name waits, and nobody else."""
    line = Line(edition.url, PASSWORD)
    line.empty()
    guest = line.phone(name)
    guest.says(f"JOIN DEMO 2 {name}")
    guest.reads("You're in!")
    return line


def names(edition: Edition) -> list[str]:
    """Who waits."""
    return [ticket["guest_name"] for ticket in Line(edition.url, PASSWORD).tickets()]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_leaves_nothing_running(edition: Edition, by: signal.Signals) -> None:
    waiting_guest(edition, "Ana")
    assert len(edition.children()) >= 2

    assert edition.end(by) == 0

    assert edition.children() == set()
    log = edition.log.read_text()
    assert "Traceback" not in log
    assert log.rstrip().endswith("Stopped.")


def test_a_second_stop_changes_nothing_any_more(edition: Edition) -> None:
    edition.send(signal.SIGINT)
    edition.send(signal.SIGINT)

    assert edition.end(signal.SIGTERM) == 0
    assert "Traceback" not in edition.log.read_text()


def test_everything_is_there_after_a_restart(edition: Edition) -> None:
    line = waiting_guest(edition, "Ana")
    edition.end(signal.SIGINT)

    edition.start()

    # With the session of before.
    [ticket] = line.tickets()
    assert (ticket["guest_name"], ticket["position"]) == ("Ana", 1)
    assert line.call_next()["id"] == ticket["id"]


def test_everything_is_there_after_a_kill_and_nothing_is_left_running(edition: Edition) -> None:
    waiting_guest(edition, "Ana")
    edition.kill()
    edition.wait_for_no_children()

    edition.start()

    assert names(edition) == ["Ana"]


def test_it_starts_at_once_after_a_kill(edition: Edition) -> None:
    waiting_guest(edition, "Ana")
    edition.kill()

    edition.start()

    assert names(edition) == ["Ana"]


def test_a_worker_that_dies_is_started_again(running: Edition) -> None:
    [worker] = [child for child in running.children() if "local worker" in command_line(child)]
    os.kill(worker, signal.SIGKILL)

    line = waiting_guest(running, "Ana")
    line.call_next()

    line.sees(line.tickets()[0]["id"], ("called", "delivered"))


def test_a_valkey_that_dies_is_started_again_and_nobody_notices(running: Edition) -> None:
    line = waiting_guest(running, "Ana")
    [valkey] = [child for child in running.children() if "valkey-server" in command_line(child)]
    os.kill(valkey, signal.SIGKILL)

    ben = line.phone("Ben")
    ben.says("JOIN")
    assert "Place 2" in ben.reads("You're in!")
    line.call_next()
    ben.says("POSITION")
    ben.reads("Place 1")
    wait_for(lambda: line.http.get("/healthz").json()["redis"] or None, lambda: "redis")


def test_a_no_show_is_noticed_by_itself(running: Edition) -> None:
    line = waiting_guest(running, "Cleo")
    called = line.call_next()
    line.sees(called["id"], ("called", "delivered"))

    past = (datetime.now(UTC) - timedelta(seconds=1)).replace(tzinfo=None)
    with closing(sqlite3.connect(running.data_dir / "queue.db", timeout=10)) as database:
        database.execute("UPDATE tickets SET no_show_at = ? WHERE id = ?", (past.isoformat(" "), called["id"]))
        database.commit()

    line.sees(called["id"], state="no_show")


def test_a_second_one_on_the_same_data_says_so(running: Edition) -> None:
    answer = running.run()

    assert answer.returncode == 1
    assert f"Queue Manager already runs on {running.data_dir}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_second_one_on_the_same_port_says_so(running: Edition, tmp_path: Path) -> None:
    second = Edition(tmp_path / "second")
    second.port = running.port

    answer = second.run()

    assert answer.returncode == 1
    assert f"Port {running.port} is taken by another program" in answer.stderr
    second.wait_for_no_children()


def test_settings_that_can_not_be_used_are_all_named(tmp_path: Path) -> None:
    answer = Edition(tmp_path / "edition", PUBLIC_URL="line.example.com", TOKEN_KEY="short").run()

    assert answer.returncode == 2
    assert "[public-url-invalid]" in answer.stderr
    assert "[token-key-short]" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_data_of_any_path_length_will_do(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a directory whose name alone is long"] * 3)
    deep.parent.mkdir(parents=True)
    with Edition(deep) as edition:
        line = waiting_guest(edition, "Ana")

        assert line.http.get("/healthz").json()["redis"] is True


def test_it_listens_where_it_is_told_and_on_the_loopback_for_its_own_parts(tmp_path: Path) -> None:
    with Edition(tmp_path / "edition", HOST="127.0.0.2") as edition:
        waiting_guest(edition, "Ana")

        told = Line(f"http://127.0.0.2:{edition.port}", PASSWORD)
        assert [ticket["guest_name"] for ticket in told.tickets()] == ["Ana"]
        assert edition.end(signal.SIGINT) == 0
        assert edition.children() == set()


@pytest.mark.parametrize(("host", "addresses"), [("localhost", ["127.0.0.1"]), ("::", ["127.0.0.1", "[::1]"])])
def test_every_way_to_write_a_host_serves_its_own_parts(tmp_path: Path, host: str, addresses: list[str]) -> None:
    with Edition(tmp_path / "edition", HOST=host) as edition:
        waiting_guest(edition, "Ana")

        for address in addresses:
            told = Line(f"http://{address}:{edition.port}", PASSWORD)
            assert [ticket["guest_name"] for ticket in told.tickets()] == ["Ana"]


class WithoutTerminal(Edition):
    """Started by nohup."""

    def command(self, *arguments: str) -> list[str]:
        return ["nohup", *super().command(*arguments)]


def test_under_nohup_it_outlives_its_terminal(tmp_path: Path) -> None:
    with WithoutTerminal(tmp_path / "edition") as edition:
        edition.send(signal.SIGHUP)

        assert names(edition) == []
        assert edition.end(signal.SIGTERM) == 0


def test_a_child_that_was_never_started_is_stopped_all_the_same() -> None:
    Child("nobody", ["true"], {}, stop_seconds=1).stop()


def test_what_it_keeps_is_for_its_user_alone(running: Edition) -> None:
    waiting_guest(running, "Ana")

    kept = [running.data_dir, *running.data_dir.rglob("*")]

    assert {path.name for path in kept} >= {"queue.db", "secrets", "token_key"}
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_it_runs_on_mariadb_and_another_valkey(tmp_path: Path, mariadb, valkey) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE one_machine CHARACTER SET utf8mb4")
    elsewhere = {
        "MYSQL_HOST": f"127.0.0.1:{mariadb.port}",
        "MYSQL_USER": "root",
        "MYSQL_DATABASE": "one_machine",
        "REDIS_HOST": f"127.0.0.1:{valkey.port}",
    }
    with Edition(tmp_path / "edition", **elsewhere) as edition:
        line = waiting_guest(edition, "Ana")
        ticket = line.call_next()
        line.sees(ticket["id"], ("called", "delivered"))

        assert not (edition.data_dir / "queue.db").exists()
        assert not [child for child in edition.children() if "valkey-server" in command_line(child)]
        assert edition.end(signal.SIGINT) == 0


def command_line(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
