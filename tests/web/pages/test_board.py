"""The board: what staff see of the line, and what they do with it."""

import re
from datetime import timedelta

import pytest

from core.model import GUEST, NoticeKind, NoticeState, QueueState, TicketState
from tests.clocks import StillClock
from tests.web.pages.bar import HOSTILE, Bar, Visitor
from web.pages import line

LIVE_TAG = re.compile(r'If-None-Match": "W/\\"([0-9a-f]+)\\""')
WAITING, CALLED = TicketState.WAITING, TicketState.CALLED


def test_call_next_calls_the_first_in_line(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")

    answer = ann.press("/call-next")

    assert "Number 1 is called." in answer.text
    assert bar.numbers(CALLED) == [1]
    assert bar.numbers(WAITING) == [2]


def test_a_button_pressed_twice_acts_once(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")
    form = ann.form("/call-next")

    first = ann.send(form.action, form.values)
    second = ann.send(form.action, form.values)

    assert "Number 1 is called." in first.text
    assert "Number 1 is called." in second.text
    assert bar.numbers(CALLED) == [1]


def test_the_answer_brings_a_button_that_acts_anew(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")

    ann.press("/call-next")
    ann.press("/call-next")

    assert bar.numbers(CALLED) == [1, 2]


def test_a_refresh_keeps_the_keys_of_the_page(bar: Bar, ann: Visitor) -> None:
    key = ann.form("/call-next").values["key"]
    ticket = bar.join("Ana")

    refreshed = ann.look(f"{bar.board}/live?page={key}").text

    assert f"/tickets/{ticket.id}/call" in refreshed
    assert set(re.findall(r'name="key" value="([^"]*)"', refreshed)) == {key}


def test_the_same_key_with_other_contents_is_refused(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")
    form = ann.form("/call-next")
    ann.send(form.action, form.values)

    answer = ann.send(form.action, form.values | {"seats": "4"})

    assert "sent before, with something else" in answer.text
    assert bar.numbers(CALLED) == [1]


def test_two_who_press_at_the_same_page_call_two_guests(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")
    other = Visitor(bar)
    other.log_in()
    other.get(bar.board)

    ann.press("/call-next")
    other.press("/call-next")

    assert bar.numbers(CALLED) == [1, 2]


def test_free_seats_call_the_first_party_that_fits(bar: Bar, ann: Visitor) -> None:
    bar.join("Six", party_size=6)
    bar.join("Two", party_size=2)

    ann.press("/call-next", seats="2")

    assert bar.numbers(CALLED) == [2]


@pytest.mark.parametrize(
    ("seats", "sentence"),
    [
        ("2", "Nobody waits whose party fits the free seats: 2."),
        ("many", "The number of free seats must be a whole number from 1 to 1000."),
    ],
)
def test_free_seats_that_help_nobody_are_explained(bar: Bar, ann: Visitor, seats: str, sentence: str) -> None:
    bar.join("Six", party_size=6)

    assert sentence in ann.press("/call-next", seats=seats).text
    assert bar.numbers(CALLED) == []


def test_an_empty_line_says_so(ann: Visitor) -> None:
    assert "Nobody is waiting." in ann.page
    assert "Nobody waits." in ann.press("/call-next").text


@pytest.mark.parametrize(
    ("step", "state", "said"),
    [
        ("serve", TicketState.SERVED, "Number 1 is served."),
        ("no-show", TicketState.NO_SHOW, "Number 1 did not come."),
        ("put-back", TicketState.WAITING, "Number 1 waits again."),
        ("remove", TicketState.REMOVED, "Number 1 is removed."),
        ("recall", TicketState.CALLED, "Number 1 is called again."),
    ],
)
def test_each_step_after_the_call_has_its_button(
    bar: Bar, ann: Visitor, step: str, state: TicketState, said: str
) -> None:
    ticket = bar.join("Ana")
    bar.call_next()
    ann.get(bar.board)

    assert said in ann.press(f"/tickets/{ticket.id}/{step}").text
    assert bar.ticket(ticket).state is state


def test_anybody_in_line_can_be_called_or_removed(bar: Bar, ann: Visitor) -> None:
    _first, second, third = bar.join("Ana"), bar.join("Ben"), bar.join("Eva")
    ann.get(bar.board)

    ann.press(f"/tickets/{second.id}/call")
    ann.press(f"/tickets/{third.id}/remove")

    assert bar.numbers(CALLED) == [2]
    assert bar.numbers(WAITING) == [1]


def test_who_did_not_come_can_come_back_within_the_grace(bar: Bar, ann: Visitor, clock: StillClock) -> None:
    ticket = bar.join("Ana")
    bar.call_next()
    bar.act(bar.services.queues.no_show, ticket)
    clock.advance(timedelta(minutes=14))
    ann.get(bar.board)

    assert "Number 1 is back in line." in ann.press(f"/tickets/{ticket.id}/come-back").text
    assert bar.numbers(WAITING) == [1]


def test_after_the_grace_who_did_not_come_is_off_the_board(bar: Bar, ann: Visitor, clock: StillClock) -> None:
    bar.join("Ana")
    bar.act(bar.services.queues.no_show, bar.call_next())
    before = ann.get(f"{bar.board}/live").headers["ETag"]
    clock.advance(timedelta(minutes=16))

    refreshed = ann.look(f"{bar.board}/live", **{"If-None-Match": before})

    assert refreshed.status_code == 200
    assert "Ana" not in refreshed.text


def test_a_guest_is_moved_up_down_and_to_a_place(bar: Bar, ann: Visitor) -> None:
    tickets = [bar.join(name) for name in ("Ana", "Ben", "Eva")]
    ann.get(bar.board)

    ann.press(f"/tickets/{tickets[0].id}/move", position="2")
    assert bar.numbers(WAITING) == [2, 1, 3]
    assert "Number 3 is at place 1 now." in ann.press(f"/tickets/{tickets[2].id}/move", position="1").text
    assert bar.numbers(WAITING) == [3, 2, 1]
    assert "The place in line is missing." in ann.press(f"/tickets/{tickets[2].id}/move", position="").text


def test_an_undo_from_a_page_that_stood_open_takes_back_no_colleagues_action(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")
    ann.press("/call-next")
    bar.call_next()

    assert "Somebody did something else meanwhile. Press Undo again to take that back." in ann.press("/undo").text
    assert bar.numbers(CALLED) == [1, 2]
    assert "Undone. Number 2 is as before." in ann.press("/undo").text


def test_the_line_that_refreshes_itself_brings_what_undo_takes_back(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    form = ann.form("/undo")
    bar.call_next()

    refreshed = ann.look(f"{bar.board}/live").text
    [version] = re.findall(r'name="last_action" value="(\d+)" hx-swap-oob="true"', refreshed)

    assert "Undone. Number 1 is as before." in ann.send(form.action, form.values | {"last_action": version}).text


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((), ""),
        (("call",), "1 called"),
        (("call", "recall"), ""),
        (("call", "put-back"), "1 put back"),
        (("call", "serve"), "1 served"),
        (("call", "no-show"), "1 did not come"),
        (("call", "no-show", "come-back"), "1 came back"),
        (("remove",), "1 removed"),
        (("move",), "1 moved"),
        (("call", "undo"), ""),
    ],
)
def test_the_button_says_what_undo_takes_back(bar: Bar, ann: Visitor, steps: tuple[str, ...], words: str) -> None:
    ticket = bar.join("Ana")
    bar.join("Ben")
    ann.get(bar.board)
    for step in steps:
        place = {"position": "2"} if step == "move" else {}
        ann.press("/undo" if step == "undo" else f"/tickets/{ticket.id}/{step}", **place)

    assert f'<span id="undone" class="undone">{words}</span>' in ann.look(bar.board).text
    assert f'<span id="undone" class="undone" hx-swap-oob="true">{words}</span>' in ann.look(f"{bar.board}/live").text


def test_the_button_names_nothing_that_can_not_be_undone_any_more(bar: Bar, ann: Visitor) -> None:
    ticket = bar.join("Ana")
    bar.call_next()
    assert '<span id="undone" class="undone">1 called</span>' in ann.look(bar.board).text

    bar.records.transaction(lambda tx: bar.services.queues.leave(tx, ticket.id, GUEST))

    assert '<span id="undone" class="undone"></span>' in ann.look(bar.board).text


def test_an_undo_whose_answer_was_lost_is_not_done_again_after_a_refresh(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")
    ann.press("/call-next")
    form = ann.form("/undo")
    ann.send(form.action, form.values)
    bar.call_next()

    again = ann.send(form.action, form.values | {"last_action": str(bar.queue().last_action_version)})

    assert "Undone. Number 1 is as before." in again.text
    assert bar.numbers(CALLED) == [1]


@pytest.mark.parametrize("last_action", ["", "0", "nonsense", "9" * 30])
def test_an_undo_that_names_no_action_takes_none_back(bar: Bar, ann: Visitor, last_action: str) -> None:
    bar.join("Ana")
    ann.press("/call-next")

    assert "Somebody did something else meanwhile." in ann.press("/undo", last_action=last_action).text
    assert bar.numbers(CALLED) == [1]


def test_the_last_action_can_be_undone_for_a_minute(bar: Bar, ann: Visitor, clock: StillClock) -> None:
    bar.join("Ana")
    ann.press("/call-next")

    assert "Undone. Number 1 is as before." in ann.press("/undo").text
    assert bar.numbers(WAITING) == [1]

    ann.press("/call-next")
    clock.advance(timedelta(seconds=61))
    assert "There is nothing to undo." in ann.press("/undo").text


def test_a_step_that_came_too_late_says_what_the_guest_did(bar: Bar, ann: Visitor) -> None:
    ticket = bar.join("Ana")
    ann.get(bar.board)
    bar.records.transaction(lambda tx: bar.services.queues.leave(tx, ticket.id, GUEST))

    assert "this guest has left the line" in ann.press(f"/tickets/{ticket.id}/call").text


def test_a_walk_in_is_added_with_what_staff_wrote(bar: Bar, ann: Visitor) -> None:
    answer = ann.press("/walk-ins", guest_name="Zoë", party_size="3", phone="+1 555 010 0150", note="by the window")

    assert "Number 1 is in line, at place 1." in answer.text
    for shown in ("Zoë", "3 people", "SMS", "by the window"):
        assert shown in answer.text
    assert ann.form("/walk-ins").values["guest_name"] == ""


def test_every_notice_and_every_state_of_one_has_plain_words() -> None:
    assert set(line.NOTICES) == set(NoticeKind)
    assert set(line.NOTICE_STATES) == set(NoticeState)
    assert line.NOTICE_STATES[NoticeState.PENDING] == "on its way"


@pytest.mark.parametrize(
    ("filled_in", "sentence"),
    [
        (
            {"phone": "12"},
            "12 is not a phone number; write it with its country code, like +55 11 98765-4321",
        ),
        (
            {"phone": "+33 6 12 34 56 78"},
            "only: United States. The country of this number is France.",
        ),
        ({"party_size": "0"}, "A party is a whole number"),
        ({"party_size": "two"}, "A party is a whole number"),
        ({"party_size": "9"}, "This queue takes parties of up to 8."),
        ({"guest_name": "x" * 101}, "The name must have at most 100 characters."),
        ({"note": "x" * 501}, "The note must have at most 500 characters."),
    ],
)
def test_a_walk_in_refused_keeps_what_was_written(
    bar: Bar, ann: Visitor, filled_in: dict[str, str], sentence: str
) -> None:
    bar.change(largest_party=8)
    ann.get(bar.board)

    answer = ann.press("/walk-ins", **({"guest_name": "Zoë", "note": "late"} | filled_in))

    assert answer.status_code == 422
    assert sentence in answer.text
    [wrong] = re.findall(r'name="(\w+)"[^>]* aria-invalid="true"', answer.text)
    assert wrong == next(iter(filled_in))
    kept = ann.form("/walk-ins").values
    assert {name: kept[name] for name in filled_in} == filled_in
    assert bar.queue().waiting == 0


def test_a_queue_pauses_opens_and_closes(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")

    ann.press("/state")
    assert bar.queue().state is QueueState.PAUSED
    ann.press("/state")
    assert bar.queue().state is QueueState.OPEN
    ann.get(f"{bar.board}/close")
    assert "The queue is closed." in ann.press("/close", waiting="keep").text
    assert bar.queue().state is QueueState.CLOSED
    assert bar.numbers(WAITING) == [1]


def test_closing_can_remove_who_waits(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    ann.get(f"{bar.board}/close")

    ann.press("/close", waiting="remove")

    assert bar.numbers(TicketState.REMOVED) == [1]


def test_closing_without_saying_what_happens_to_them_closes_nothing(bar: Bar, ann: Visitor) -> None:
    ann.get(f"{bar.board}/close")

    ann.press("/close", waiting="")

    assert bar.queue().state is QueueState.OPEN


def test_names_and_notes_are_shown_as_they_were_written(bar: Bar, ann: Visitor) -> None:
    ann.press("/walk-ins", guest_name=HOSTILE, party_size="1", note="</li><script>alert(1)</script>")

    assert "&lt;b&gt;Bobby&lt;/b&gt; &#34;O&#39;Neil&#34; 🍺 {{ 7 * 7 }}" in ann.page
    assert "<b>" not in ann.page
    assert "<script>alert" not in ann.page


def test_a_refresh_without_news_is_not_sent_again(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana", channel="sms")
    tag = ann.look(f"{bar.board}/live").headers["ETag"]
    assert ann.look(f"{bar.board}/live", **{"If-None-Match": tag}).status_code == 304

    bar.call_next()

    assert ann.look(f"{bar.board}/live", **{"If-None-Match": tag}).status_code == 200


def test_the_page_asks_with_the_tag_of_what_it_shows(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    ann.get(bar.board)

    [tag] = LIVE_TAG.findall(ann.page)

    assert ann.look(f"{bar.board}/live", **{"If-None-Match": f'W/"{tag}"'}).status_code == 304


def test_an_opt_out_is_on_the_board_at_once(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana", channel="sms")
    tag = ann.look(f"{bar.board}/live").headers["ETag"]

    bar.opt_out()

    refreshed = ann.look(f"{bar.board}/live", **{"If-None-Match": tag})
    assert "Can’t be reached by message" in refreshed.text


@pytest.mark.parametrize("unreachable", [True, False])
def test_a_call_that_reached_nobody_is_to_be_shouted(bar: Bar, ann: Visitor, *, unreachable: bool) -> None:
    bar.join("Ana", channel="sms")
    bar.call_next()
    before = ann.look(f"{bar.board}/live")
    assert "shout the name" not in before.text

    bar.carrier_refuses_the_call(unreachable=unreachable)

    refreshed = ann.look(f"{bar.board}/live", **{"If-None-Match": before.headers["ETag"]})
    assert "Not reached: shout the name" in refreshed.text


def test_a_walk_in_whose_place_could_not_be_told_is_told_it_by_staff(bar: Bar, ann: Visitor) -> None:
    ann.press("/walk-ins", guest_name="Zoë", party_size="3", phone="+1 555 010 0150")

    bar.carrier_refuses_the_call(unreachable=False)

    assert "Was not told the place" in ann.get(bar.board).text


def test_a_call_that_nobody_confirmed_is_to_be_shouted_after_a_minute(
    bar: Bar, ann: Visitor, clock: StillClock
) -> None:
    bar.join("Ana", channel="sms")
    bar.call_next()
    clock.advance(timedelta(seconds=59))
    before = ann.look(f"{bar.board}/live")
    assert "shout the name" not in before.text

    clock.advance(timedelta(seconds=1))

    refreshed = ann.look(f"{bar.board}/live", **{"If-None-Match": before.headers["ETag"]})
    assert "Not confirmed yet: shout the name" in refreshed.text


@pytest.mark.parametrize(("channel", "shown"), [("sms", "Call: delivered"), ("telegram", "Call: sent")])
def test_telegrams_yes_is_shown_as_what_it_is(
    bar: Bar, ann: Visitor, clock: StillClock, channel: str, shown: str
) -> None:
    bar.join("Ana", channel=channel)
    bar.call_next()
    bar.carrier_delivers_the_call()
    clock.advance(timedelta(minutes=2))

    answer = ann.get(bar.board).text

    assert shown in answer
    assert "shout the name" not in answer


def test_what_became_of_a_notice_is_shown_as_long_as_it_is_true(bar: Bar, ann: Visitor, clock: StillClock) -> None:
    ana = bar.join("Ana", channel="sms")
    bar.call_next()
    bar.carrier_refuses_the_call(unreachable=False)
    assert "Call: failed" in ann.get(bar.board).text

    bar.act(bar.services.queues.put_back, ana)
    assert "Call:" not in ann.get(bar.board).text

    clock.advance(timedelta(minutes=1))
    bar.act(bar.services.queues.call, ana)
    board = ann.get(bar.board).text
    assert "Call:" not in board
    assert "shout the name" not in board


def test_a_called_walk_in_without_a_phone_is_to_be_shouted(bar: Bar, ann: Visitor) -> None:
    bar.join("Ana")
    bar.call_next()

    assert "No phone: shout the name" in ann.get(bar.board).text


def test_a_called_guest_without_a_name_is_to_be_shouted_by_number(bar: Bar, ann: Visitor) -> None:
    bar.join("")
    bar.call_next()

    assert "No phone: shout the number" in ann.get(bar.board).text


def test_a_refresh_after_the_session_ended_leads_to_the_log_in(bar: Bar, visitor: Visitor) -> None:
    answer = visitor.look(f"{bar.board}/live", **{"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == "/"
    assert answer.text == ""


def test_a_line_is_closed_to_strangers(bar: Bar) -> None:
    bar.services.accounts.add("bob@example.com", "another horse battery")
    ticket = bar.join("Ana")
    bob = Visitor(bar)
    bob.log_in("bob@example.com", "another horse battery")
    token = {"csrf_token": bob.form("/log-out").values["csrf_token"]}

    assert bob.get(bar.board).status_code == 404
    assert bob.get(f"{bar.board}/live").status_code == 404
    assert bob.get(f"{bar.board}/settings").status_code == 404
    for path in ("call-next", f"tickets/{ticket.id}/call", "undo", "state", "close", "walk-ins", "settings"):
        bob.send(f"{bar.board}/{path}", token | {"state": "paused", "waiting": "remove", "name": "Mine"})
    assert "Ana" not in bob.page
    assert bar.numbers(WAITING) == [1]
    assert bar.queue().state is QueueState.OPEN
    assert bar.queue().name == "Main bar"


def test_what_is_known_of_a_party_is_corrected(bar: Bar, ann: Visitor) -> None:
    ticket = bar.join("Bobi", party_size=2)
    ann.get(bar.board)
    path = f"{bar.board}/tickets/{ticket.id}/change"
    assert path in ann.page
    ann.get(path)
    assert ann.form("/change").values["guest_name"] == "Bobi"

    answer = ann.press("/change", guest_name="Bo\nbby\x01", party_size="3", note="window")

    assert "Number 1 is changed." in answer.text
    now = bar.ticket(ticket)
    assert (now.guest_name, now.party_size, now.note) == ("Bo bby", 3, "window")


def test_a_change_refused_keeps_what_was_written(bar: Bar, ann: Visitor) -> None:
    bar.change(largest_party=4)
    ticket = bar.join("Bobby", party_size=2)
    ann.get(f"{bar.board}/tickets/{ticket.id}/change")

    too_many = ann.press("/change", guest_name="Robert", party_size="9")

    assert too_many.status_code == 422
    assert "parties of up to 4" in too_many.text
    assert ann.form("/change").values["guest_name"] == "Robert"
    bar.act(bar.services.queues.remove, ticket)
    gone = ann.press("/change", guest_name="Robert", party_size="2")
    assert gone.status_code == 422
    assert "was removed from the line" in gone.text
    assert bar.ticket(ticket).guest_name == "Bobby"


def test_a_stranger_neither_sees_nor_changes_a_party(bar: Bar) -> None:
    bar.services.accounts.add("bob@example.com", "another horse battery")
    bob = Visitor(bar)
    bob.log_in("bob@example.com", "another horse battery")
    ticket = bar.join("Bobby")
    path = f"{bar.board}/tickets/{ticket.id}/change"
    assert bob.get(path).status_code == 404
    bob.get("/venues/new")

    answer = bob.send(path, bob.form("/venues/new").values | {"guest_name": "Eve", "party_size": "1"})

    assert answer.status_code == 404
    assert bar.ticket(ticket).guest_name == "Bobby"


@pytest.mark.parametrize("queue_id", ["elsewhere", "A" * 200])
def test_a_board_acts_on_its_own_tickets_only(bar: Bar, ann: Visitor, queue_id: str) -> None:
    ticket = bar.join("Ana")
    ann.get(bar.board)

    form = ann.form(f"/tickets/{ticket.id}/call")
    ann.send(f"/queues/{queue_id}/tickets/{ticket.id}/call", form.values)

    assert bar.ticket(ticket).state is TicketState.WAITING
    ann.send(form.action, form.values)
    assert bar.ticket(ticket).state is TicketState.CALLED
