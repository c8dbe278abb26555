"""A POST that is repeated under its Idempotency-Key is done once and answered alike."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, update

from core.storage.records import Records, Transaction
from core.storage.tables import receipts
from tests.clocks import StillClock
from tests.core.counting import counted
from tests.web.api.callers import PASSWORD, VENUE, Caller, Mails, assert_problem
from tests.web.api.conftest import make_services
from web import idempotency
from web.application import create_app
from web.idempotency import fingerprint
from web.services import Services

PARTY = {"guest_name": "Ana", "party_size": 2}
ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def queue(ann: Caller) -> dict[str, Any]:
    return ann.new_queue()


def numbers(caller: Caller, queue: dict[str, Any]) -> list[int]:
    items = caller.get(f"/queues/{queue['id']}/tickets").json["items"]
    return [ticket["number"] for ticket in items]


def test_a_repeat_gets_the_same_answer_and_changes_nothing(ann: Caller, queue: dict) -> None:
    path = f"/queues/{queue['id']}/tickets"

    first, second = (ann.post(path, PARTY, key="a") for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert first.headers["Location"] == second.headers["Location"] == f"/api/v1/tickets/{first.json['id']}"
    assert numbers(ann, queue) == [1]
    assert ann.post(path, PARTY, key="b").json["number"] == 2
    assert ann.post(path, PARTY).json["number"] == 3


def test_parallel_repeats_of_call_next_call_one_guest(ann: Caller, app: Flask, queue: dict) -> None:
    for _ in range(10):
        ann.add(queue)

    def call(_: int) -> int:
        caller = Caller(app)
        caller.token = ann.token
        answer = caller.post(f"/queues/{queue['id']}/call-next", key="one press")
        assert answer.status_code == 200, answer.text
        number: int = answer.json["number"]
        return number

    with ThreadPoolExecutor(8) as pool:
        called = set(pool.map(call, range(16)))

    assert called == {1}
    assert ann.get(f"/queues/{queue['id']}").json["waiting"] == 9


def test_every_change_by_post_takes_a_key(ann: Caller, anybody: Caller, queue: dict) -> None:
    token = ann.add(queue)["guest_url"].rpartition("/")[2]
    ann.add(queue)
    ticket = f"/tickets/{ann.add(queue)['id']}"
    line = f"/queues/{queue['id']}"

    changes: list[tuple[str, Any]] = [
        ("/venues", VENUE),
        (f"/venues/{queue['venue_id']}/queues", {"name": "Bar"}),
        (f"{line}/tickets", PARTY),
        (f"{line}/call-next", None),
        (f"{line}/undo", None),
        (f"{ticket}/move", {"position": 1}),
        (f"{ticket}/call", None),
        (f"{ticket}/recall", None),
        (f"{ticket}/put-back", None),
        (f"{ticket}/call", None),
        (f"{ticket}/no-show", None),
        (f"{ticket}/come-back", None),
        (f"{ticket}/remove", None),
        (f"/guest/tickets/{token}/leave", None),
        (f"{line}/close", {"waiting": "remove"}),
    ]
    for number, (path, body) in enumerate(changes):
        caller = anybody if "guest" in path else ann
        answers = [caller.post(path, body, key=f"change {number}") for _ in range(2)]
        assert answers[0].status_code in (200, 201), (path, answers[0].text)
        assert answers[0].status_code == answers[1].status_code, path
        assert answers[0].json == answers[1].json, path


def test_accounts_take_a_key_too(anybody: Caller, mails: Mails) -> None:
    changes: list[tuple[str, Callable[[], dict[str, str]], int]] = [
        ("/accounts", lambda: ADA, 202),
        ("/accounts/verify", lambda: {"token": mails.token()}, 201),
        ("/accounts/reset", lambda: {"email": ADA["email"]}, 202),
        ("/accounts/reset", lambda: {"token": mails.token(), "password": "a new password"}, 200),
    ]
    for number, (path, body, status) in enumerate(changes):
        key, wish = f"change {number}", body()
        first, *repeats = [anybody.post(path, wish, key=key) for _ in range(8)]

        assert first.status_code == status, path
        assert {(answer.status_code, answer.text) for answer in repeats} == {(status, first.text)}, path
        other = {name: f"{value}x" for name, value in wish.items()}
        assert_problem(anybody.post(path, other, key=key), 422, "idempotency-key-reused")

    assert [to for to, _, _ in mails.sent] == [ADA["email"]] * 2


def test_accounts_answer_parallel_repeats_alike(anybody: Caller, app: Flask, mails: Mails) -> None:
    anybody.post("/accounts", ADA)
    verification = {"token": mails.token()}

    def verify(_: int) -> tuple[int, str]:
        answer = Caller(app).post("/accounts/verify", verification, key="one press")
        return answer.status_code, answer.json.get("id")

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(verify, range(8)))

    assert len(answers) == 1
    assert answers.pop()[0] == 201


def test_a_mail_that_could_not_be_sent_is_sent_on_the_repeat(records: Records, mails: Mails) -> None:
    failures = [OSError("the mail server is full")]

    def send(to: str, subject: str, text: str) -> None:
        if failures:
            raise failures.pop()
        mails(to, subject, text)

    caller = Caller(create_app(make_services(records, send)))

    assert_problem(caller.post("/accounts", ADA, key="a"), 503, "mail-unavailable")
    assert caller.post("/accounts", ADA, key="a").status_code == 202
    assert len(mails.sent) == 1


def test_the_record_keeps_nothing_to_guess_a_password_by(anybody: Caller, records: Records) -> None:
    path, body = "/api/v1/accounts", json.dumps(ADA).encode()
    headers = {"Idempotency-Key": "a", "Content-Type": "application/json"}
    assert anybody.client.post(path, data=body, headers=headers).status_code == 202

    with records.reading() as tx:
        receipt = tx.receipts.find(f"anybody POST {path}", "a")
    assert receipt is not None
    assert receipt.fingerprint != hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
    assert PASSWORD not in json.dumps(receipt.answer)


def test_a_fingerprint_can_only_be_made_by_who_has_the_token_key(services: Services) -> None:
    found = set()
    for key in ("one key", "another key"):
        with create_app(replace(services, token_key=key)).app_context():
            found.add(fingerprint(b"asked"))

    assert len(found) == 2


class SlowMails(Mails):
    """Holds each mail until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way, self.let_go = Event(), Event()
        self.fails = False

    def __call__(self, to: str, subject: str, text: str) -> None:
        self.under_way.set()
        assert self.let_go.wait(10)
        if self.fails:
            raise OSError("the mail server is full")
        super().__call__(to, subject, text)


