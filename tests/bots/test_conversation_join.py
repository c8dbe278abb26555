"""JOIN: which queue is meant, the place in it, and the party that it is for."""

from functools import partial
from itertools import count
from typing import Any

import pytest

from core.model import QueueState, TicketState
from tests.bots.bars import NUMBER, Bars, telegram
from tests.core.lines import OWNER


def test_a_join_takes_a_place_at_once_and_then_asks_for_the_party(bars: Bars) -> None:
    bars.queue()
    bars.fill(2)
    guest = bars.guest()
    text = guest.say("join demo")
    assert "Place 3 in line at The Blue Door. Your number is 3." in text
    assert "How many are you? Reply with a number." in text
    assert f"https://queue.example.com/t/{guest.ticket.token}" in text
    assert (guest.ticket.state, guest.ticket.party_size, guest.ticket.sender) == (TicketState.WAITING, 1, NUMBER)


def test_a_join_with_everything_said_asks_nothing(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    text = guest.say("JOIN DEMO 4 Ana Lúcia")
    assert "How many" not in text
    assert "4 people." in text
    assert (guest.ticket.party_size, guest.ticket.guest_name) == (4, "Ana Lúcia")


def test_the_answer_to_how_many_sets_the_party(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    assert guest.say("four").startswith("Thanks! 4 people. Place 1 in line at The Blue Door.")
    assert guest.ticket.party_size == 4


def test_the_answer_to_how_many_may_bring_a_name(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    guest.say("3 Zoë")
    assert (guest.ticket.party_size, guest.ticket.guest_name) == (3, "Zoë")


def test_nine_may_be_a_party_while_that_is_what_was_asked(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    assert "9 people." in guest.say("9")
    assert "9 or LEAVE again" in guest.say("9")


def test_nine_is_to_leave_where_no_nine_can_sit(bars: Bars) -> None:
    bars.queue(largest_party=6)
    guest = bars.guest()
    guest.say("JOIN DEMO")
    assert "9 or LEAVE again" in guest.say("9")
    assert guest.ticket.party_size == 1


def test_a_queue_for_single_guests_asks_for_no_party(bars: Bars) -> None:
    bars.queue(largest_party=1)
    guest = bars.guest()
    assert "How many" not in guest.say("JOIN DEMO")
    assert not guest.contact.dialogue


def test_a_party_that_is_too_large_keeps_the_place_and_is_asked_again(bars: Bars) -> None:
    bars.queue(largest_party=6)
    guest = bars.guest()
    guest.say("JOIN DEMO")
    text = guest.say("12")
    assert text == "The Blue Door takes parties of 6 people at most. How many are you? Reply with a number."
    assert "6 people." in guest.say("6")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("JOIN DEMO 7", "The Blue Door takes parties of 6 people at most. Send JOIN DEMO and how many you are."),
        ("JOIN DEMO 0", "A party is 1 to 6 people. Send JOIN DEMO and how many you are."),
        ("JOIN DEMO -3", "A party is 1 to 6 people. Send JOIN DEMO and how many you are."),
        ("JOIN DEMO 2.5", "A party is 1 to 6 people. Send JOIN DEMO and how many you are."),
        ("JOIN DEMO 99999999999999999999", "A party is 1 to 6 people."),
    ],
)
def test_a_join_with_an_impossible_party_changes_nothing(bars: Bars, said: str, why: str) -> None:
    bars.queue(largest_party=6)
    guest = bars.guest()
    assert guest.say(said).startswith(why)
    assert guest.tickets == []
    assert not guest.contact.dialogue


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"state": QueueState.CLOSED}, "The line at The Blue Door is closed."),
        ({"state": QueueState.PAUSED}, "The Blue Door takes no new guests for the moment. Please try again soon."),
        ({"capacity": 0}, "The line at The Blue Door is full. Please try again later."),
    ],
)
def test_a_queue_that_takes_nobody_says_why(bars: Bars, settings: dict[str, Any], why: str) -> None:
    bars.queue(**settings)
    guest = bars.guest()
    assert guest.say("JOIN DEMO") == why
    assert guest.tickets == []


