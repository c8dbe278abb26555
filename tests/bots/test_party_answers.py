"""The answer to "How many are you?": for whom it counts, and what of it is a name."""

import pytest

from core.model import NoticeKind, TicketState
from core.notices import NoticeService
from tests.bots.bars import Bars, Guest, telegram
from tests.core.lines import OWNER


@pytest.fixture
def asked(bars: Bars) -> Guest:
    """Who joined without a name, and is asked how many they are."""
    bars.queue(largest_party=8)
    guest = bars.guest()
    guest.say("JOIN DEMO")
    return guest


@pytest.mark.parametrize(
    ("answer", "size", "name"),
    [
        ("4 Ana", 4, "Ana"),
        ("4 Ana Lúcia, please", 4, "Ana Lúcia"),
        ("4 李雷", 4, "李雷"),
        ("4 Анна", 4, "Анна"),
        ("4 🍺", 4, "🍺"),
        ("just 2", 2, ""),
        ("only 2 please", 2, ""),
        ("2 thanks", 2, ""),
        ("we will be 4", 4, ""),
        ("it's 4", 4, ""),
        ("só 2", 2, ""),
        ("2 pessoas obrigado", 2, ""),
        ("somos 2 gracias", 2, ""),
        ("solo 2", 2, ""),
        ("well I think that in the end we will be 4 of us", 4, ""),
    ],
)
def test_the_size_and_the_name_behind_it_are_taken(asked: Guest, answer: str, size: int, name: str) -> None:
    asked.say(answer)

    assert (asked.ticket.party_size, asked.ticket.guest_name) == (size, name)


def test_a_name_that_is_known_stays(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO Maria")
    guest.say("4 amigos")

    assert (guest.ticket.party_size, guest.ticket.guest_name) == (4, "Maria")


@pytest.mark.parametrize("answer", ["a few", "just me", "a couple", "2 3", "5 or 6", "👍", "hm?"])
def test_what_is_no_number_is_asked_again(asked: Guest, answer: str) -> None:
    assert asked.say(answer) == "Sorry, I didn't get that. How many are you? Reply with a number."
    assert asked.ticket.party_size == 1
    assert asked.say("3").startswith("Thanks! 3 people.")


def test_a_name_that_comes_later_is_taken_where_none_is_known(asked: Guest) -> None:
    asked.say("JOIN DEMO 3 Ben")
    assert (asked.ticket.party_size, asked.ticket.guest_name) == (3, "Ben")

    asked.say("JOIN DEMO 3 Bob")
    assert asked.ticket.guest_name == "Ben"


def test_the_buttons_come_with_the_question(bars: Bars) -> None:
    bars.queue(largest_party=4)
    guest = telegram(bars)
    guest.say("/start DEMO")

    reply = guest.ask("a few")

    assert [[button.label for button in row] for row in reply.buttons] == [["1", "2", "3", "4"]]
    guest.press(reply, "3")
    assert guest.ticket.party_size == 3


def test_commands_are_heard_while_the_question_waits(asked: Guest) -> None:
    assert asked.say("POSITION").startswith("Place 1")
    assert asked.say("4").startswith("Thanks! 4 people.")


@pytest.mark.parametrize(("language", "word"), [("pt-BR", "uma"), ("es-MX", "Una")])
def test_one_is_a_number_to_who_speaks_the_language(bars: Bars, language: str, word: str) -> None:
    bars.queue(largest_party=8)
    guest = bars.guest(language=language)
    guest.say("ENTRAR DEMO 4")
    guest.say("ENTRAR DEMO 20")
    assert guest.ticket.party_size == 4

    guest.say(word)
    assert (guest.ticket.party_size, guest.ticket.guest_name) == (1, "")


def test_elsewhere_it_is_a_name(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest(language="en")
    guest.say("JOIN DEMO 2 Uma")

    assert (guest.ticket.party_size, guest.ticket.guest_name) == (2, "Uma")


class TestInTwoLines:
    def test_the_answer_counts_for_the_place_that_was_asked_about(self, bars: Bars) -> None:
        venue = bars.venue()
        for code in ("BAR", "TERR"):
            bars.queue(code, venue, name=code.title(), largest_party=6)
        guest = bars.guest()
        guest.say("JOIN BAR 2")
        guest.say("JOIN TERR 3")
        assert "parties of 6" in guest.say("JOIN BAR 15")

        guest.say("5")

        assert {ticket.queue_id: ticket.party_size for ticket in guest.tickets} == {"bar": 5, "terr": 3}

    def test_a_place_that_staff_gave_meanwhile_is_left_alone(self, bars: Bars) -> None:
        venue = bars.venue()
        for code in ("BAR", "TERR"):
            bars.queue(code, venue, name=code.title())
        guest = bars.guest()
        guest.say("JOIN BAR")
        contact = guest.contact
        bars.do(lambda tx: bars.queues.join(tx, "terr", OWNER, contact=contact))

        guest.say("4")

        assert {ticket.queue_id: ticket.party_size for ticket in guest.tickets} == {"bar": 4, "terr": 1}

    def test_the_late_read_all_their_places(self, bars: Bars) -> None:
        venue = bars.venue()
        for code in ("BAR", "TERR"):
            bars.queue(code, venue, name=code.title())
        guest = bars.guest()
        guest.say("JOIN BAR 2")
        guest.say("JOIN TERR 2")

        text = guest.say("LATE")

        assert text.startswith("If you're running late, please tell the staff. Place 1 in line")
        assert "(Bar)" in text
        assert "(Terr)" in text


def test_who_comes_back_by_a_press_gets_the_rest_as_a_notice(bars: Bars) -> None:
    bars.queue()
    guest = telegram(bars)
    guest.say("JOIN DEMO 2")
    called = bars.call_next()
    bars.do(lambda tx: bars.queues.no_show(tx, called.id, OWNER))
    notices = NoticeService(bars.records)
    notices.relay()
    while claimed := notices.claim(10, ("telegram",)):
        for outbound in claimed:
            notices.sent(outbound.notice.id, outbound.notice.id, delivered=True)

    guest.ask(button="join:DEMO")
    notices.relay()

    assert guest.ticket.state is TicketState.WAITING
    assert [outbound.notice.kind for outbound in notices.claim(10, ("telegram",))] == [NoticeKind.JOINED]
