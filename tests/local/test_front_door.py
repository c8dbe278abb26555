"""What a running server lets in, turns away and writes down."""

import base64
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.line import EMAIL, Line, wait_for
from tests.local.edition import PASSWORD, Edition


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edition]:
    """One running edition for all of these."""
    with Edition(tmp_path_factory.mktemp("edition")) as edition:
        yield edition


@pytest.fixture
def http(edition: Edition) -> Iterator[httpx.Client]:
    """Somebody on this machine."""
    with httpx.Client(base_url=edition.url, trust_env=False, verify=False, timeout=30) as client:
        yield client


def line_of(edition: Edition, request_id: str) -> dict[str, Any]:
    """The request's line in the log, which is JSON where no terminal reads it; it comes just after the answer."""

    def look() -> dict[str, Any] | None:
        written = (json.loads(line) for line in edition.log.read_text().splitlines() if line.endswith("}"))
        return next((line for line in written if line.get("request_id") == request_id), None)

    return wait_for(look, lambda: request_id)


@pytest.mark.parametrize("path", ["/webhooks/sms", "/webhooks/sms/status", "/webhooks/telegram"])
@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": "wrong", "X-Telegram-Bot-Api-Secret-Token": "wrong"}])
def test_who_is_not_the_carrier_gets_403(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    assert http.post(path, data={"Body": "JOIN"}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/webhooks/sms", "/webhooks/sms/status", "/webhooks/telegram"])
def test_more_than_a_megabyte_is_turned_away(http: httpx.Client, path: str) -> None:
    assert http.post(path, content=b"x" * (1024 * 1024 + 1)).status_code == 413


def test_a_webhook_is_only_posted_to(http: httpx.Client) -> None:
    assert http.get("/webhooks/sms").status_code == 405


@pytest.mark.parametrize("path", ["/simulator", "/simulator/state"])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Cf-Connecting-Ip"])
def test_the_simulator_is_not_there_for_who_comes_through_a_proxy(http: httpx.Client, path: str, header: str) -> None:
    assert http.get(path, headers={header: "203.0.113.9"}).status_code == 404
    assert http.get(path, headers={"Host": "line.example.com"}).status_code == 404


def test_health_names_every_part(http: httpx.Client) -> None:
    answer = http.get("/healthz")

    assert answer.status_code == 200
    health = answer.json()
    assert (health["database"], health["redis"]) == (True, True)
    assert health["worker_beat_seconds"] < 10
    assert {"oldest_unrelayed_seconds"} <= set(health)


@pytest.mark.parametrize("given", ["0123456789abcdef", "tel-15550123456", "x" * 101, '{"level": "critical"}'])
def test_a_request_has_an_id_of_our_own(edition: Edition, http: httpx.Client, given: str) -> None:
    answer = http.get("/q/DEMO", headers={"X-Request-Id": given})

    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] != given
    assert line_of(edition, answer.headers["X-Request-Id"])["path"] == "/q/<join_code>"
    assert given not in edition.log.read_text()


def test_a_request_is_a_line_in_the_log(edition: Edition, http: httpx.Client) -> None:
    request_id = http.post("/webhooks/sms").headers["X-Request-Id"]

    line = line_of(edition, request_id)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/webhooks/sms", 403)
    assert line["ms"] >= 0


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/queues/0123456789abcdef/tickets/fedcba9876543210/change",) * 2,
        ("/queues/0123456789abcdef/tickets/fedcba9876543210/Ana", "/queues/…"),
        ("/t/Xy0_secret", "/t/…"),
        ("/t//Xy0_secret", "/t/…"),
        ("/T/Xy0_secret", "…"),
        ("/api/v1/guest//tickets/Xy0_secret", "/api/…"),
        ("/verify/Xy0_secret", "/verify/…"),
        ("/q/tel-15550123456", "/q/<join_code>"),
        ("/webhook/sms", "…"),
        ("/", "/"),
    ],
)
def test_of_a_path_the_log_has_what_is_ours(edition: Edition, http: httpx.Client, path: str, logged: str) -> None:
    request_id = http.get(path).headers["X-Request-Id"]

    assert line_of(edition, request_id)["path"] == logged