def test_whoever_joins_again_is_told_the_place(bars: Bars) -> None:
    bars.queue()
    bars.fill(1)
    guest = bars.guest()
    guest.say("JOIN DEMO 2")
    bars.wait(minutes=3)
    assert guest.say("JOIN DEMO 2").startswith("You're already in line. Place 2 in line at The Blue Door.")
    assert guest.say("JOIN DEMO").startswith("You're already in line. Place 2 in line at The Blue Door.")
    assert [ticket.party_size for ticket in guest.tickets] == [2]


@pytest.mark.parametrize("said", ["JOIN DEMO 5", "JOIN 5", "demo 5 Ben"])
def test_joining_again_with_another_number_changes_the_party_and_says_so(bars: Bars, said: str) -> None:
    bars.queue()
    bars.fill(1)
    guest = bars.guest()
    guest.say("JOIN DEMO 2 Ana")
    assert guest.say(said).startswith("You're already in line. 5 people. Place 2 in line at The Blue Door.")
    assert [(ticket.party_size, ticket.guest_name) for ticket in guest.tickets] == [(5, "Ana")]


def test_joining_again_with_an_impossible_number_keeps_the_party_and_asks(bars: Bars) -> None:
    bars.queue(largest_party=6)
    guest = bars.guest()
    guest.say("JOIN DEMO 2")
    assert guest.say("JOIN DEMO 15") == (
        "You're already in line. The Blue Door takes parties of 6 people at most. "
        "How many are you? Reply with a number."
    )
    assert guest.ticket.party_size == 2
    assert "6 people." in guest.say("6")


