"""An edition that others reach: nothing is simulated, whoever asks, and what is not connected says so."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.line import EMAIL, wait_for
from tests.local.edition import PASSWORD, Edition

PUBLIC_URL = "https://line.example.com"


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edition]:
    """An edition with nothing but its address set."""
    with Edition(tmp_path_factory.mktemp("edition"), PUBLIC_URL=PUBLIC_URL) as edition:
        yield edition


@pytest.fixture
def http(edition: Edition) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edition.url, trust_env=False, verify=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize("path", ["/simulator", "/simulator/", "/simulator/state", "/simulator/telegram/bot1:x/getMe"])
def test_a_proxy_that_looks_like_this_machine_finds_no_simulator(edition: Edition, path: str) -> None:
    """nginx with `proxy_pass http://localhost:8000; proxy_http_version 1.1`: nothing tells it from a browser here."""
    with socket.create_connection(("127.0.0.1", edition.port), timeout=10) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{edition.port}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()

    assert answer.startswith("HTTP/1.1 404 ")
    assert answer.endswith(
        f"The simulator is switched off, because PUBLIC_URL is {PUBLIC_URL}: it runs for localhost alone.\n"
    )


@pytest.mark.parametrize("path", ["/webhooks/sms", "/webhooks/sms/status", "/webhooks/telegram"])
def test_the_webhook_of_a_carrier_that_is_not_connected_takes_nothing(http: httpx.Client, path: str) -> None:
    assert http.post(path, data={"Body": "JOIN"}).status_code == 403


def test_the_start_says_what_is_off_and_what_is_missing(edition: Edition) -> None:
    greeting = edition.log.read_text()

    assert "Simulator   off, because PUBLIC_URL is not of this machine alone" in greeting
    assert f":{edition.port}/simulator" not in greeting
    for name in ("TWILIO_ACCOUNT_SID", "TELEGRAM_BOT_TOKEN", "SMTP_HOST"):
        assert name in greeting


def test_nobody_is_asked_to_join_where_nothing_listens(http: httpx.Client) -> None:
    page = http.get("/q/DEMO")

    assert page.status_code == 200
    assert "/simulator" not in page.text
    assert "+15550100001" not in page.text


def test_a_guest_who_can_not_be_texted_is_shown_so(http: httpx.Client) -> None:
    token = http.post("/api/v1/login", json={"email": EMAIL, "password": PASSWORD}).json()["token"]
    http.headers["Authorization"] = f"Bearer {token}"
    [venue] = http.get("/api/v1/venues").json()["items"]
    [queue] = http.get(f"/api/v1/venues/{venue['id']}/queues").json()["items"]
    walk_in = {"guest_name": "Ana", "party_size": 2, "phone": "+15550100199"}
    ticket = http.post(f"/api/v1/queues/{queue['id']}/tickets", json=walk_in).raise_for_status().json()

    def failed() -> bool | None:
        notice = http.get(f"/api/v1/tickets/{ticket['id']}").json()["last_notice"]
        return (notice is not None and notice["state"] == "failed") or None

    wait_for(failed, lambda: http.get(f"/api/v1/tickets/{ticket['id']}").text)


def test_without_a_mail_server_nobody_registers(http: httpx.Client) -> None:
    registration = {"email": "new@example.com", "password": "a good password"}

    assert http.post("/api/v1/accounts", json=registration).status_code == 403
    assert http.post("/api/v1/accounts/reset", json={"email": EMAIL}).status_code == 503
    assert "/register" not in http.get("/").text
