"""No route of the pages or the API lets anybody at a line that is not theirs, nor acts on a form of another site."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, MetaData, select
from werkzeug.routing import Rule

from tests.web.pages.bar import Bar, Visitor

OF_STAFF = {"venue_id", "queue_id", "ticket_id"}
PASSWORD = "another horse battery"
# What some route takes, to each its own.
BODIES: tuple[dict[str, object], ...] = (
    {},
    {"name": "Mine"},
    {"guest_name": "Eve", "party_size": 1},
    {"waiting": "remove"},
    {"state": "paused"},
    {"position": 1},
    {"seats": 4},
    {"name": "Mine", "time_zone": "UTC", "language": "en"},
)


@pytest.fixture
def ids(bar: Bar) -> dict[str, str]:
    """What Ann's routes are made of: a guest who is called and one who waits stand in her line."""
    bar.join("Ana", channel="sms")
    bar.join("Bobby")
    ticket = bar.call_next()
    return {"venue_id": bar.venue_id, "queue_id": bar.queue_id, "ticket_id": ticket.id, "step": "serve"}


def routes(bar: Bar, ids: dict[str, str]) -> Iterator[tuple[Rule, str, str]]:
    """Each route that names something of Ann's, with its method and path."""
    for rule in bar.app.url_map.iter_rules():
        if rule.arguments & OF_STAFF:
            built = rule.build({name: ids[name] for name in rule.arguments})
            assert built is not None
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, built[1]


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All that stands in the database."""
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        return {table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables.sorted_tables}


def test_a_strangers_token_opens_no_route_and_changes_nothing(bar: Bar, engine: Engine, ids: dict[str, str]) -> None:
    bar.services.accounts.add("bob@example.com", PASSWORD)
    client = bar.app.test_client()
    token = client.post("/api/v1/login", json={"email": "bob@example.com", "password": PASSWORD}).json["token"]  # type: ignore[index]
    before = everything(engine)

    answers = {
        (method, path): [
            client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {token}"}).status_code
            for body in BODIES
        ]
        for rule, method, path in routes(bar, ids)
        if rule.rule.startswith("/api/")
    }

    assert len(answers) > 15
    assert {code for codes in answers.values() for code in codes} <= {404, 422}
    assert [route for route, codes in answers.items() if 404 not in codes] == []
    assert everything(engine) == before


def test_a_strangers_session_opens_no_page_and_changes_nothing(bar: Bar, engine: Engine, ids: dict[str, str]) -> None:
    bar.services.accounts.add("bob@example.com", PASSWORD)
    bob = Visitor(bar)
    bob.log_in("bob@example.com", PASSWORD)
    bob.get("/venues/new")
    token = bob.form("/venues/new").values["csrf_token"]
    before = everything(engine)

    for rule, method, path in routes(bar, ids):
        if rule.rule.startswith("/api/"):
            continue
        for body in BODIES:
            form = {name: str(value) for name, value in body.items()} | {"csrf_token": token}
            # An action that was refused leads back to the board, which is not there either.
            answer = bob.get(path) if method == "GET" else bob.send(path, form)
            assert answer.status_code == 404, (method, path)

    assert everything(engine) == before


def test_a_form_without_its_token_changes_nothing(bar: Bar, engine: Engine, ids: dict[str, str], ann: Visitor) -> None:
    before = everything(engine)

    for rule, method, path in routes(bar, ids):
        if method == "POST" and not rule.rule.startswith("/api/"):
            for body in BODIES:
                answer = ann.send(path, {name: str(value) for name, value in body.items()})
                assert "This page was too old, so nothing was changed." in answer.text, path

    assert everything(engine) == before