def test_the_called_do_not_change_their_party_by_joining_again(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO 2")
    bars.call_next()
    assert guest.say("JOIN DEMO 5").startswith("It's your turn at The Blue Door!")
    assert guest.ticket.party_size == 2


def test_another_number_soon_after_the_answer_corrects_it(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    guest.say("2")
    assert guest.say("3").startswith("Thanks! 3 people. Place 1 in line at The Blue Door.")
    assert guest.say("we are 4").startswith("Thanks! 4 people.")
    assert guest.ticket.party_size == 4


def test_one_and_nine_after_the_answer_are_here_and_leave(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    guest.say("2")
    assert guest.say("1").startswith("Place 1 in line")
    assert "9 or LEAVE again" in guest.say("9")
    assert guest.ticket.party_size == 2


@pytest.mark.parametrize("meanwhile", ["an hour", "a call"])
def test_a_number_long_after_the_answer_or_after_the_call_corrects_nothing(bars: Bars, meanwhile: str) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    guest.say("2")
    if meanwhile == "a call":
        bars.call_next()
    else:
        bars.wait(hours=1)
    assert guest.say("3").startswith("Sorry, I didn't get that.")
    assert guest.ticket.party_size == 2


def test_joining_again_does_not_forget_what_was_asked(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO")
    guest.say("JOIN DEMO")
    assert "3 people." in guest.say("3")


def test_the_code_alone_is_a_join(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    assert "Place 1" in guest.say("demo 2 Ana")
    assert guest.ticket.guest_name == "Ana"


def test_without_a_code_the_number_says_which_queue(bars: Bars) -> None:
    bars.queue("OTHR", bars.venue("Elsewhere", "+15550100002"), name="Elsewhere")
    bars.queue()
    guest = bars.guest()
    assert "The Blue Door" in guest.say("JOIN Ana 4")
    assert (guest.ticket.queue_id, guest.ticket.guest_name, guest.ticket.party_size) == ("demo", "Ana", 4)


def test_a_code_counts_whatever_number_was_texted(bars: Bars) -> None:
    bars.queue()
    bars.queue("OTHR", bars.venue("Elsewhere", "+15550100002"), name="Elsewhere")
    assert "Elsewhere" in bars.guest().say("JOIN OTHR")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("JOIN DEMX", "No line has the code DEMX. Did you mean DEMO? Send JOIN DEMO."),
        ("join dmeo", "No line has the code DMEO. Did you mean DEMO? Send JOIN DEMO."),
        ("JOIN demo1", "No line has the code DEMO1. Did you mean DEMO? Send JOIN DEMO."),
        ("join nope 4 Ana", "No line has the code NOPE. Did you mean DEMO? Send JOIN DEMO."),
        ("JOIN TERAS", "No line has the code TERAS. Did you mean TERRACE? Send JOIN TERRACE."),
        ("dmeo", "No line has the code DMEO. Did you mean DEMO? Send JOIN DEMO."),
    ],
)
def test_an_unknown_code_is_refused_with_the_nearest(bars: Bars, said: str, answer: str) -> None:
    bars.queue()
    bars.queue("TERRACE", bars.venue("Elsewhere", "+15550100002"))
    guest = bars.guest()
    assert guest.say(said) == answer
    assert guest.tickets == []


def test_without_a_code_and_without_a_queue_the_poster_is_needed(bars: Bars) -> None:
    bars.queue()
    bars.queue("OTHR")
    assert bars.guest(to="+15550109999").say("JOIN") == "Send JOIN and the code on the poster to get in line."
    assert telegram(bars).say("/join") == "Send JOIN and the code on the poster to get in line."


def test_a_bot_with_one_queue_needs_no_code(bars: Bars) -> None:
    bars.queue()
    guest = telegram(bars, name="Ana\u202e\n")
    assert "Place 1" in guest.say("/join")
    assert guest.ticket.guest_name == "Ana"


def test_a_deep_link_joins_and_offers_the_party_sizes(bars: Bars) -> None:
    bars.queue(largest_party=5)
    bars.queue("OTHR")
    guest = telegram(bars, language="pt-br")
    reply = guest.ask("/start DEMO")
    assert reply.text is not None
    assert reply.text.startswith("Pronto! Lugar 1 na fila de The Blue Door. Sua senha é 1. Quantas pessoas?")
    assert [[button.label for button in row] for row in reply.buttons] == [
        ["1", "2", "3", "4"],
        ["5"],
        ["Meu lugar", "Sair"],
    ]
    assert all(len(button.data.encode()) <= 64 for row in reply.buttons for button in row)
    assert guest.press(reply, "4").text == "Obrigado! 4 pessoas. Lugar 1 na fila de The Blue Door. Sua senha é 1."
    assert guest.ticket.party_size == 4


def test_the_queues_own_text_follows_the_place(bars: Bars) -> None:
    bars.queue(text="Happy hour until 9. " * 25)
    text = bars.guest().say("JOIN DEMO")
    assert "Happy hour until 9." in text
    assert len(text) <= 320


class TestANumberWithSeveralQueues:
    @pytest.fixture(autouse=True)
    def queues(self, bars: Bars) -> None:
        venue = bars.venue()
        for minute, (code, name) in enumerate({"BAR": "Bar", "TERR": "Terrace", "DART": "Darts"}.items()):
            bars.wait(seconds=minute)
            bars.queue(code, venue, name=name)

    def test_it_asks_which_one_and_remembers_the_rest(self, bars: Bars) -> None:
        guest = bars.guest()
        reply = guest.ask("JOIN 4")
        assert reply.text == ("Which line? Reply with its number:\n1 Bar\n2 Terrace\n3 Darts")
        assert [button.data for (button,) in reply.buttons] == ["join:BAR", "join:TERR", "join:DART"]
        assert guest.say("2").startswith("You're in! Place 1 in line at The Blue Door (Terrace).")
        assert (guest.ticket.queue_id, guest.ticket.party_size) == ("terr", 4)

    @pytest.mark.parametrize("answer", ["terrace", "Terrase", "TERR", "join terrace", "JOIN TERR", "2"])
    def test_a_number_a_name_or_a_code_answers(self, bars: Bars, answer: str) -> None:
        guest = bars.guest()
        guest.say("JOIN")
        guest.say(answer)
        assert [ticket.queue_id for ticket in guest.tickets] == ["terr"]

    def test_a_button_answers_and_the_rest_follows_in_a_notice(self, bars: Bars) -> None:
        guest = bars.guest()
        reply = guest.ask("JOIN")
        pressed = guest.press(reply, "The Blue Door (Darts)")
        assert pressed.text == "You're in! Place 1 in line at The Blue Door (Darts). Your number is 1."
        with bars.records.reading() as tx:
            (joined,) = tx.event_log.of_ticket(guest.ticket.id)
        assert joined.data["announce"] is True
        assert joined.relayed_at is None

    def test_a_wrong_answer_joins_nothing_and_may_be_mended(self, bars: Bars) -> None:
        guest = bars.guest()
        guest.say("JOIN")
        guest.say("7")
        assert guest.tickets == []
        guest.say("3")
        assert guest.ticket.queue_id == "dart"

    def test_an_answer_after_ten_minutes_is_none(self, bars: Bars) -> None:
        guest = bars.guest()
        guest.say("JOIN")
        bars.wait(minutes=10)
        guest.say("3")
        assert guest.tickets == []

    def test_an_unknown_code_is_named_and_the_queues_offered(self, bars: Bars) -> None:
        guest = bars.guest()
        text = guest.say("JOIN Margarida 2")
        assert text.startswith("No line has the code MARGARIDA. Which line? Reply with its number:")
        guest.say("1")
        assert (guest.ticket.queue_id, guest.ticket.party_size) == ("bar", 2)

    def test_closed_queues_are_not_offered(self, bars: Bars) -> None:
        for queue_id in ("bar", "dart"):
            bars.do(partial(bars.queues.set_state, queue_id=queue_id, state=QueueState.CLOSED, actor=OWNER))
        assert "Place 1 in line at The Blue Door (Terrace)" in bars.guest().say("JOIN")


class TestAfterANoShow:
    def missed(self, bars: Bars, **settings: Any):
        bars.queue(grace_minutes=15, **settings)
        bars.queue("OTHR")
        guest = bars.guest()
        guest.say("JOIN DEMO 2")
        bars.fill(3)
        ticket = bars.call_next()
        bars.do(lambda tx: bars.queues.no_show(tx, ticket.id, OWNER))
        return guest

    @pytest.mark.parametrize("said", ["JOIN", "JOIN DEMO"])
    def test_a_join_within_the_grace_gives_the_front_back(self, bars: Bars, said: str) -> None:
        guest = self.missed(bars)
        bars.wait(minutes=14)
        assert guest.say(said).startswith("Welcome back! Place 1 in line at The Blue Door. Your number is 1.")

    def test_a_join_within_the_grace_may_say_how_many_have_come(self, bars: Bars) -> None:
        guest = self.missed(bars)
        assert guest.say("JOIN DEMO 3").startswith("Welcome back! 3 people. Place 1 in line at The Blue Door.")
        assert guest.ticket.party_size == 3

    def test_the_way_back_is_told_to_who_asks(self, bars: Bars) -> None:
        guest = self.missed(bars)
        assert guest.say("POSITION") == (
            "You missed your call at The Blue Door. Send JOIN DEMO now to come back to the front."
        )

    def test_the_way_back_ends_with_the_business_day(self, bars: Bars) -> None:
        bars.queue(grace_minutes=120)
        guest = bars.guest()
        guest.say("JOIN DEMO 2")
        with bars.records.reading() as tx:
            queue = tx.queues.get("demo")
        assert queue is not None
        bars.wait(seconds=(queue.day_ends_at - bars.clock()).total_seconds() - 60)
        ticket = bars.call_next()
        bars.do(lambda tx: bars.queues.no_show(tx, ticket.id, OWNER))
        assert guest.say("POSITION").startswith("You missed your call")
        bars.wait(minutes=2)
        assert guest.say("POSITION").startswith("You're not in line.")
        bars.guest().say("JOIN DEMO 2")
        assert guest.say("POSITION").startswith("You're not in line.")
        assert guest.say("JOIN").startswith("You're in! Place 2 in line")

    def test_a_join_after_the_grace_is_a_new_place(self, bars: Bars) -> None:
        guest = self.missed(bars)
        bars.wait(minutes=16)
        assert "Place 4 in line at The Blue Door. Your number is 5." in guest.say("JOIN DEMO")


def test_names_of_every_kind_are_kept_as_they_are(bars: Bars) -> None:
    bars.queue()
    numbers = count(1)
    for name in ("O'Brien; DROP TABLE tickets", "<b>Zé</b>", "🦄 Ana", "李雷", "x" * 300):
        guest = bars.guest(f"+1555030{next(numbers):04}")
        assert "Place" in guest.say(f"JOIN DEMO 2 {name}")
        assert guest.ticket.guest_name.replace(";", "").split() == name[:100].replace(";", "").split()
