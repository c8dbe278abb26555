"""Whatever goes wrong, the API says what in one shape."""

import inspect
from dataclasses import replace
from typing import Any

import pytest

from core import accounts, errors, venues, walk_ins
from core.errors import Refusal
from core.storage.engine import open_engine
from core.storage.records import Records
from tests.servers import free_port
from tests.web.api.callers import PASSWORD, Caller, Mails, assert_problem
from tests.web.api.conftest import make_services
from web import create_app, limits
from web.causes import CAUSES
from web.services import Services


@pytest.mark.parametrize("path", ["/nowhere", "/venues/", "/venues//queues", "/queues/x/y", "/tickets/%2F"])
def test_an_address_that_is_not_there(ann: Caller, path: str) -> None:
    assert_problem(ann.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/venues", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("GET", "/login", {"OPTIONS", "POST"}),
        ("TRACE", "/accounts/me", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_is_not_taken(anybody: Caller, method: str, path: str, allowed: set) -> None:
    answer = anybody.call(method, path)

    assert method in assert_problem(answer, 405, "method-not-allowed")["detail"]
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == allowed


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"{'a': 1}", b'{"email": "\xff"}', b'{"email": "\\ud800"}', b"[" * 10_000, b"NaN,", b"\x00"],
)
def test_what_is_not_json(anybody: Caller, body: bytes) -> None:
    answer = anybody.post("/login", data=body, headers={"Content-Type": "application/json"})

    assert_problem(answer, 400, "malformed-json")


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"NaN", b"[[]]"])
def test_json_that_is_not_an_object(anybody: Caller, body: bytes) -> None:
    answer = anybody.post("/login", data=body, headers={"Content-Type": "application/json"})

    problem = assert_problem(answer, 422, "invalid-values")
    assert [fault["pointer"] for fault in problem["errors"]] == ["#"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_another_kind(anybody: Caller, media_type: str) -> None:
    answer = anybody.post("/login", data=b'{"email": "a", "password": "b"}', headers={"Content-Type": media_type})

    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("path", ["/login", "/accounts", "/venues"])
def test_a_body_that_is_too_large(ann: Caller, path: str) -> None:
    at_most = b'{"email": "' + b"x" * (64 * 1024 - 13) + b'"}'
    headers = {"Content-Type": "application/json"}

    assert_problem(ann.post(path, data=at_most, headers=headers), 422, "invalid-values")
    assert_problem(ann.post(path, data=at_most + b" ", headers=headers), 413, "body-too-large")


def test_nothing_that_is_stored_can_break_a_statement_or_an_answer(ann: Caller) -> None:
    names = [
        "'; DROP TABLE tickets; --",
        "<script>alert(1)</script>",
        '"\\"',
        "😀🍺 日本 عربى",
        "%s {0} ${x}",
        "a\u2028b",
    ]
    queue = ann.new_queue(name=names[0], text="\n".join(names))

    tickets = [ann.add(queue, guest_name=name, note=name) for name in names]

    assert [ticket["guest_name"] for ticket in tickets] == names
    assert ann.get(f"/queues/{queue['id']}/tickets").json["items"] == tickets


def test_the_unexpected_says_nothing_of_its_cause(services: Services, mails: Mails) -> None:
    services.accounts.add("ann@example.com", PASSWORD)
    broken: Any = None
    caller = Caller(create_app(replace(services, venues=broken)))
    caller.log_in("ann@example.com")

    answer = caller.get("/venues")

    assert_problem(answer, 500, "internal-error")
    assert "NoneType" not in answer.text


def test_a_database_that_is_away_is_said_to_be(clock: Any, mails: Mails, caplog: pytest.LogCaptureFixture) -> None:
    engine = open_engine(f"mysql+pymysql://root@127.0.0.1:{free_port()}/nothing")
    caller = Caller(create_app(make_services(Records(engine, clock), mails)))

    for answer in (
        caller.post("/login", {"email": "ann@example.com", "password": PASSWORD}),
        caller.get("/guest/tickets/x"),
    ):
        assert_problem(answer, 503, "record-unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert "Can't connect" not in answer.text
    # The operator reads why.
    assert caplog.text.count("Can't connect to MySQL server") == 2


def test_a_mail_server_that_is_away_is_said_to_be(records: Records) -> None:
    def refuse(to: str, subject: str, text: str) -> None:
        raise TimeoutError

    mails: Any = refuse
    caller = Caller(create_app(make_services(records, mails)))

    answer = caller.post("/accounts", {"email": "ann@example.com", "password": PASSWORD})

    assert_problem(answer, 503, "mail-unavailable")


def test_every_refusal_has_its_cause() -> None:
    refusals = {
        kind.code
        for module in (errors, accounts, venues, walk_ins, limits)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Refusal) and kind is not Refusal
    }

    # The operator's own command meets this one, and no request.
    assert refusals - CAUSES.keys() == {"email-taken"}


def test_the_type_of_a_problem_can_be_opened(anybody: Caller) -> None:
    for code, cause in CAUSES.items():
        page = anybody.client.get(f"/problems/{code}")
        assert (page.status_code, page.text) == (200, f"{cause.title} (HTTP {cause.status})\n")
    assert anybody.client.get("/problems/nothing").status_code == 404


def test_healthz_says_how_the_parts_are(services: Services) -> None:
    def health(database: bool, redis: bool) -> tuple[int, Any]:
        found = replace(services.health(), database=database, redis=redis, oldest_unrelayed_seconds=1.5)
        answer = create_app(replace(services, health=lambda: found)).test_client().get("/healthz")
        return answer.status_code, answer.json

    assert health(True, False) == (
        200,
        {
            "status": "ok",
            "database": True,
            "redis": False,
            "oldest_unrelayed_seconds": 1.5,
            "worker_beat_seconds": None,
        },
    )
    assert health(False, True)[0] == 503
