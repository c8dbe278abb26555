"""Accounts over the API: register, verify, log in, reset; tokens and who may come in."""

from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import replace
from datetime import timedelta
from threading import Event, Semaphore
from typing import Any, Literal

import jwt
import pytest
from argon2 import PasswordHasher
from limits.storage import RedisStorage
from sqlalchemy import create_engine

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.passwords import Passwords
from core.storage.account_store import SqlAccountStore
from core.storage.records import Records
from core.storage.redis_server import open_redis
from tests.clocks import StillClock
from tests.web.api.callers import PASSWORD, Caller, Mails, assert_problem
from tests.web.api.conftest import KEY, make_services
from web.application import create_app
from web.services import Services

ADA = {"email": "ada@example.com", "password": PASSWORD}


def test_from_registering_to_the_own_account(anybody: Caller, mails: Mails, clock: StillClock) -> None:
    registered = anybody.post("/accounts", ADA)
    assert (registered.status_code, registered.json) == (202, {"email": "ada@example.com"})
    [(to, _, text)] = mails.sent
    assert to == "ada@example.com"
    assert "https://queue.example/verify?token=" in text
    verified = anybody.post("/accounts/verify", {"token": mails.token()})
    assert verified.status_code == 201
    assert set(verified.json) == {"id", "email"}

    session = anybody.post("/login", ADA)

    assert session.status_code == 200
    assert set(session.json) == {"token", "type", "expires_at"}
    assert session.json["type"] == "Bearer"
    assert session.json["expires_at"] == (clock.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    anybody.token = session.json["token"]
    assert anybody.get("/accounts/me").json == verified.json


def test_nobody_learns_from_registering_who_has_an_account(anybody: Caller, ann: Caller, mails: Mails) -> None:
    known = anybody.post("/accounts", {"email": "ann@example.com", "password": PASSWORD})
    unknown = anybody.post("/accounts", {"email": "eve@example.com", "password": PASSWORD})

    assert known.status_code == unknown.status_code == 202
    assert {known.json["email"], unknown.json["email"]} == {to for to, _, _ in mails.sent}
    assert dict(known.headers).keys() == dict(unknown.headers).keys()


def test_a_reset_revokes_the_tokens_that_were_issued(anybody: Caller, ann: Caller, mails: Mails) -> None:
    asked = anybody.post("/accounts/reset", {"email": "ann@example.com"})
    assert (asked.status_code, asked.json) == (202, {"email": "ann@example.com"})
    assert ann.get("/accounts/me").status_code == 200

    done = anybody.post("/accounts/reset", {"token": mails.token(), "password": "a new password"})

    assert (done.status_code, done.json["email"]) == (200, "ann@example.com")
    assert_problem(ann.get("/accounts/me"), 401, "unauthorized")
    ann.log_in("ann@example.com", "a new password")
    assert ann.get("/accounts/me").status_code == 200


def test_asking_for_a_reset_tells_nobody_who_has_an_account(anybody: Caller, ann: Caller) -> None:
    answers = [anybody.post("/accounts/reset", {"email": f"{name}@example.com"}) for name in ("ann", "eve")]

    assert [answer.status_code for answer in answers] == [202, 202]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/accounts/verify", {"token": "x"}), ("/accounts/reset", {"token": "x", "password": PASSWORD})],
)
def test_a_token_that_never_was_is_refused(anybody: Caller, path: str, body: dict) -> None:
    assert_problem(anybody.post(path, body), 422, "invalid-token")


def test_an_account_by_invitation_is_not_registered(records: Records, mails: Mails) -> None:
    caller = Caller(create_app(make_services(records, mails, open_sign_up=False)))

    assert_problem(caller.post("/accounts", ADA), 403, "sign-up-closed")
    assert mails.sent == []


@pytest.mark.parametrize("body", [{"email": "ann@example.com", "password": "wrong"}, ADA])
def test_a_wrong_log_in_does_not_say_what_was_wrong(anybody: Caller, ann: Caller, body: dict) -> None:
    problem = assert_problem(anybody.post("/login", body), 401, "wrong-credentials")

    assert problem["detail"] == "The e-mail address or the password is wrong."


