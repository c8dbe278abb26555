"""Who reaches the simulator: this machine, and nobody else."""

import socket

import pytest
from flask import Flask

from core.clock import system_clock
from local.simulator import SimulatorSettings, State, create_simulator
from tests.local.simulator.house import ANA, BOT_TOKEN, House

PATHS = ["/", "/state", "/places", "/static/simulator.css", f"/telegram/bot{BOT_TOKEN}/getMe"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "queue.example"},
        {"Forwarded": "for=203.0.113.9"},
        {"Cf-Connecting-Ip": "203.0.113.9"},
        {"Host": "queue.example"},
        {"Host": "localhost.queue.example:8000"},
        {"Host": "127.0.0.1.queue.example"},
        {"Host": "[::1"},
    ],
)
def test_what_came_through_a_tunnel_or_another_name_finds_nothing(
    house: House, path: str, headers: dict[str, str]
) -> None:
    assert house.client.get(path, headers=headers).status_code == 404
    assert house.client.post(path, headers=headers, json={}).status_code == 404


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_this_machines_own_names_are_let_in(house: House, host: str) -> None:
    assert house.client.get("/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.168.1.20", 404), ("", 404)])
def test_only_loopback_clients_are_let_in(address: str, status: int) -> None:
    settings = SimulatorSettings(
        public_url="http://localhost:8000", base_url="http://127.0.0.1:8000", twilio_account_sid="AC",
        twilio_auth_token="t", telegram_bot_token="1:t", telegram_webhook_secret="s",
        telegram_bot_name="bot", numbers=list, codes=list,
    )  # fmt: skip
    app = Flask("alone")
    app.register_blueprint(create_simulator(settings, State(system_clock)))

    answer = app.test_client().get("/simulator/state", environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == status


def test_a_proxy_that_names_nobody_is_found_out(house: House) -> None:
    """nginx with nothing but proxy_pass: our own address as the Host, HTTP/1.0, and no header of its own."""
    raw = f"GET /simulator/state HTTP/{{}}\r\nHost: 127.0.0.1:{house.client.base_url.port}\r\nConnection: close\r\n\r\n"

    statuses = {version: _status(house.client.base_url.port, raw.format(version)) for version in ("1.0", "1.1")}

    assert statuses == {"1.0": 404, "1.1": 200}


def _status(port: int | None, request: str) -> int:
    with socket.create_connection(("127.0.0.1", port or 80), timeout=10) as connection:
        connection.sendall(request.encode())
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize("path", ["/conversations", f"/conversations/{ANA}/messages"])
def test_a_form_of_another_site_is_not_read(house: House, path: str) -> None:
    body = b'{"channel": "sms", "name": "Dora", "address": "+15550100109", "text": "hi"}'

    assert house.client.post(path, content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    assert house.client.post(path, data={"text": "hi"}).status_code == 415
    assert len(house.state()["order"]) == 5
    assert house.shown(ANA) == []


def test_a_huge_body_is_refused(house: House) -> None:
    assert house.client.post("/conversations", json={"name": "x" * 300_000}).status_code == 413


def test_the_page_lets_nothing_foreign_run(house: House) -> None:
    policy = house.client.get("/").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