def test_a_parallel_repeat_waits_and_mails_nothing_more(records: Records) -> None:
    mails = SlowMails()
    app = create_app(make_services(records, mails))

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(Caller(app).post, "/accounts", ADA, key="one press") for _ in range(4)]
        assert mails.under_way.wait(10)
        assert not wait(asked, timeout=0.3).done
        mails.let_go.set()
        answers = {(one.result().status_code, one.result().text) for one in asked}

    assert len(answers) == 1
    assert answers.pop()[0] == 202
    assert len(mails.sent) == 1


def test_nobody_waits_for_ever_for_the_answer_of_a_key(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PATIENCE_SECONDS", 0.2)
    mails = SlowMails()
    app = create_app(make_services(records, mails))

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Caller(app).post, "/accounts", ADA, key="one press")
        assert mails.under_way.wait(10)
        meanwhile = Caller(app).post("/accounts", ADA, key="one press")
        mails.let_go.set()

    assert_problem(meanwhile, 409, "request-under-way")
    assert first.result().status_code == 202
    assert Caller(app).post("/accounts", ADA, key="one press").text == first.result().text
    assert len(mails.sent) == 1


def test_a_repeat_of_the_last_one_allowed_gets_its_answer_too(records: Records) -> None:
    mails = SlowMails()
    app = create_app(make_services(records, mails))
    for _ in range(4):
        mails.let_go.set()
        assert Caller(app).post("/accounts", ADA).status_code == 202
    mails.let_go.clear()
    mails.under_way.clear()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Caller(app).post, "/accounts", ADA, key="one press")
        assert mails.under_way.wait(10)
        repeat = pool.submit(Caller(app).post, "/accounts", ADA, key="one press")
        assert not wait([repeat], timeout=0.3).done
        mails.let_go.set()

    assert (first.result().status_code, repeat.result().text) == (202, first.result().text)


def test_who_is_refused_under_a_key_costs_no_write(anybody: Caller, engine: Engine) -> None:
    for _ in range(5):
        anybody.post("/accounts", ADA)

    with counted(engine) as count:
        assert_problem(anybody.post("/accounts", ADA, key="a"), 429, "too-many-tries")

    assert count.commits == 0


