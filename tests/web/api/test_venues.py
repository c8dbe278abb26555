"""Venues and queues over the API."""

from datetime import timedelta
from typing import Any

import pytest

from tests.clocks import StillClock
from tests.web.api.callers import VENUE, Caller, assert_problem, made


def test_a_venue_is_made_shown_changed_and_listed(ann: Caller) -> None:
    venue = made(ann.post("/venues", VENUE))

    assert venue == VENUE | {
        "id": venue["id"],
        "language": "en",
        "day_starts_at": "06:00",
        "retention_days": 30,
    }
    assert ann.get(f"/venues/{venue['id']}").json == venue
    changed = ann.patch(f"/venues/{venue['id']}", {"name": "Dachsbau", "language": "pt_BR"})
    assert changed.json == venue | {"name": "Dachsbau", "language": "pt-BR"}
    assert ann.get("/venues").json == {"items": [changed.json], "next": None}


def test_a_queue_is_made_shown_changed_and_listed(ann: Caller) -> None:
    venue = ann.new_venue()
    queue = made(ann.post(f"/venues/{venue['id']}/queues", {"name": "Tables", "join_code": "fox"}))

    assert queue == {
        "id": queue["id"],
        "venue_id": venue["id"],
        "name": "Tables",
        "join_code": "FOX",
        "text": "",
        "called_message": "",
        "state": "open",
        "waiting": 0,
        "capacity": None,
        "largest_party": None,
        "almost_there_at": 3,
        "no_show_minutes": 10,
        "grace_minutes": 15,
    }
    assert ann.get(f"/queues/{queue['id']}").json == queue
    settings = {"text": "A long night", "state": "paused", "capacity": 20, "no_show_minutes": None}
    changed = ann.patch(f"/queues/{queue['id']}", settings)
    assert (changed.status_code, changed.json) == (200, queue | settings)
    assert ann.patch(f"/queues/{queue['id']}", {}).json == changed.json
    assert ann.get(f"/venues/{venue['id']}/queues").json == {"items": [changed.json], "next": None}


def test_a_queue_may_be_made_with_everything_set(ann: Caller) -> None:
    settings: dict[str, Any] = {
        "name": "Terrace",
        "join_code": "SUN",
        "text": "☀️",
        "called_message": "Come out",
        "state": "closed",
        "capacity": 5,
        "largest_party": 4,
        "almost_there_at": 0,
        "no_show_minutes": None,
        "grace_minutes": 0,
    }

    assert settings.items() <= ann.new_queue(**settings).items()


def test_lists_come_page_by_page(ann: Caller, clock: StillClock) -> None:
    venue, names = ann.new_venue(), []
    for n in range(5):
        clock.advance(timedelta(seconds=1))
        names.append(ann.new_queue(venue, name=f"Queue {n}")["name"])

    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = ann.get(f"/venues/{venue['id']}/queues", query_string={"limit": 2, **more}).json
        found += [queue["name"] for queue in page["items"]]
        cursor, pages = page["next"], pages + 1

    assert (found, pages) == (names, 3)


def test_what_belongs_to_others_is_not_there(ann: Caller, bob: Caller) -> None:
    queue = ann.new_queue()
    venue = f"/venues/{queue['venue_id']}"
    ticket = f"/tickets/{ann.add(queue)['id']}"
    line = f"/queues/{queue['id']}"

    for method, path, body in (
        ("GET", venue, None),
        ("PATCH", venue, {"name": "Mine"}),
        ("GET", f"{venue}/queues", None),
        ("POST", f"{venue}/queues", {"name": "Mine"}),
        ("GET", line, None),
        ("PATCH", line, {"name": "Mine"}),
        ("PATCH", line, {"state": "closed"}),
        ("POST", f"{line}/close", {"waiting": "remove"}),
        ("GET", f"{line}/tickets", None),
        ("POST", f"{line}/tickets", {"guest_name": "Eve", "party_size": 1}),
        ("POST", f"{line}/call-next", None),
        ("POST", f"{line}/undo", None),
        ("GET", ticket, None),
        ("PATCH", ticket, {"note": "Mine"}),
        ("GET", f"{ticket}/history", None),
        ("POST", f"{ticket}/move", {"position": 1}),
        *(("POST", f"{ticket}/{step}", None) for step in ("call", "recall", "serve", "no-show", "come-back")),
        *(("POST", f"{ticket}/{step}", None) for step in ("put-back", "remove")),
    ):
        assert_problem(bob.call(method, path, body), 404, "not-found")
    assert bob.get("/venues").json == {"items": [], "next": None}
    assert ann.get(line).json == queue | {"waiting": 1}


