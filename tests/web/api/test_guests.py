"""What the guest's page asks for, by a token that nobody can guess."""

from typing import Any

import pytest
from sqlalchemy import Engine

from core.storage.records import Records
from core.storage.redis_server import open_redis
from core.storage.view import Positions, PositionView, ViewUpdate
from tests.web.api.callers import PASSWORD, Caller, Mails, assert_problem
from tests.web.api.conftest import make_services
from web.application import create_app


def token_of(ticket: dict[str, Any]) -> str:
    return ticket["guest_url"].rpartition("/")[2]


@pytest.fixture
def queue(ann: Caller) -> dict[str, Any]:
    return ann.new_queue(text="A long night", called_message="Come in")


def test_a_guest_sees_the_place_and_the_queues_texts(ann: Caller, anybody: Caller, queue: dict) -> None:
    ann.add(queue)
    ticket = ann.add(queue, guest_name="Bia", phone="+15550100002", note="grumpy")

    seen = anybody.get(f"/guest/tickets/{token_of(ticket)}")

    assert seen.status_code == 200
    assert seen.json == {
        "number": 2,
        "guest_name": "Bia",
        "party_size": 2,
        "state": "waiting",
        "position": 2,
        "joined_at": ticket["joined_at"],
        "called_at": None,
        "estimate": None,
        "queue": {
            "name": "Tables",
            "venue_name": "Fuchsbau",
            "text": "A long night",
            "called_message": "Come in",
            "state": "open",
        },
        "guest_url": ticket["guest_url"],
    }
    for hidden in ("grumpy", "0100002", ticket["id"]):
        assert hidden not in seen.text
    assert seen.headers["Cache-Control"] == "private, no-store"


def test_a_guest_leaves_once(ann: Caller, anybody: Caller, queue: dict) -> None:
    ticket = ann.add(queue)
    path = f"/guest/tickets/{token_of(ticket)}/leave"

    left = anybody.post(path)

    assert (left.status_code, left.json["state"], left.json["position"]) == (200, "left", None)
    assert_problem(anybody.post(path), 409, "wrong-state", state="left", action="leave")
    [_, event] = ann.get(f"/tickets/{ticket['id']}/history").json["items"]
    assert (event["kind"], event["by"]) == ("left", {"kind": "guest", "account_id": None})


def test_a_token_is_not_guessed(ann: Caller, anybody: Caller, queue: dict) -> None:
    ticket = ann.add(queue)
    token = token_of(ticket)

    for wrong in (ticket["id"], token.swapcase(), token[:-1], "x" * 500, "%00", "é"):
        assert_problem(anybody.get(f"/guest/tickets/{wrong}"), 404, "not-found")
        assert_problem(anybody.post(f"/guest/tickets/{wrong}/leave"), 404, "not-found")


def test_a_page_is_sent_again_only_when_it_changed(ann: Caller, anybody: Caller, queue: dict) -> None:
    first, second = ann.add(queue), ann.add(queue)
    path = f"/guest/tickets/{token_of(second)}"
    shown = anybody.get(path)

    def again() -> Any:
        return anybody.get(path, headers={"If-None-Match": shown.headers["ETag"]})

    assert again().status_code == 304
    ann.post(f"/tickets/{first['id']}/call")
    assert (again().status_code, again().json["position"]) == (200, 1)


def test_a_position_from_the_view_that_is_behind_is_not_kept_for_good(
    records: Records, mails: Mails, valkey: Any
) -> None:
    with open_redis(valkey.url) as redis:
        view = PositionView(redis)
        positions = Positions(records, view)
        services = make_services(records, mails, positions)
        services.accounts.add("ann@example.com", PASSWORD)
        caller = Caller(create_app(services))
        caller.log_in("ann@example.com")
        queue = caller.new_queue()
        caller.add(queue)
        path = f"/guest/tickets/{token_of(caller.add(queue))}"
        assert caller.get(path).json["position"] == 2

        # These records do not tell the view of their changes, as a process that dies after its commit would.
        caller.call_next(queue)
        behind = caller.get(path)
        assert behind.json["position"] == 2, "the view was told after all, so this test shows nothing"
        view.forget_all()

        late = caller.get(path, headers={"If-None-Match": behind.headers["ETag"]})
        assert (late.status_code, late.json["position"]) == (200, 1)


def test_the_view_is_asked_for_the_position(engine: Engine, records: Records, valkey: Any, mails: Mails) -> None:
    with open_redis(valkey.url) as redis:
        view = PositionView(redis)
        followed = Records(engine, records.clock, [ViewUpdate(view)])
        mine = make_services(followed, mails, Positions(followed, view))
        mine.accounts.add("ann@example.com", PASSWORD)
        caller = Caller(create_app(mine))
        caller.log_in("ann@example.com")
        queue = caller.new_queue()
        paths = [f"/guest/tickets/{token_of(caller.add(queue))}" for _ in range(3)]
        assert [caller.get(path).json["position"] for path in paths] == [1, 2, 3]

        caller.call_next(queue)

        assert [caller.get(path).json["position"] for path in paths] == [None, 1, 2]
