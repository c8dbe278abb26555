"""Whatever goes wrong, the API says what in one shape."""

import inspect
from dataclasses import replace
from typing import Any

import pytest

from core import accounts, errors, venues, walk_ins
from core.accounts import AccountService
from core.errors import Refusal
from core.storage.accounts import Account
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from core.venues import LANGUAGES
from tests.dynamodb import Between, dynamodb_at, error
from tests.servers import free_port
from tests.web.api.callers import PASSWORD, Caller, Mails, assert_problem
from tests.web.api.conftest import KEY, make_services
from web import limits, tokens
from web.application import create_app
from web.causes import CAUSES, REASONS, say
from web.languages import translated
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
    ]
    queue = ann.new_queue(name=names[0], text="\n".join(names))

    tickets = [ann.add(queue, guest_name=name, note=f"{name}\u2028") for name in names]

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


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "Could not connect to the endpoint URL"),
        (error("AccessDeniedException", "User: … is not authorized"), "(AccessDeniedException)"),
        (error("ResourceNotFoundException", "Requested resource not found"), "(ResourceNotFoundException)"),
    ],
    ids=["away", "not allowed", "no table"],
)
def test_accounts_that_are_away_are_said_to_be_and_the_log_says_why(
    records: Records, clock: Any, mails: Mails, caplog: pytest.LogCaptureFixture, said: Any, why: str
) -> None:
    services = make_services(records, mails)
    with Between().serving() as between:
        between.says = {operation: [(400, said)] * 9 for operation in ("GetItem", "Query")}
        url = f"http://127.0.0.1:{free_port()}" if said is None else between.url
        store = DynamoAccountStore("customer", "pre-customer", clock, dynamodb_at(url))
        caller = Caller(create_app(replace(services, accounts=AccountService(store, mails, "https://queue.example"))))
        asked = [
            caller.post("/login", {"email": "ann@example.com", "password": PASSWORD}),
            caller.post("/accounts/verify", {"token": "x"}),
            caller.post("/accounts/reset", {"token": "x", "password": PASSWORD}, key="k"),
        ]
        caller.token, _ = tokens.issue(Account("a1", "ann@example.com", "a hash", 1, clock()), KEY, clock())
        asked.append(caller.get("/venues"))

    for answer in asked:
        assert_problem(answer, 503, "record-unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert why not in answer.text
    # The operator reads why.
    assert caplog.text.count(why) == len(asked)


def test_a_mail_server_that_is_away_is_said_to_be(records: Records) -> None:
    def refuse(to: str, subject: str, text: str) -> None:
        raise TimeoutError

    mails: Any = refuse
    caller = Caller(create_app(make_services(records, mails)))

    answer = caller.post("/accounts", {"email": "ann@example.com", "password": PASSWORD})

    assert_problem(answer, 503, "mail-unavailable")


@pytest.mark.parametrize(
    ("wished", "language", "detail"),
    [
        (None, "en", "The e-mail address or the password is wrong."),
        ("pt-PT, en;q=0.5", "pt-BR", "O e-mail ou a senha está errado."),
        ("de, en;q=0.2, es-MX;q=0.9", "es", "El correo electrónico o la contraseña no es correcto."),
        ("de-CH", "en", "The e-mail address or the password is wrong."),
        ("*;q=x, \xff", "en", "The e-mail address or the password is wrong."),
    ],
)
def test_a_problem_speaks_the_clients_language(anybody: Caller, wished: str | None, language: str, detail: str) -> None:
    headers = {} if wished is None else {"Accept-Language": wished}
    answer = anybody.post("/login", {"email": "ann@example.com", "password": PASSWORD}, headers=headers)

    assert assert_problem(answer, 401, "wrong-credentials")["detail"] == detail
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"


def test_each_value_that_cant_be_used_is_explained_in_the_clients_language(ann: Caller) -> None:
    queue = ann.new_queue()
    wrong = {"guest_name": 1, "party_size": 0, "email": "x", "phone": "5" * 31, "who": "Ana"}

    answer = ann.post(f"/queues/{queue['id']}/tickets", wrong, headers={"Accept-Language": "pt"})

    problem = assert_problem(answer, 422, "invalid-values", title="Valores inválidos", count=5)
    assert problem["detail"] == "5 valores não podem ser usados. A lista errors diz quais e por quê."
    assert {fault["pointer"]: fault["detail"] for fault in problem["errors"]} == {
        "#/guest_name": "deve ser um texto",
        "#/party_size": "deve ser 1 ou mais",
        "#/phone": "deve ter no máximo 30 caracteres",
        "#/email": "ainda não está disponível; deixe de fora",
        "#/who": "não é conhecido aqui",
    }


def test_a_refusal_of_the_service_is_in_the_clients_language(ann: Caller) -> None:
    tickets = f"/queues/{ann.new_queue()['id']}/tickets"
    spanish = {"Accept-Language": "es"}
    guest = {"guest_name": "Ana", "party_size": 2}

    foreign = ann.post(tickets, guest | {"phone": "+4930901820"}, headers=spanish)
    unreadable = ann.post(tickets, guest | {"phone": "12"}, headers=spanish)
    unknown = ann.get("/queues?x", headers=spanish)

    assert foreign.json["detail"].endswith("mensajes a: Estados Unidos. El país de este número es: Alemania.")
    assert foreign.json["countries"] == ["US"]
    assert unreadable.json["detail"].startswith("Un valor no se puede usar: 12 no es un número de teléfono;")
    assert unknown.json["title"] == "No encontrado"


# What the sentences of all causes and reasons name.
NAMED = {
    "action": "recall",
    "allowed": ["en", "es"],
    "at_least": 1,
    "at_most": 5,
    "capacity": 3,
    "column": 2,
    "count": 2,
    "countries": ["BR"],
    "country": "US",
    "grace_minutes": 5,
    "header": "X-Header",
    "join_code": "DEMO",
    "largest_party": 8,
    "texts": 60,
    "line": 1,
    "method": "PUT",
    "nearest": "America/Sao_Paulo",
    "number": "A1",
    "phone_number": "+15550100001",
    "position": 4,
    "queue": "Tables",
    "retry_after": 5,
    "seats": 2,
    "sentence": "The header Authorization must be: Bearer <token>.",
    "state": "served",
    "subject": "x",
    "what": "queue",
}


@pytest.mark.parametrize(
    "others", [{}, dict.fromkeys(("what", "position", "seats", "country", "nearest")) | {"count": 1}]
)
def test_every_cause_and_reason_is_said_in_every_language(others: dict[str, Any]) -> None:
    details = NAMED | others
    for sentence in (*(cause.detail for cause in CAUSES.values()), *REASONS.values()):
        said = {say(sentence, details, language) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES), said
    for cause in CAUSES.values():
        assert len({translated(cause.title, language) for language in LANGUAGES}) > 1, cause.title


def test_every_refusal_has_its_cause() -> None:
    refusals = {
        kind.code
        for module in (errors, accounts, venues, walk_ins, limits)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Refusal) and kind is not Refusal
    }

    # These meet the operator's own command, and a page, and no request of the API.
    assert refusals - CAUSES.keys() == {"email-taken", "acted-since"}


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