def forged(caller: Caller, **changes: Any) -> dict[str, Any]:
    claims = jwt.decode(caller.token or "", options={"verify_signature": False})
    return {name: value for name, value in (claims | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "key", "algorithm"),
    [
        ({}, "another key for tokens, just as long as ours", "HS256"),
        ({}, None, "none"),
        ({}, KEY + KEY, "HS384"),
        ({"aud": "another-service"}, KEY, "HS256"),
        ({"aud": None}, KEY, "HS256"),
        ({"exp": None}, KEY, "HS256"),
        ({"exp": 1}, KEY, "HS256"),
        ({"session": 2}, KEY, "HS256"),
        ({"session": None}, KEY, "HS256"),
        ({"sub": "nobody"}, KEY, "HS256"),
    ],
)
def test_a_token_that_was_not_issued_like_this_opens_nothing(
    ann: Caller, changes: dict, key: Any, algorithm: str
) -> None:
    ann.token = jwt.encode(forged(ann, **changes), key, algorithm)

    answer = ann.get("/accounts/me")

    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_the_same_claims_signed_as_we_do_open_the_account(ann: Caller) -> None:
    ann.token = jwt.encode(forged(ann), KEY, "HS256")

    assert ann.get("/accounts/me").status_code == 200


def test_a_token_ends_after_an_hour(ann: Caller, clock: StillClock) -> None:
    clock.advance(timedelta(minutes=59, seconds=59))
    assert ann.get("/accounts/me").status_code == 200
    clock.advance(timedelta(seconds=1))

    assert_problem(ann.get("/accounts/me"), 401, "unauthorized")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic YW5uOng=", "Bearer a b", "Bearer é".encode().decode("latin-1")]
)
def test_a_header_of_another_kind_opens_nothing(anybody: Caller, header: str) -> None:
    assert_problem(anybody.get("/venues", headers={"Authorization": header}), 401, "unauthorized")


