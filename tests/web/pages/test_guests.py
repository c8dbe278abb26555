"""The guest's own page."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine

from core.notices import NoticeService
from tests.clocks import StillClock
from tests.databases import once_after
from tests.web.pages.bar import GUEST_NUMBER, HOSTILE, Bar, Visitor

SECRET_PAGE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def test_a_guest_sees_place_number_party_and_text(bar: Bar, visitor: Visitor) -> None:
    bar.change(text="The kitchen is open until eleven.")
    bar.join("Ana")
    ticket = bar.join("Ben", party_size=4)

    page = visitor.get(f"/t/{ticket.token}").text

    for shown in ("The Blue Door", "Main bar", '<p class="huge number">2</p>', "Ben", "4 people", "until eleven."):
        assert shown in page


def test_the_page_follows_the_line(bar: Bar, visitor: Visitor) -> None:
    bar.join("Ana")
    ticket = bar.join("Ben")
    live = f"/t/{ticket.token}/live"
    tag = visitor.get(live).headers["ETag"]
    assert visitor.look(live, **{"If-None-Match": tag}).status_code == 304

    bar.call_next()

    assert "You’re next" in visitor.look(live, **{"If-None-Match": tag}).text


@pytest.mark.parametrize(
    ("before", "step", "words"),
    [((), "call", "your turn"), (("call",), "serve", "Enjoy!"), (("call", "serve"), "undo", "your turn")],
)
def test_a_step_that_comes_while_the_page_is_read_is_shown_by_the_next_look(
    bar: Bar, visitor: Visitor, engine: Engine, before: tuple[str, ...], step: str, words: str
) -> None:
    ticket, queues = bar.join("Ana"), bar.services.queues
    for name in before:
        bar.act(getattr(queues, name), ticket)
    live = f"/t/{ticket.token}/live"

    about = bar.queue_id if step == "undo" else ticket

    with once_after(engine, "tickets.token = ", partial(bar.act, getattr(queues, step), about)):
        tag = visitor.get(live).headers["ETag"]

    assert words in visitor.look(live, **{"If-None-Match": tag}).text


def test_a_clock_that_a_report_starts_while_the_page_is_read_is_shown_by_the_next_look(
    bar: Bar, visitor: Visitor, engine: Engine, clock: StillClock
) -> None:
    """It changes no version of the ticket."""
    ticket = bar.join("Ana", channel="sms")
    bar.change(no_show_minutes=5)
    bar.call_next()
    notices = NoticeService(bar.records)
    notices.relay()
    [outbound] = notices.claim(1, ("sms",))
    clock.advance(timedelta(minutes=1))
    live = f"/t/{ticket.token}/live"
    shown = visitor.get(live).text

    with once_after(engine, "tickets.token = ", partial(notices.sent, outbound.notice.id, "SM1", delivered=True)):
        tag = visitor.get(live).headers["ETag"]

    later = visitor.look(live, **{"If-None-Match": tag})
    assert later.status_code == 200
    assert later.text != shown


def test_a_called_guest_reads_the_called_message(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana")
    bar.call_next()

    page = visitor.get(f"/t/{ticket.token}").text

    assert "It’s your turn!" in page
    assert "Come to the red door." in page


def test_a_called_guest_is_told_what_to_do_where_the_bar_says_nothing(bar: Bar, visitor: Visitor) -> None:
    bar.change(called_message="")
    ticket = bar.join("Ana")
    bar.call_next()

    assert "Please come to the entrance now" in visitor.get(f"/t/{ticket.token}").text


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("serve", "Enjoy!"),
        ("no_show", "Speak to the staff before 3:15\u202fPM"),
        ("leave", "You’ve left the line"),
        ("remove", "You’re no longer in line"),
    ],
)
def test_every_end_has_friendly_words(bar: Bar, visitor: Visitor, step: str, words: str) -> None:
    ticket = bar.join("Ana")
    bar.call_next()
    bar.act(getattr(bar.services.queues, step), ticket)

    page = visitor.get(f"/t/{ticket.token}").text

    assert words in page
    assert "/leave" not in page


@pytest.mark.parametrize(
    ("channel", "minutes", "words"),
    [
        ("sms", 15, "Send JOIN DEMO before 3:15\u202fPM to get your place back, or speak to the staff."),
        ("telegram", 15, "Send JOIN DEMO before 3:15\u202fPM to get your place back, or speak to the staff."),
        (None, 15, "Speak to the staff before 3:15\u202fPM"),
        ("sms", 0, "Send JOIN DEMO to get in line again, or speak to the staff."),
        (None, 0, "Speak to the staff to get in line again."),
    ],
)
def test_who_missed_the_call_reads_what_to_do_as_the_text_says_it(
    bar: Bar, visitor: Visitor, channel: str | None, minutes: int, words: str
) -> None:
    bar.change(grace_minutes=minutes)
    ticket = bar.join("Ana", channel=channel)
    bar.call_next()
    bar.act(bar.services.queues.no_show, ticket)

    assert words in visitor.get(f"/t/{ticket.token}").text


def test_the_page_of_a_no_show_changes_by_itself_when_the_grace_is_over(
    bar: Bar, visitor: Visitor, clock: StillClock
) -> None:
    ticket = bar.join("Ana", channel="sms")
    bar.call_next()
    bar.act(bar.services.queues.no_show, ticket)
    live = f"/t/{ticket.token}/live"
    tag = visitor.get(live).headers["ETag"]

    clock.advance(timedelta(minutes=15))

    assert "Send JOIN DEMO to get in line again" in visitor.look(live, **{"If-None-Match": tag}).text


def test_a_guest_leaves_by_a_button_that_asks_first(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana")
    assert "Give up your place?" in visitor.get(f"/t/{ticket.token}").text

    assert "You’ve left the line" in visitor.press("/leave").text

    assert bar.queue().waiting == 0


def test_leaving_a_place_that_staff_ended_shows_what_happened(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana")
    visitor.get(f"/t/{ticket.token}")
    bar.act(bar.services.queues.remove, ticket)

    assert "You’re no longer in line" in visitor.press("/leave").text


def test_a_form_from_another_site_does_not_leave(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana")

    visitor.send(f"/t/{ticket.token}/leave", {})

    assert visitor.path == f"/t/{ticket.token}"
    assert "nothing was changed" in visitor.page
    assert bar.queue().waiting == 1


@pytest.mark.parametrize("wrong", ["x", "x" * 200, "%00", "..", "DROP TABLE"])
def test_a_wrong_token_opens_nothing(bar: Bar, visitor: Visitor, wrong: str) -> None:
    bar.join("Ana")

    answer = visitor.get(f"/t/{wrong}")

    assert answer.status_code == 404
    assert "Ana" not in answer.text


def test_the_page_is_told_to_nobody_and_kept_nowhere(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana")

    for path in (f"/t/{ticket.token}", f"/t/{ticket.token}/live", "/t/unknown"):
        assert SECRET_PAGE.items() <= dict(visitor.look(path).headers).items()


def test_of_the_phone_number_only_the_end_is_shown(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana", channel="sms")

    page = visitor.get(f"/t/{ticket.token}").text

    assert "••• 99" in page
    assert GUEST_NUMBER[:-2] not in page


def test_a_name_is_shown_as_it_was_written(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join(HOSTILE)

    page = visitor.get(f"/t/{ticket.token}").text

    assert "&lt;b&gt;Bobby&lt;/b&gt; &#34;O&#39;Neil&#34; 🍺 {{ 7 * 7 }}" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("asked", "tag", "words"),
    [
        ("pt-BR,en;q=0.5", "pt-BR", "Sua vez é a próxima"),
        ("es-MX", "es", "Sigues tú"),
        ("fr, es;q=0.3", "es", "Sigues tú"),
        ("fr", "en", "You’re next"),
        ("", "en", "You’re next"),
    ],
)
def test_the_page_speaks_the_browsers_language(bar: Bar, visitor: Visitor, asked: str, tag: str, words: str) -> None:
    ticket = bar.join("Ana")

    page = visitor.get(f"/t/{ticket.token}", **{"Accept-Language": asked}).text

    assert f'<html lang="{tag}">' in page
    assert words in page


def test_the_language_that_the_guest_chose_comes_first(bar: Bar, visitor: Visitor) -> None:
    ticket = bar.join("Ana", channel="sms")

    def choose(tx) -> None:
        contact = tx.contacts.get(ticket.contact_id)
        contact.language = "pt-BR"
        tx.contacts.save(contact)

    bar.records.transaction(choose)

    assert "Sua vez é a próxima" in visitor.get(f"/t/{ticket.token}", **{"Accept-Language": "es"}).text
