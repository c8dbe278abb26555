"""The API as a program meets it: over HTTP, on a connection that is kept."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.web.api.callers import PASSWORD, VENUE, Mails, served


class Program:
    """Calls the API on one connection."""

    def __init__(self, address: str) -> None:
        self.connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
        self.headers = {"Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        self.connection.request(method, f"/api/v1{path}", data, self.headers | headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


@pytest.fixture
def program(app: Flask):
    with served(app) as address:
        program = Program(address)
        yield program
        program.connection.close()


def test_from_the_first_account_to_a_guest_who_is_called(program: Program, mails: Mails) -> None:
    ada = {"email": "ada@example.com", "password": PASSWORD}
    assert program.call("POST", "/accounts", ada)[0] == 202
    assert program.call("POST", "/accounts/verify", {"token": mails.token()})[0] == 201
    program.headers["Authorization"] = f"Bearer {program.call('POST', '/login', ada)[1]['token']}"
    _, venue = program.call("POST", "/venues", VENUE)
    _, queue = program.call("POST", f"/venues/{venue['id']}/queues", {"name": "Mesas 🍺"})
    _, ticket = program.call("POST", f"/queues/{queue['id']}/tickets", {"guest_name": "João", "party_size": 2})

    status, called = program.call("POST", f"/queues/{queue['id']}/call-next")

    assert (status, called["id"], called["state"]) == (200, ticket["id"], "called")
    del program.headers["Authorization"]
    token = ticket["guest_url"].rpartition("/")[2]
    status, seen = program.call("GET", f"/guest/tickets/{token}")
    assert (status, seen["state"], seen["guest_name"], seen["queue"]["name"]) == (200, "called", "João", "Mesas 🍺")
    assert program.call("GET", f"/queues/{queue['id']}/tickets")[0] == 401


def test_a_connection_outlives_what_was_wrong_on_it(program: Program) -> None:
    for body, status in ((b"x" * 1_000_000, 413), (b"{", 400), (b"[]", 422), (b'{"email": "a", "password": "b"}', 401)):
        assert program.call("POST", "/login", body)[0] == status
    assert program.call("DELETE", "/login")[0] == 405
    assert program.call("GET", "/openapi.json")[1]["openapi"].startswith("3.1")