def test_a_cookie_opens_nothing(ann: Caller, anybody: Caller) -> None:
    for name in ("session", "queue_manager", "token", "Authorization"):
        anybody.client.set_cookie(name, ann.token or "")

    answer = anybody.get("/venues")

    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_ten_wrong_passwords_close_the_account_to_whoever_sent_them(anybody: Caller, ann: Caller) -> None:
    wrong = {"email": "ann@example.com", "password": "wrong password"}
    for _ in range(10):
        assert_problem(anybody.post("/login", wrong), 401, "wrong-credentials")

    for password in ("wrong password", PASSWORD):
        answer = anybody.post("/login", {"email": "Ann@example.com", "password": password})
        assert_problem(answer, 429, "too-many-tries")
        assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert ann.get("/accounts/me").status_code == 200
    right = {"email": "ann@example.com", "password": PASSWORD}
    elsewhere = anybody.post("/login", right, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200


def test_a_hundred_wrong_passwords_close_the_account_to_all(anybody: Caller, ann: Caller) -> None:
    for n in range(100):
        wrong = {"email": "ann@example.com", "password": "wrong password"}
        answer = anybody.post("/login", wrong, environ_base={"REMOTE_ADDR": f"192.0.2.{n % 20}"})
        assert_problem(answer, 401, "wrong-credentials")

    right = {"email": "ann@example.com", "password": PASSWORD}
    answer = anybody.post("/login", right, environ_base={"REMOTE_ADDR": "198.51.100.1"})
    assert_problem(answer, 429, "too-many-tries")


def test_the_port_that_a_proxy_writes_behind_an_address_is_no_part_of_it(anybody: Caller, ann: Caller) -> None:
    wrong = {"email": "ann@example.com", "password": "wrong password"}
    for port in range(10):
        anybody.post("/login", wrong, environ_base={"REMOTE_ADDR": f"192.0.2.7:{2000 + port}"})

    answer = anybody.post("/login", wrong, environ_base={"REMOTE_ADDR": "192.0.2.7:3000"})
    assert_problem(answer, 429, "too-many-tries")


def test_links_that_are_worth_nothing_close_the_door_to_verify_too(anybody: Caller) -> None:
    for _ in range(20):
        assert_problem(anybody.post("/accounts/verify", {"token": "a guess"}), 422, "invalid-token")

    assert_problem(anybody.post("/accounts/verify", {"token": "a guess"}), 429, "too-many-tries")


def test_a_log_in_that_could_not_be_judged_counts_for_nothing(services: Services) -> None:
    away = Records(create_engine("sqlite:////nowhere/at/all.db"), services.clock)
    caller = Caller(create_app(replace(services, accounts=AccountService(SqlAccountStore(away), no_mail, "x"))))
    guess = {"email": "ann@example.com", "password": "a guess"}

    for _ in range(101):
        assert_problem(caller.post("/login", guess), 503, "record-unavailable")


def test_a_hundred_links_close_the_door_to_an_address(anybody: Caller, ann: Caller, mails: Mails) -> None:
    anybody.post("/accounts/reset", {"email": "ann@example.com"})
    right = {"token": mails.token(), "password": "a new password"}
    for _ in range(100):
        assert anybody.post("/accounts/reset", right).status_code == 200

    assert_problem(anybody.post("/accounts/reset", right), 429, "too-many-tries")


def test_fifty_wrong_passwords_close_the_door_to_an_address(anybody: Caller, ann: Caller) -> None:
    for n in range(50):
        assert anybody.post("/login", {"email": f"a{n}@example.com", "password": "x"}).status_code == 401

    right = {"email": "ann@example.com", "password": PASSWORD}
    assert_problem(anybody.post("/login", right), 429, "too-many-tries")
    elsewhere = anybody.post("/login", right, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200


@pytest.mark.parametrize(
    ("addresses", "one_client"),
    [
        (["2001:db8::1", "2001:db8::ffff:0:1"], True),
        (["2001:db8:0:1::1", "2001:db8:0:2::1"], False),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.2"], False),
        (["unknown", "unknown"], True),
    ],
)
def test_the_addresses_of_one_household_count_as_one(anybody: Caller, addresses: list[str], one_client: bool) -> None:
    for n in range(50):
        wrong = {"email": f"a{n}@example.com", "password": "x"}
        assert anybody.post("/login", wrong, environ_base={"REMOTE_ADDR": addresses[0]}).status_code == 401

    more = anybody.post("/login", ADA, environ_base={"REMOTE_ADDR": addresses[1]})

    assert more.status_code == (429 if one_client else 401)


def test_links_are_not_guessed_for_long(anybody: Caller, ann: Caller, mails: Mails) -> None:
    anybody.post("/accounts/reset", {"email": "ann@example.com"})
    guess = {"token": "a guess", "password": "a new password"}
    for _ in range(20):
        assert_problem(anybody.post("/accounts/reset", guess), 422, "invalid-token")

    assert_problem(anybody.post("/accounts/reset", guess), 429, "too-many-tries")
    right = {"token": mails.token(), "password": "a new password"}
    assert anybody.post("/accounts/reset", right, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200


def test_logging_in_rightly_is_not_soon_too_often(ann: Caller) -> None:
    for _ in range(99):
        ann.log_in("ann@example.com")

    right = {"email": "ann@example.com", "password": PASSWORD}
    elsewhere = ann.post("/login", right, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert_problem(elsewhere, 429, "too-many-tries")


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class HeldHasher(PasswordHasher):
    """Compares no password before it is let go."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.let_go = Event()

    def verify(self, *compared: str | bytes) -> Literal[True]:
        assert self.let_go.wait(10)
        return super().verify(*compared)


def test_one_address_has_few_passwords_compared_at_once(services: Services, records: Records, mails: Mails) -> None:
    hasher = HeldHasher()
    accounts = AccountService(SqlAccountStore(records), mails, "https://queue.example", passwords=Passwords(hasher))
    accounts.add("ann@example.com", PASSWORD)
    app = create_app(replace(services, accounts=accounts))
    right = {"email": "ann@example.com", "password": PASSWORD}

    with ThreadPoolExecutor(13) as pool:

        def ask(address: str) -> Future[Any]:
            return pool.submit(Caller(app).post, "/login", right, environ_base={"REMOTE_ADDR": address})

        asked = [ask("192.0.2.7") for _ in range(12)]
        for _, more in zip(range(9), as_completed(asked), strict=False):
            assert_problem(more.result(), 503, "too-busy")
        elsewhere = ask("192.0.2.8")
        # Refused, it would be done at once.
        assert not wait([elsewhere], timeout=0.5).done
        hasher.let_go.set()
        assert sorted(one.result().status_code for one in asked) == [200] * 3 + [503] * 9
        assert elsewhere.result().status_code == 200
        assert ask("192.0.2.7").result().status_code == 200


def test_all_addresses_together_leave_threads_to_the_line(services: Services, records: Records, mails: Mails) -> None:
    hasher = HeldHasher()
    accounts = AccountService(SqlAccountStore(records), mails, "https://queue.example", passwords=Passwords(hasher))
    app = create_app(replace(services, accounts=accounts))
    wrong = {"email": "ann@example.com", "password": "wrong password"}

    with ThreadPoolExecutor(12) as pool:
        asked = [
            pool.submit(Caller(app).post, "/login", wrong, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})
            for n in range(12)
        ]
        for _, more in zip(range(6), as_completed(asked), strict=False):
            assert_problem(more.result(), 503, "too-busy")
            assert more.result().headers["Retry-After"] == "3"
        hasher.let_go.set()
        assert sorted(one.result().status_code for one in asked) == [401] * 6 + [503] * 6


def test_a_mail_server_that_takes_its_time_keeps_nobody_from_logging_in(services: Services, records: Records) -> None:
    let_go, under_way = Event(), Semaphore(0)

    def send(*_: str) -> None:
        under_way.release()
        assert let_go.wait(10)

    accounts = AccountService(SqlAccountStore(records), send, "https://queue.example", passwords=Passwords(QUICK))
    accounts.add("ann@example.com", PASSWORD)
    app = create_app(replace(services, accounts=accounts))

    with ThreadPoolExecutor(5) as pool:
        asked = [
            pool.submit(Caller(app).post, "/accounts", ADA, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})
            for n in range(5)
        ]
        for _ in range(3):
            assert under_way.acquire(timeout=10)
        Caller(app).log_in("ann@example.com")
        let_go.set()
        assert sorted(one.result().status_code for one in asked) == [202] * 3 + [503] * 2


@pytest.mark.parametrize("path", ["/accounts", "/accounts/reset"])
def test_nobodys_letter_box_is_flooded(anybody: Caller, mails: Mails, path: str) -> None:
    body = ADA if path == "/accounts" else {"email": ADA["email"]}
    for _ in range(5):
        assert anybody.post(path, body).status_code == 202

    assert_problem(anybody.post(path, body), 429, "too-many-tries")
    assert len(mails.sent) == 5
    elsewhere = anybody.post(path, body, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 202
    for n in range(15):
        assert anybody.post(path, body | {"email": f"a{n}@example.com"}).status_code == 202
    assert_problem(anybody.post(path, body | {"email": "b@example.com"}), 429, "too-many-tries")


@pytest.mark.parametrize("wrong", [{"password": "short"}, {"email": "no address"}])
def test_what_mails_nothing_counts_for_nothing(anybody: Caller, wrong: dict) -> None:
    for _ in range(21):
        assert anybody.post("/accounts", ADA | wrong).status_code == 422

    assert anybody.post("/accounts", ADA).status_code == 202


def test_limits_are_shared_through_redis_and_kept_in_memory_while_it_is_away(services: Services, valkey: Any) -> None:
    redis = open_redis(valkey.url)
    counter = RedisStorage(valkey.url, wrap_exceptions=True, connection_pool=redis.connection_pool)
    shared = replace(services, rate_limits=counter)
    callers = [Caller(create_app(shared)) for _ in range(2)]
    wrong = {"email": "ann@example.com", "password": "wrong password"}
    for n in range(10):
        assert callers[n % 2].post("/login", wrong).status_code == 401
    assert_problem(callers[0].post("/login", wrong), 429, "too-many-tries")

    valkey.kill()
    for _ in range(10):
        assert callers[0].post("/login", wrong).status_code == 401
    assert_problem(callers[0].post("/login", wrong), 429, "too-many-tries")


def test_tokens_are_kept_under_no_key(anybody: Caller, ann: Caller, records: Records) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD}

    assert all(anybody.post("/login", body, key="once").status_code == 200 for _ in range(2))

    with records.reading() as tx:
        assert tx.receipts.find("", "once") is None
        assert tx.connection.exec_driver_sql("SELECT COUNT(*) FROM receipts").scalar() == 0
