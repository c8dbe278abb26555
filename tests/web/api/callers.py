"""Who calls the API in tests: staff with a token, or anybody."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server
from waitress.wasyncore import close_all

PASSWORD = "correct horse"
TOKEN = re.compile(r"\?token=(\S+)")
VENUE = {"name": "Fuchsbau", "time_zone": "America/New_York", "phone_number": "+15550100001"}


class Mails:
    """What the accounts sent: (to, subject, text), oldest first."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def __call__(self, to: str, subject: str, text: str) -> None:
        self.sent.append((to, subject, text))

    def token(self) -> str:
        """The token of the last link."""
        return TOKEN.findall(self.sent[-1][2])[-1]


class Caller:
    """Calls the API; with a token once it has logged in. Paths are below /api/v1."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.token: str | None = None

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Any:
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers=sent, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.call("POST", path, json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.call("PATCH", path, json, **more)

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        answer = self.post("/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.token = answer.json["token"]

    def new_venue(self, **settings: Any) -> dict[str, Any]:
        return made(self.post("/venues", VENUE | settings))

    def new_queue(self, venue: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
        venue = venue or self.new_venue()
        return made(self.post(f"/venues/{venue['id']}/queues", {"name": "Tables"} | settings))

    def add(self, queue: dict[str, Any], **party: Any) -> Any:
        """A walk-in's ticket."""
        return made(self.post(f"/queues/{queue['id']}/tickets", {"guest_name": "Ana", "party_size": 2} | party))

    def call_next(self, queue: dict[str, Any]) -> dict[str, Any]:
        answer = self.post(f"/queues/{queue['id']}/call-next")
        assert answer.status_code == 200, answer.text
        return answer.json


def made(answer: Any) -> Any:
    """What a 201 shows."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"].endswith(f"/{answer.json['id']}")
    return answer.json


def assert_problem(answer: Any, status: int, code: str, **members: Any) -> dict[str, Any]:
    """The one shape of every error, with what else it must say."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert "no-store" in answer.headers["Cache-Control"]
    problem = answer.json
    assert problem["type"] == f"https://queue.example/problems/{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert members.items() <= problem.items(), problem
    return problem


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address at which the application answers over HTTP."""
    sockets: dict[int, Any] = {}
    server = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        # In the server's own thread, which would else be asking sockets that are closed. It may be awake already,
        # and have closed what wakes it before this wakes it.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: close_all(sockets, ignore_all=True))
        thread.join()
