"""Logging in and out, and what leads there."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from core.storage.records import Records
from tests.clocks import StillClock
from tests.web.pages.bar import EMAIL, PASSWORD, Bar, Visitor

LINK = re.compile(r"http://localhost(/\S+)")


def test_staff_log_in_and_see_their_queues(visitor: Visitor) -> None:
    answer = visitor.log_in()

    assert answer.status_code == 200
    assert "The Blue Door" in answer.text
    assert "Main bar" in answer.text


def test_a_wrong_password_is_said_and_the_address_stays(visitor: Visitor) -> None:
    answer = visitor.log_in(password="wrong horse battery")

    assert answer.status_code == 422
    assert "The e-mail address or the password is wrong." in answer.text
    assert visitor.form("/log-in").values["email"] == EMAIL
    assert visitor.form("/log-in").values["password"] == ""


def test_too_many_wrong_passwords_close_the_door_for_a_while(visitor: Visitor) -> None:
    for _ in range(10):
        visitor.log_in(password="wrong horse battery")

    answer = visitor.log_in()

    assert answer.status_code == 429
    assert "That was too often." in answer.text


@pytest.mark.parametrize("form", ["/register", "/forgot"])
def test_too_many_mails_are_refused_as_too_many(visitor: Visitor, form: str) -> None:
    for _ in range(5):
        visitor.get(form)
        assert visitor.press(form, email="bob@example.com", password=PASSWORD).status_code == 200

    visitor.get(form)
    answer = visitor.press(form, email="bob@example.com", password=PASSWORD)

    assert answer.status_code == 429
    assert "That was too often." in answer.text
    assert visitor.form(form).values["email"] == "bob@example.com"


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.cookie()

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_goes_nowhere_else(records: Records) -> None:
    assert "Secure" in Visitor(Bar(records, "https://queue.example")).cookie()


def test_pages_for_staff_ask_strangers_to_log_in_and_then_go_on(bar: Bar, visitor: Visitor) -> None:
    visitor.get(bar.board)
    assert visitor.path == "/"

    visitor.press("/log-in", email=EMAIL, password=PASSWORD)

    assert visitor.path == bar.board


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/queues/\\evil.example",
        "/queues/\r\nSet-Cookie: evil=1",
        "/queues/\n",
        "javascript:x",
    ],
)
def test_logging_in_leads_to_no_other_site(visitor: Visitor, elsewhere: str) -> None:
    visitor.get(f"/?next={quote(elsewhere)}")
    answer = visitor.press("/log-in", email=EMAIL, password=PASSWORD, next=elsewhere)

    assert (answer.status_code, visitor.path) == (200, "/")
    assert "evil" not in visitor.page


def test_logging_out_ends_the_session(ann: Visitor) -> None:
    ann.press("/log-out")

    assert ann.get("/venues/new").request.path == "/"


def test_twelve_hours_without_a_press_end_the_session(ann: Visitor, clock: StillClock) -> None:
    clock.advance(timedelta(hours=12, minutes=1))

    assert ann.get("/venues/new").request.path == "/"


def test_a_session_in_use_goes_on_for_a_whole_night(ann: Visitor, clock: StillClock) -> None:
    for _ in range(4):
        clock.advance(timedelta(hours=11))
        assert ann.get("/venues/new").request.path == "/venues/new"


def test_a_mail_scanner_that_follows_the_link_makes_no_account(bar: Bar, visitor: Visitor) -> None:
    visitor.get("/register")
    assert "Check your mail" in visitor.press("/register", email="bob@example.com", password=PASSWORD).text
    [link] = LINK.findall(bar.mails[-1][2])

    Visitor(bar).get(link)

    assert "password is wrong" in Visitor(bar).log_in("bob@example.com").text


def test_the_button_behind_the_link_may_be_pressed_twice_but_not_long_after(
    bar: Bar, visitor: Visitor, clock: StillClock
) -> None:
    visitor.get("/register")
    visitor.press("/register", email="bob@example.com", password=PASSWORD)
    [link] = LINK.findall(bar.mails[-1][2])

    for _ in range(2):
        visitor.get(link)
        assert "Welcome!" in visitor.press("/verify", password=PASSWORD).text
    clock.advance(timedelta(minutes=10))
    visitor.get(link)
    assert "used before" in visitor.press("/verify", password=PASSWORD).text


def test_a_link_that_a_stranger_had_mailed_makes_no_account_with_the_strangers_password(
    bar: Bar, visitor: Visitor
) -> None:
    visitor.get("/register")
    visitor.press("/register", email="bob@example.com", password="a password of a stranger")
    [link] = LINK.findall(bar.mails[-1][2])

    visitor.get(link)
    answer = visitor.press("/verify", password=PASSWORD)

    assert answer.status_code == 422
    assert "This is not the password that was chosen." in answer.text
    assert "password is wrong" in Visitor(bar).log_in("bob@example.com", "a password of a stranger").text


def test_a_password_too_short_is_refused_on_the_form(bar: Bar, visitor: Visitor) -> None:
    visitor.get("/register")
    answer = visitor.press("/register", email="bob@example.com", password="short")

    assert answer.status_code == 422
    assert "The password must have at least 10 characters." in answer.text
    assert visitor.form("/register").values["email"] == "bob@example.com"
    assert bar.mails == []


def test_a_new_password_logs_out_every_other_browser(bar: Bar, ann: Visitor, visitor: Visitor) -> None:
    visitor.get("/forgot")
    visitor.press("/forgot", email=EMAIL)
    [link] = LINK.findall(bar.mails[-1][2])
    visitor.get(link)

    assert "Your new password is set." in visitor.press("/reset", password="another horse battery").text

    assert ann.get(bar.board).request.path == "/"
    assert visitor.get(bar.board).request.path == bar.board


def test_a_password_too_short_can_be_chosen_again(bar: Bar, visitor: Visitor) -> None:
    visitor.get("/forgot")
    visitor.press("/forgot", email=EMAIL)
    visitor.get(LINK.findall(bar.mails[-1][2])[0])

    assert visitor.press("/reset", password="short").status_code == 422
    assert "Your new password is set." in visitor.press("/reset", password="another horse battery").text


def test_a_form_from_another_site_changes_nothing(bar: Bar, visitor: Visitor) -> None:
    answer = visitor.send("/log-in", {"email": EMAIL, "password": PASSWORD})

    assert "nothing was changed" in answer.text
    assert visitor.get(bar.board).request.path == "/"