@pytest.mark.parametrize(
    ("settings", "pointer", "detail"),
    [
        ({"time_zone": "America/New_Yorck"}, "#/time_zone", "did you mean America/New_York?"),
        ({"phone_number": "12345"}, "#/phone_number", "is not a phone number"),
        ({"language": "fr"}, "#/language", "must be one of: 'en', 'pt-BR', 'pt_BR', 'pt', 'es'"),
        ({"day_starts_at": "25:00"}, "#/day_starts_at", "must match "),
        ({"name": " "}, "#/name", "must be one line with something to read on it"),
        ({"name": "a\nb"}, "#/name", "must be one line with something to read on it"),
        ({"name": "x" * 101}, "#/name", "must have at most 100 characters"),
        ({"name": None}, "#/name", "must be text"),
        ({"retention_days": 0}, "#/retention_days", "must be 1 or more"),
        ({"retention_days": "30"}, "#/retention_days", "must be a whole number"),
        ({"retention_days": True}, "#/retention_days", "must be a whole number"),
        ({"owner/id~": 1}, "#/owner~1id~0", "is not known here"),
    ],
)
def test_what_cannot_be_is_pointed_at(ann: Caller, settings: dict, pointer: str, detail: str) -> None:
    venue = ann.new_venue()

    for answer in (ann.post("/venues", VENUE | settings), ann.patch(f"/venues/{venue['id']}", settings)):
        code = answer.json["type"].rpartition("/")[2]
        [fault] = assert_problem(answer, 422, code)["errors"]
        assert code in ("invalid-value", "invalid-values")
        assert fault["pointer"] == pointer
        assert detail in fault["detail"]
    assert ann.get("/venues").json["items"] == [venue]


def test_every_value_that_cannot_be_is_pointed_at(ann: Caller) -> None:
    problem = assert_problem(ann.post("/venues", {"language": "fr"}), 422, "invalid-values")

    assert [fault["pointer"] for fault in problem["errors"]] == ["#/name", "#/time_zone", "#/language"]
    assert problem["errors"][0]["detail"] == "is missing"
    assert problem["detail"].startswith("3 values can't be used.")


def test_anothers_number_and_code_are_taken(ann: Caller, bob: Caller) -> None:
    ann.new_queue(join_code="FOX")
    bobs = bob.new_queue(bob.new_venue(phone_number=None))

    for answer in (
        bob.post("/venues", VENUE),
        bob.patch(f"/venues/{bobs['venue_id']}", {"phone_number": "+15550100001"}),
    ):
        assert_problem(answer, 409, "number-taken", phone_number="+15550100001")
    for answer in (
        bob.post(f"/venues/{bobs['venue_id']}/queues", {"name": "Mine", "join_code": "fox"}),
        bob.patch(f"/queues/{bobs['id']}", {"join_code": "fox"}),
    ):
        assert_problem(answer, 409, "join-code-taken", join_code="FOX")


def test_a_closed_queue_keeps_or_removes_who_waits(ann: Caller) -> None:
    queue = ann.new_queue()
    ticket = ann.add(queue)

    kept = ann.post(f"/queues/{queue['id']}/close", {"waiting": "keep"})
    assert (kept.status_code, kept.json) == (200, queue | {"state": "closed", "waiting": 1})
    refused = ann.post(f"/queues/{queue['id']}/tickets", {"guest_name": "Eve", "party_size": 1})
    assert_problem(refused, 409, "queue-closed", queue="Tables")
    removed = ann.post(f"/queues/{queue['id']}/close", {"waiting": "remove"})
    assert removed.json["waiting"] == 0
    assert ann.get(f"/tickets/{ticket['id']}").json["state"] == "removed"


def test_a_queue_is_sent_again_only_when_it_changed(ann: Caller) -> None:
    path = f"/queues/{ann.new_queue()['id']}"
    first = ann.get(path)

    def again() -> Any:
        return ann.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again().status_code, again().data) == (304, b"")
    ann.patch(path, {"text": "Soon"})
    assert again().json["text"] == "Soon"