def test_another_request_under_a_key_is_refused_while_the_first_is_under_way(records: Records) -> None:
    mails = SlowMails()
    app = create_app(make_services(records, mails))

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Caller(app).post, "/accounts", ADA, key="a")
        assert mails.under_way.wait(10)
        other = Caller(app).post("/accounts", ADA | {"email": "bob@example.com"}, key="a")
        mails.let_go.set()

    assert_problem(other, 422, "idempotency-key-reused")
    assert first.result().status_code == 202
    assert [to for to, *_ in mails.sent] == [ADA["email"]]


def test_a_key_whose_holder_died_is_taken_over_in_a_minute(
    anybody: Caller, records: Records, mails: Mails, clock: StillClock
) -> None:
    anybody.post("/accounts", ADA, key="a")

    def as_it_was_under_way(tx: Transaction) -> None:
        a_minute = tx.now + timedelta(minutes=1)
        tx.connection.execute(update(receipts).values(answer={"holder": "who died"}, expires_at=a_minute))

    records.transaction(as_it_was_under_way)
    clock.advance(timedelta(minutes=1))

    assert [anybody.post("/accounts", ADA, key="a").status_code for _ in range(2)] == [202, 202]
    assert len(mails.sent) == 2


@pytest.mark.parametrize("fails", [True, False])
def test_whoever_was_taken_over_changes_nothing_of_the_answer(
    records: Records, clock: StillClock, *, fails: bool
) -> None:
    mails = SlowMails()
    app = create_app(make_services(records, mails))
    second = Mails()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Caller(app).post, "/accounts", ADA, key="a")
        assert mails.under_way.wait(10)
        clock.advance(timedelta(minutes=1))
        anew = Caller(create_app(make_services(records, second))).post("/accounts", ADA, key="a")
        mails.fails = fails
        mails.let_go.set()

    assert first.result().status_code == (503 if fails else 202)
    again = Caller(create_app(make_services(records, second))).post("/accounts", ADA, key="a")
    assert again.text == anew.text
    assert len(second.sent) == 1


def test_another_request_under_the_same_key_is_refused(ann: Caller, queue: dict) -> None:
    tickets = [ann.add(queue)["id"] for _ in range(2)]
    path = f"/queues/{queue['id']}/tickets"
    ann.post(path, PARTY, key="a")
    ann.post(f"/tickets/{tickets[0]}/call", key="b")

    assert_problem(ann.post(path, PARTY | {"note": "x"}, key="a"), 422, "idempotency-key-reused")
    assert_problem(ann.post(f"/tickets/{tickets[1]}/call", key="b"), 422, "idempotency-key-reused")


def test_a_key_belongs_to_one_account_and_one_route(ann: Caller, bob: Caller, queue: dict) -> None:
    bobs = bob.new_queue(bob.new_venue(phone_number=None))

    assert ann.post(f"/queues/{queue['id']}/tickets", PARTY, key="a").status_code == 201
    assert bob.post(f"/queues/{bobs['id']}/tickets", PARTY, key="a").status_code == 201
    assert ann.post(f"/queues/{queue['id']}/call-next", key="a").status_code == 200
    assert_problem(bob.post(f"/queues/{queue['id']}/tickets", PARTY, key="a"), 422, "idempotency-key-reused")
    assert numbers(ann, queue) == [1]


def test_a_refusal_is_not_kept(ann: Caller, queue: dict) -> None:
    path = f"/queues/{queue['id']}/call-next"
    assert_problem(ann.post(path, key="a"), 409, "queue-empty")
    ann.add(queue)

    assert ann.post(path, key="a").status_code == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 101, "é".encode().decode("latin-1"), "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(ann: Caller, queue: dict, key: str) -> None:
    answer = ann.post(f"/queues/{queue['id']}/tickets", PARTY, key=key)

    assert_problem(answer, 400, "invalid-header", header="Idempotency-Key")
    assert numbers(ann, queue) == []


def test_an_answer_is_kept_for_a_day(ann: Caller, queue: dict, records: Records, clock: StillClock) -> None:
    ann.post(f"/queues/{queue['id']}/tickets", PARTY, key="a")

    def forget() -> int:
        return records.transaction(lambda tx: tx.receipts.delete_expired(tx.now, 10))

    clock.advance(timedelta(hours=23, minutes=59))
    assert forget() == 0
    clock.advance(timedelta(minutes=2))
    assert forget() == 1
