"""The line over the API: walk-ins, who is next, and what staff do with a ticket."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from core.model import ContactAddress
from core.storage.records import Transaction
from tests.clocks import StillClock
from tests.web.api.callers import Caller, assert_problem
from web.services import Services


@pytest.fixture
def queue(ann: Caller) -> dict[str, Any]:
    return ann.new_queue(largest_party=8, capacity=30)


def line(caller: Caller, queue: dict[str, Any], **query: Any) -> Any:
    answer = caller.get(f"/queues/{queue['id']}/tickets", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def step(caller: Caller, ticket: dict[str, Any], action: str, body: Any = None) -> Any:
    return caller.post(f"/tickets/{ticket['id']}/{action}", body)


def test_a_walk_ins_ticket_says_all_that_staff_need(ann: Caller, queue: dict, clock: StillClock) -> None:
    ticket = ann.add(queue, guest_name="João 😀", party_size=4, note="by the window")

    assert ticket == {
        "id": ticket["id"],
        "number": 1,
        "queue_id": queue["id"],
        "guest_name": "João 😀",
        "party_size": 4,
        "channel": None,
        "state": "waiting",
        "position": 1,
        "joined_at": clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "called_at": None,
        "estimate": None,
        "note": "by the window",
        "reachable": False,
        "last_notice": None,
        "guest_url": ticket["guest_url"],
    }
    assert ticket["guest_url"].startswith("https://queue.example/t/")
    assert ann.get(f"/tickets/{ticket['id']}").json == ticket
    assert line(ann, queue) == {"items": [ticket], "next": None}


def test_a_walk_in_with_a_phone_is_reached_by_text(ann: Caller, queue: dict) -> None:
    ticket = ann.add(queue, phone="555 010 0002")

    assert (ticket["channel"], ticket["reachable"]) == ("sms", True)
    again = ann.post(f"/queues/{queue['id']}/tickets", {"guest_name": "A", "party_size": 1, "phone": "+15550100002"})
    assert_problem(again, 409, "already-in-line", position=1, ticket_id=ticket["id"], number=1)


@pytest.mark.parametrize(
    ("party", "status", "code", "detail"),
    [
        ({"party_size": 9}, 422, "party-too-large", "up to 8"),
        ({"party_size": 0}, 422, "invalid-values", "errors"),
        ({"party_size": "two"}, 422, "invalid-values", "errors"),
        ({"party_size": 2.5}, 422, "invalid-values", "errors"),
        ({"party_size": None}, 422, "invalid-values", "errors"),
        *(
            ({"guest_name": unseen}, 422, "invalid-values", "errors")
            for unseen in ("", " ", "\u200b", "\u200d", "\u3164", "\u0301", "Ana\nBo", "Ana\u2028Bo")
        ),
        ({"note": "\x00"}, 422, "invalid-values", "errors"),
        ({"note": "x" * 501}, 422, "invalid-values", "errors"),
        ({"phone": "911"}, 422, "invalid-value", "911 is not a phone number; write it with its country code"),
        ({"phone": "+4930901820"}, 422, "country-not-allowed", "United States"),
        ({"email": "ana@example.com"}, 422, "invalid-values", "errors"),
    ],
)
def test_a_party_that_cannot_be_is_refused(
    ann: Caller, queue: dict, party: dict, status: int, code: str, detail: str
) -> None:
    body = {"guest_name": "Ana", "party_size": 2} | party

    problem = assert_problem(ann.post(f"/queues/{queue['id']}/tickets", body), status, code)

    assert detail in problem["detail"]
    assert line(ann, queue)["items"] == []


@pytest.mark.parametrize("name", ["Zoë", "محمد", "👩\u200d🍳", "❤\ufe0f", "O'Neil & <b>", "-"])
def test_a_name_that_can_be_read_is_taken_as_it_is(ann: Caller, queue: dict, name: str) -> None:
    assert ann.add(queue, guest_name=name)["guest_name"] == name


@pytest.mark.parametrize("name", ["\u2068Anna\u2069", "\ufeffAnna", "An\u00adna", "Anna\u200b", "\u202eAnna"])
def test_marks_that_are_pasted_with_a_name_are_left_out(ann: Caller, queue: dict, name: str) -> None:
    assert ann.add(queue, guest_name=name)["guest_name"] == "Anna"


def test_a_name_that_cannot_be_read_is_told_so(ann: Caller, queue: dict) -> None:
    body = {"guest_name": "\u200b", "party_size": 2}

    problem = assert_problem(ann.post(f"/queues/{queue['id']}/tickets", body), 422, "invalid-values")

    sentence = "must be one line with something to read on it"
    assert problem["errors"] == [{"pointer": "#/guest_name", "detail": sentence}]


def test_notices_by_mail_are_said_to_be_missing(ann: Caller, queue: dict) -> None:
    body = {"guest_name": "Ana", "party_size": 2, "email": "ana@example.com"}

    problem = assert_problem(ann.post(f"/queues/{queue['id']}/tickets", body), 422, "invalid-values")

    assert problem["errors"] == [{"pointer": "#/email", "detail": "is not available yet; leave it out"}]


def test_a_paused_and_a_full_queue_say_so(ann: Caller, queue: dict) -> None:
    ann.patch(f"/queues/{queue['id']}", {"capacity": 1})
    ann.add(queue)
    body = {"guest_name": "Ana", "party_size": 2}

    full = ann.post(f"/queues/{queue['id']}/tickets", body)
    assert_problem(full, 409, "queue-full", capacity=1)
    ann.patch(f"/queues/{queue['id']}", {"state": "paused"})
    assert_problem(ann.post(f"/queues/{queue['id']}/tickets", body), 409, "queue-paused")


def test_the_first_is_called_or_the_first_that_fits(ann: Caller, queue: dict) -> None:
    for size in (5, 2, 3):
        ann.add(queue, party_size=size)

    fits = ann.post(f"/queues/{queue['id']}/call-next", {"seats": 3}).json
    first = ann.call_next(queue)

    assert (fits["number"], fits["state"], fits["position"]) == (2, "called", None)
    assert first["number"] == 1
    nobody = ann.post(f"/queues/{queue['id']}/call-next", {"seats": 2})
    assert "free seats: 2" in assert_problem(nobody, 409, "queue-empty", seats=2)["detail"]
    ann.call_next(queue)
    empty = ann.post(f"/queues/{queue['id']}/call-next")
    assert assert_problem(empty, 409, "queue-empty")["detail"] == "Nobody waits."


def test_the_line_comes_page_by_page_with_positions(ann: Caller, queue: dict) -> None:
    for _ in range(7):
        ann.add(queue)
    for _ in range(2):
        ann.call_next(queue)

    found: list[tuple] = []
    cursor = None
    while cursor or not found:
        page = line(ann, queue, limit=3, **({"cursor": cursor} if cursor else {}))
        found += [(ticket["number"], ticket["state"], ticket["position"]) for ticket in page["items"]]
        cursor = page["next"]

    assert found == [
        (1, "called", None),
        (2, "called", None),
        *((number, "waiting", number - 2) for number in range(3, 8)),
    ]


def test_other_states_are_listed_on_request(ann: Caller, queue: dict) -> None:
    for _ in range(4):
        ann.add(queue)
    step(ann, ann.call_next(queue), "serve")
    step(ann, ann.call_next(queue), "no-show")

    def numbers(*states: str) -> list[int]:
        return [ticket["number"] for ticket in line(ann, queue, state=list(states))["items"]]

    assert numbers("served") == [1]
    assert numbers("no_show", "served") == [1, 2]
    assert numbers("no_show,served,waiting") == [3, 4, 1, 2]
    assert numbers("left") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"state": "lost"}, "state"),
        ({"state": ""}, "state"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "WyJsb3N0IiwxXQ"}, "cursor"),
        ({"cursor": "WyJzZXJ2ZWQiLDFd"}, "cursor"),
        ({"cursor": "WyJ3YWl0aW5nIiwxZTMwMF0"}, "cursor"),
        ({"cursor": "WyJ3YWl0aW5nIiwxZTk5OV0"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(ann: Caller, queue: dict, query: dict, parameter: str) -> None:
    answer = ann.get(f"/queues/{queue['id']}/tickets", query_string=query)

    problem = assert_problem(answer, 422, "invalid-values")
    assert {fault["parameter"] for fault in problem["errors"]} == {parameter}


def test_the_line_is_sent_again_only_when_it_changed(ann: Caller, queue: dict) -> None:
    path = f"/queues/{queue['id']}/tickets"
    ticket = ann.add(queue)
    changes = (
        lambda: ann.add(queue),
        lambda: ann.patch(f"/tickets/{ticket['id']}", {"note": "x"}),
        lambda: ann.call_next(queue),
        lambda: step(ann, ticket, "recall"),
        lambda: step(ann, ticket, "put-back"),
        lambda: ann.patch(f"/queues/{queue['id']}", {"text": "y"}),
        lambda: ann.patch(f"/venues/{queue['venue_id']}", {"name": "z"}),
    )
    tags = [ann.get(path).headers["ETag"]]
    for change in changes:
        assert ann.get(path, headers={"If-None-Match": tags[-1]}).status_code == 304
        change()
        fresh = ann.get(path, headers={"If-None-Match": tags[-1]})
        assert fresh.status_code == 200
        tags.append(fresh.headers["ETag"])

    assert all(before != after for before, after in pairwise(tags))


def test_the_lines_etag_tells_of_an_opt_out(ann: Caller, queue: dict, services: Services) -> None:
    ann.add(queue, phone="+15550100002")
    path = f"/queues/{queue['id']}/tickets"
    shown = ann.get(path)

    def opt_out(tx: Transaction) -> None:
        guest = services.contacts.lock_or_add(tx, ContactAddress("sms", "+15550100002"))
        services.contacts.opt_out(tx, guest, "+15550100001")

    services.records.transaction(opt_out)

    again = ann.get(path, headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 200
    assert [ticket["reachable"] for ticket in again.json["items"]] == [False]


def test_a_ticket_goes_through_all_its_states(ann: Caller, queue: dict) -> None:
    first, second, third = (ann.add(queue) for _ in range(3))

    def after(ticket: dict, action: str, body: Any = None) -> tuple[str, int | None]:
        answer = step(ann, ticket, action, body)
        assert answer.status_code == 200, answer.text
        return answer.json["state"], answer.json["position"]

    assert after(third, "move", {"position": 1}) == ("waiting", 1)
    assert after(second, "call") == ("called", None)
    assert after(second, "recall") == ("called", None)
    assert after(second, "put-back") == ("waiting", 3)
    assert after(first, "call") == ("called", None)
    assert after(first, "no-show") == ("no_show", None)
    assert after(first, "come-back") == ("waiting", 2)
    assert after(first, "call") == ("called", None)
    assert after(first, "serve") == ("served", None)
    assert after(third, "remove") == ("removed", None)
    assert line(ann, queue)["items"][0]["id"] == second["id"]


@pytest.mark.parametrize("action", ["recall", "serve", "no-show", "come-back", "put-back"])
def test_a_step_that_the_state_forbids_says_the_state(ann: Caller, queue: dict, action: str) -> None:
    ticket = ann.add(queue)

    problem = assert_problem(step(ann, ticket, action), 409, "wrong-state", state="waiting", action=action)

    assert problem["detail"] == f"The action {action} is not possible now: this guest is waiting."
    assert ann.get(f"/tickets/{ticket['id']}").json == ticket


def test_a_no_show_comes_back_within_the_grace_only(ann: Caller, queue: dict, clock: StillClock) -> None:
    ticket = ann.add(queue)
    ann.call_next(queue)
    step(ann, ticket, "no-show")
    clock.advance(timedelta(minutes=15, seconds=1))

    assert_problem(step(ann, ticket, "come-back"), 409, "grace-over", grace_minutes=15)


def test_the_last_action_is_undone_within_a_minute(ann: Caller, queue: dict, clock: StillClock) -> None:
    ticket = ann.add(queue)
    undo = f"/queues/{queue['id']}/undo"
    assert_problem(ann.post(undo), 409, "nothing-to-undo")
    ann.call_next(queue)

    undone = ann.post(undo)

    assert (undone.status_code, undone.json) == (200, ticket)
    assert_problem(ann.post(undo), 409, "nothing-to-undo")
    ann.call_next(queue)
    clock.advance(timedelta(seconds=61))
    assert_problem(ann.post(undo), 409, "nothing-to-undo")


def test_an_action_that_the_guest_overtook_is_not_undone(ann: Caller, anybody: Caller, queue: dict) -> None:
    ticket = ann.add(queue)
    ann.call_next(queue)
    anybody.post(f"/guest/tickets/{ticket['guest_url'].rpartition('/')[2]}/leave")

    assert_problem(ann.post(f"/queues/{queue['id']}/undo"), 409, "changed-since")


def test_a_party_is_corrected(ann: Caller, queue: dict) -> None:
    ticket = ann.add(queue, note="x")

    changed = ann.patch(f"/tickets/{ticket['id']}", {"guest_name": "Bia", "party_size": 5})

    assert (changed.status_code, changed.json) == (200, ticket | {"guest_name": "Bia", "party_size": 5})
    assert ann.patch(f"/tickets/{ticket['id']}", {"note": ""}).json["note"] == ""
    refused = ann.patch(f"/tickets/{ticket['id']}", {"party_size": 9})
    assert_problem(refused, 422, "party-too-large", largest_party=8)
    step(ann, ticket, "remove")
    assert_problem(ann.patch(f"/tickets/{ticket['id']}", {"note": "y"}), 409, "wrong-state", state="removed")


def test_a_history_says_what_when_and_by_whom(ann: Caller, queue: dict, clock: StillClock) -> None:
    ticket = ann.add(queue)
    clock.advance(timedelta(minutes=1))
    ann.call_next(queue)
    step(ann, ticket, "serve")
    me = ann.get("/accounts/me").json["id"]

    history = ann.get(f"/tickets/{ticket['id']}/history").json

    assert history["next"] is None
    assert [event["kind"] for event in history["items"]] == ["joined", "called", "served"]
    joined, called, _ = history["items"]
    assert joined["by"] == called["by"] == {"kind": "staff", "account_id": me}
    assert joined["details"] == {"party_size": 2, "announce": True}
    assert called["at"] == clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    page = ann.get(f"/tickets/{ticket['id']}/history", query_string={"limit": 2}).json
    rest = ann.get(f"/tickets/{ticket['id']}/history", query_string={"cursor": page["next"]}).json
    assert page["items"] + rest["items"] == history["items"]


def test_an_estimate_is_shown_once_calls_have_taught_one(ann: Caller, queue: dict, clock: StillClock) -> None:
    for _ in range(8):
        ann.add(queue)
    for _ in range(5):
        clock.advance(timedelta(minutes=4))
        ann.call_next(queue)

    estimates = [ticket["estimate"] for ticket in line(ann, queue, state="waiting")["items"]]

    assert estimates[0] == {"low_minutes": 4, "likely_minutes": 4, "high_minutes": 4}
    assert estimates[2]["likely_minutes"] == 12
