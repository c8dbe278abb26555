"""Whose join codes a message may name: those of the bar that was texted, never a stranger's."""

import pytest

from core.model import TicketState
from tests.bots.bars import NUMBER, Bars, telegram
from tests.core.lines import OWNER, STRANGER, add_venue

ELSEWHERE = "+15550100002"


@pytest.fixture
def town(bars: Bars) -> Bars:
    """The Blue Door with its number, and a stranger's bar whose codes are words that guests say."""
    bars.queue()
    bars.do(lambda tx: tx.venues.take_number(NUMBER, OWNER.account_id or ""))
    bars.do(lambda tx: add_venue(tx, "strange", STRANGER, name="Bar Lotto", phone_number=ELSEWHERE))
    bars.do(lambda tx: tx.venues.take_number(ELSEWHERE, STRANGER.account_id or ""))
    for code in ("GRACIAS", "PARAR", "ANA", "LUNA", "NOPA"):
        bars.queue(code, "strange", name=code.title())
    return bars


@pytest.mark.parametrize("text", ["gracias!", "JOIN Ana 4", "JOIN GRACIAS", "luna", "ANA"])
def test_a_strangers_code_is_no_code_at_a_bars_own_number(town: Bars, text: str) -> None:
    town.guest().say(text)

    assert [town.line(code) for code in ("gracias", "ana", "luna")] == [[], [], []]


def test_a_name_is_a_name_though_a_strangers_queue_is_called_so(town: Bars) -> None:
    guest = town.guest()

    assert "Place 1 in line at The Blue Door" in guest.say("JOIN Ana 4")
    assert (guest.ticket.guest_name, guest.ticket.party_size) == ("Ana", 4)


def test_a_wish_for_no_more_messages_is_heard_though_a_queue_is_called_so(town: Bars) -> None:
    assert town.guest(language="pt").say("parar") == "Envie STOP para não receber mais mensagens."


def test_no_strangers_code_is_offered_for_a_mistyped_one(town: Bars) -> None:
    assert "NOPA" not in town.guest().say("JOIN NOPE")
    assert "NOPA" in town.guest(to=ELSEWHERE).say("JOIN NOPE")


def test_an_owners_other_venues_are_joined_by_code_at_each_of_the_numbers(town: Bars) -> None:
    town.queue("TERR", town.venue("The Terrace", None))

    assert "in line at The Terrace" in town.guest().say("JOIN TERR 2")


def test_every_code_counts_at_a_number_that_nobody_owns(town: Bars) -> None:
    assert "in line at Bar Lotto (Luna)" in town.guest(to="+15550109999").say("JOIN LUNA 2")


def test_to_the_bot_of_all_bars_a_word_of_somebody_in_line_is_no_code(town: Bars) -> None:
    guest = telegram(town)
    assert "in line at The Blue Door" in guest.say("DEMO 2")

    assert "The Blue Door" in guest.say("gracias")
    assert "Bar Lotto (Luna)" in guest.say("JOIN LUNA 2")
    assert [ticket.state for ticket in guest.tickets] == [TicketState.WAITING] * 2


def test_the_answer_to_how_many_joins_no_other_bar(town: Bars) -> None:
    guest = telegram(town, name=None)
    guest.say("JOIN DEMO")

    guest.say("4 Luna")

    assert (guest.ticket.party_size, guest.ticket.guest_name) == (4, "Luna")
    assert town.line("luna") == []


def test_a_join_at_another_bars_number_brings_nobody_back_here(town: Bars) -> None:
    guest = town.guest()
    guest.say("JOIN DEMO 2")
    called = town.call_next()
    town.do(lambda tx: town.queues.no_show(tx, called.id, OWNER))

    assert guest.say("JOIN", to=ELSEWHERE).startswith("Which line?")
    assert guest.say("JOIN").startswith("Welcome back!")