def test_a_path_without_end_keeps_nobody_waiting_and_fills_no_log(edition: Edition, http: httpx.Client) -> None:
    request_id = http.get("/" + "a" * 60_000).headers["X-Request-Id"]

    assert http.get("/healthz", timeout=5).status_code == 200
    assert len(line_of(edition, request_id)["path"]) < 300
    # The requests' ids are hexadecimal: they may have such letters by chance.
    assert "aaaa" not in re.sub(r'"request_id": "[0-9a-f]{16}"', "", edition.log.read_text())


def test_the_log_names_no_guest_no_token_and_no_secret(edition: Edition) -> None:
    line = Line(edition.url, PASSWORD)
    ana, ben = line.phone("Anabel Log"), line.chat("Benedikt Log")
    ana.says("JOIN DEMO 2 Anabel Log")
    placed = ana.reads("You're in!")
    ben.says("/start DEMO")
    ben.reads("You're in!")
    [link] = [word for word in placed.split() if "/t/" in word]
    token = link.rpartition("/t/")[2]
    line.http.get(f"/t/{token}")
    line.http.get(f"/t/{token}/nothing")
    line.guests_page(placed)
    ana.turns("throttled", on=True)
    line.call_next()
    line.call_next()
    ben.reads("your turn")
    line.http.post("/api/v1/login", json={"email": EMAIL, "password": "wrong password"})
    line.http.post("/api/v1/accounts/reset", json={"email": EMAIL})

    log = edition.log.read_text()
    kept = [path for path in (edition.data_dir / "secrets").iterdir() if path.name != "twilio_account_sid"]
    secrets = [path.read_text().strip() for path in kept]
    numbers = [guest.id.partition(":")[2] for guest in (ana, ben)]
    private = [*secrets, *numbers, token, "Anabel", "Benedikt", PASSWORD, "wrong password"]
    assert [word for word in private if word.removeprefix("+") in log] == []
    assert "/t/…" in log
    assert "/api/v1/guest/tickets/…" in log


def test_what_is_no_http_is_answered_and_does_no_harm(edition: Edition, http: httpx.Client) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", b"\r\n" * 100):
        with socket.create_connection(("127.0.0.1", edition.port), timeout=10) as connection:
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)

    assert http.get("/healthz").status_code == 200
    assert "Traceback" not in edition.log.read_text()


def test_mail_for_staff_is_shown_in_the_simulator(edition: Edition) -> None:
    line = Line(edition.url, PASSWORD)
    address = f"{base64.b32encode(b'new').decode().strip('=').lower()}@example.com"

    registration = {"email": address, "password": "a good password"}
    assert line.http.post("/api/v1/accounts", json=registration).status_code in (201, 202)

    mails = line.http.get("/simulator/state").json()["mails"]
    [mail] = [mail for mail in mails if mail["to"] == address]
    [token] = re.findall(r"/verify\?token=(\S+)", mail["text"])
    assert line.http.post("/api/v1/accounts/verify", json={"token": token}).is_success
    assert line.http.post("/api/v1/login", json=registration).is_success


def test_mail_for_staff_goes_through_the_mail_server(tmp_path, mailbox) -> None:
    with Edition(tmp_path / "edition", SMTP_HOST="127.0.0.1", SMTP_PORT=str(mailbox.port)) as edition:
        line = Line(edition.url, PASSWORD)
        line.http.post("/api/v1/accounts/reset", json={"email": EMAIL})

        assert f"{edition.port}/reset?token=" in mailbox.wait_for(EMAIL).get_content()
        assert 'id="mail"' not in line.http.get("/simulator").text
