"""What those who wait may say, and what everybody is answered who says something else."""

from typing import Any

import pytest

from bots.messages import Reply
from bots.replies import SILENCE
from core.model import TicketState
from core.storage.records import Transaction
from tests.bots.bars import NUMBER, Bars, Guest, telegram
from tests.core.lines import OWNER


def waiting(bars: Bars, ahead: int = 2, text: str = "JOIN DEMO 2", **of_message: Any) -> Guest:
    bars.queue()
    bars.fill(ahead)
    guest = bars.guest(**of_message)
    guest.say(text)
    return guest


def test_the_position_is_told_with_the_number(bars: Bars) -> None:
    guest = waiting(bars)
    bars.call_next()
    assert guest.say("position") == (
        "Place 2 in line at The Blue Door. Your number is 3. Send POSITION or LEAVE at any time."
    )


def test_the_wait_is_told_once_it_is_known(bars: Bars) -> None:
    guest = waiting(bars, ahead=6)
    for _ in range(5):
        bars.wait(minutes=4)
        bars.call_next()
    assert "Place 2 in line at The Blue Door. Your number is 7. Wait: about 8 min." in guest.say("where am I?")


def test_the_called_are_told_to_come(bars: Bars) -> None:
    guest = waiting(bars, ahead=0)
    bars.call_next()
    assert guest.say("1").startswith("It's your turn at The Blue Door! Number 1. Please come now.")
    assert guest.say("here").startswith("It's your turn at The Blue Door!")


def test_the_called_are_told_in_the_words_of_the_queue(bars: Bars) -> None:
    bars.queue(called_message="Show this to Zé at the door.")
    guest = bars.guest()
    guest.say("JOIN DEMO 2")
    bars.call_next()
    assert guest.say("POSITION").startswith("It's your turn at The Blue Door! Number 1. Show this to Zé at the door.")


@pytest.mark.parametrize("again", ["9", "LEAVE", "leave the line please"])
def test_leave_asks_once_and_then_does_it(bars: Bars, again: str) -> None:
    guest = waiting(bars)
    assert guest.say("LEAVE") == ("Send 9 or LEAVE again to give up your place at The Blue Door. To stay, do nothing.")
    assert guest.ticket.state is TicketState.WAITING
    assert guest.say(again) == "You've left the line at The Blue Door. Send JOIN DEMO to get in line again."
    assert guest.tickets == []


def test_nine_is_leave(bars: Bars) -> None:
    guest = waiting(bars)
    assert "9 or LEAVE again" in guest.say("9")
    assert "You've left" in guest.say("9")


def test_yes_never_leaves(bars: Bars) -> None:
    guest = waiting(bars)
    guest.say("LEAVE")
    guest.say("yes", carrier_word="start")
    guest.say("si")
    assert guest.ticket.state is TicketState.WAITING


@pytest.mark.parametrize("meanwhile", ["POSITION", "hello?"])
def test_something_else_in_between_takes_the_leave_back(bars: Bars, meanwhile: str) -> None:
    guest = waiting(bars)
    guest.say("LEAVE")
    guest.say(meanwhile)
    assert "9 or LEAVE again" in guest.say("LEAVE")
    assert guest.ticket.state is TicketState.WAITING


def test_a_leave_of_long_ago_is_no_yes(bars: Bars) -> None:
    guest = waiting(bars)
    guest.say("LEAVE")
    bars.wait(minutes=10)
    assert "9 or LEAVE again" in guest.say("LEAVE")


def test_there_may_be_nothing_to_leave(bars: Bars) -> None:
    bars.queue()
    assert bars.guest().say("LEAVE") == "You're not in line. Send JOIN to get in line at The Blue Door."
    assert bars.guest(to=None).say("9") == "You're not in line. Send JOIN to get in line at The Blue Door."


def test_who_was_served_has_no_place(bars: Bars) -> None:
    guest = waiting(bars, ahead=0)
    guest.say("LEAVE")
    bars.do(lambda tx: bars.queues.serve(tx, bars.queues.call_next(tx, "demo", OWNER).id, OWNER))
    assert guest.say("LEAVE").startswith("You're not in line.")


def test_a_place_ends_with_its_day(bars: Bars) -> None:
    guest = waiting(bars)
    bars.wait(hours=14)
    assert guest.say("POSITION").startswith("You're not in line.")
    assert guest.say("JOIN DEMO").startswith("You're in! Place 1 in line at The Blue Door. Your number is 1.")


def test_the_end_of_the_day_stands_even_where_the_join_is_refused(bars: Bars) -> None:
    waiting(bars)
    bars.wait(hours=14)
    assert "A party is" in bars.guest().say("JOIN DEMO 0")
    assert bars.line() == []


def test_buttons_tell_the_place_and_leave_at_the_second_press(bars: Bars) -> None:
    bars.queue()
    guest = telegram(bars)
    card = guest.ask("/join DEMO 2")
    assert guest.press(card, "My place").text == "Place 1 in line at The Blue Door. Your number is 1."
    assert guest.press(card, "Leave").text == "Press Leave again to give up your place at The Blue Door."
    assert guest.press(card, "Leave").text == (
        "You've left the line at The Blue Door. Send JOIN DEMO to get in line again."
    )
    assert guest.press(card, "My place").text == "You're not in line. Send JOIN to get in line at The Blue Door."


@pytest.mark.parametrize("end", ["leave", "serve", "remove", "no_show"])
def test_when_a_place_is_over_no_answer_offers_its_buttons(bars: Bars, end: str) -> None:
    bars.queue()
    guest = telegram(bars)
    card = guest.ask("/join DEMO 2")
    if end == "leave":
        guest.ask("/leave")
        assert guest.ask("/leave").buttons == ()
    else:
        ticket = bars.call_next()
        bars.do(lambda tx: getattr(bars.queues, end)(tx, ticket.id, OWNER))
    for text in ("/position", "/leave", "/late", "/help", "hello", "2"):
        assert guest.ask(text).buttons == ()
    assert guest.press(card, "Leave").buttons == ()


def test_every_answer_to_a_press_fits_a_pop_up(bars: Bars) -> None:
    bars.queue("LONG", bars.venue("The Very Long Name of the Bar " * 3), name="And of its Terrace " * 5)
    for language in ("en", "pt", "es"):
        guest = telegram(bars, f"77{language}", language=language)
        card = guest.ask("/start LONG")
        for label in ("4", card.buttons[-1][0].label, card.buttons[-1][1].label, card.buttons[-1][1].label):
            text = guest.press(card, label).text
            assert text is not None
            assert len(text) <= 200


def test_nobody_presses_for_another(bars: Bars) -> None:
    bars.queue()
    guest, stranger = telegram(bars, "1"), telegram(bars, "2")
    card = guest.ask("/join DEMO 2")
    stranger.press(card, "Leave")
    assert stranger.press(card, "Leave").text == "You're not in line. Send JOIN to get in line at The Blue Door."
    assert guest.ticket.state is TicketState.WAITING


@pytest.mark.parametrize(
    "data", ["", "x" * 1000, "x", "leave", "leave:", "size:abc:four", "size:abc:²", "\x00", "join:" + "x" * 59]
)
def test_a_strange_button_is_answered_and_does_nothing(bars: Bars, data: str) -> None:
    bars.queue()
    guest = telegram(bars)
    guest.ask("/join DEMO 2")
    assert guest.ask(button=data).text
    assert guest.ticket.party_size == 2


class TestAGuestInTwoLines:
    @pytest.fixture
    def guest(self, bars: Bars) -> Guest:
        venue = bars.venue()
        bars.queue("BAR", venue, name="Bar")
        bars.queue("TERR", venue, name="Terrace")
        guest = bars.guest()
        guest.say("JOIN BAR 2")
        bars.wait(seconds=1)
        guest.say("JOIN TERR 2")
        return guest

    def left(self, guest: Guest) -> set[str]:
        return {"bar", "terr"} - {ticket.queue_id for ticket in guest.tickets}

    def test_position_asks_which_one(self, guest: Guest) -> None:
        assert guest.say("POSITION") == (
            "You're in several lines. Which one do you mean? Reply with its number:\n1 Terrace\n2 Bar"
        )
        assert guest.say("2").startswith("Place 1 in line at The Blue Door (Bar).")

    def test_leave_asks_which_one_and_the_choice_is_the_yes(self, guest: Guest) -> None:
        assert "Which place do you give up? To stay, do nothing." in guest.say("LEAVE")
        assert self.left(guest) == set()
        assert guest.say("1").startswith("You've left the line at The Blue Door (Terrace).")
        assert self.left(guest) == {"terr"}

    def test_a_name_answers_too(self, guest: Guest) -> None:
        guest.say("LEAVE")
        guest.say("the bar please")
        assert self.left(guest) == {"bar"}

    def test_a_button_answers_too(self, guest: Guest) -> None:
        guest.press(guest.ask("LEAVE"), "The Blue Door (Bar)")
        assert self.left(guest) == {"bar"}

    def test_nine_chooses_nothing_and_asks_again(self, guest: Guest) -> None:
        guest.say("LEAVE")
        assert "Which place do you give up?" in guest.say("9")
        assert self.left(guest) == set()

    def test_whatever_else_is_said_is_answered_with_both_places(self, guest: Guest) -> None:
        text = guest.say("is there food?")
        assert "(Bar)" in text
        assert "(Terrace)" in text


class TestWordsThatAreNoCommands:
    def test_strangers_are_told_how_to_join(self, bars: Bars) -> None:
        bars.queue()
        assert bars.guest().say("is there food at your place?") == (
            "Sorry, I didn't get that. Send JOIN to get in line at The Blue Door. Send COMMANDS for more."
        )

    def test_guests_in_line_are_told_their_place(self, bars: Bars) -> None:
        assert waiting(bars).say("is there food at your place?") == (
            "Sorry, I didn't get that. Place 3 in line at The Blue Door. Your number is 3. "
            "Send POSITION or LEAVE at any time."
        )

    @pytest.mark.parametrize(
        "text", ["", "🍺", "   ", "?" * 1600, "a " * 500_000, "4", "1e9", "\u202e", "'; DROP TABLE tickets; --"]
    )
    def test_everything_is_answered_and_changes_nothing(self, bars: Bars, text: str) -> None:
        bars.queue()
        guest = bars.guest()
        assert guest.say(text)
        assert guest.tickets == []
        assert not guest.contact.dialogue

    def test_the_late_are_sent_to_the_staff(self, bars: Bars) -> None:
        assert waiting(bars).say("LATE 5") == (
            "If you're running late, please tell the staff. Place 3 in line at The Blue Door. Your number is 3."
        )

    def test_help_says_who_we_are_and_what_can_be_said(self, bars: Bars) -> None:
        bars.queue()
        assert bars.guest().say("commands").startswith("The Blue Door: send JOIN and the code on the poster")
        assert telegram(bars).say("/start").startswith("The Blue Door: send JOIN")


class TestLanguages:
    def test_a_guest_of_whom_nothing_is_known_reads_the_venues_language(self, bars: Bars) -> None:
        bars.queue(venue=bars.venue(language="pt-BR"))
        assert bars.guest().say("demo 2").startswith("Pronto! Lugar 1 na fila de The Blue Door.")

    def test_the_guests_own_word_goes_before_the_venues_language(self, bars: Bars) -> None:
        bars.queue(venue=bars.venue(language="pt-BR"))
        guest = bars.guest()
        assert guest.say("unirme demo 2").startswith("¡Listo! Lugar 1 en la fila de The Blue Door.")
        assert guest.say("5").startswith("Disculpa, no entendí.")

    def test_the_carriers_hint_goes_before_the_venues_language(self, bars: Bars) -> None:
        bars.queue()
        assert telegram(bars, language="es-419").say("/start DEMO").startswith("¡Listo!")

    def test_a_hint_that_we_do_not_speak_is_none(self, bars: Bars) -> None:
        bars.queue()
        assert telegram(bars, language="de").say("/start DEMO").startswith("You're in!")

    def test_the_language_is_kept_per_contact(self, bars: Bars) -> None:
        guest = waiting(bars)
        assert guest.say("LANGUAGE pt") == "Agora falamos português."
        bars.wait(hours=1)
        assert guest.say("position").startswith("Lugar 3 na fila de The Blue Door. Sua senha é 3.")
        assert guest.contact.language == "pt-BR"

    @pytest.mark.parametrize(
        ("said", "language"),
        [("cuánto falta?", "es"), ("hola", "es"), ("quantos faltam?", "pt-BR"), ("onde?", "pt-BR"), ("food?", None)],
    )
    def test_a_later_message_that_is_clearly_in_another_language_is_answered_in_it(
        self, bars: Bars, said: str, language: str | None
    ) -> None:
        sorry = {"es": "Disculpa, no entendí.", "pt-BR": "Desculpe, não entendi.", None: "Sorry, I didn't get that."}
        bars.queue()
        guest = bars.guest()
        assert guest.say("JOIN DEMO 2").startswith("You're in!")
        guest.say(said)
        assert guest.say("5").startswith(sorry[language])
        assert guest.contact.language == language

    def test_the_word_on_the_poster_says_nothing_of_the_guests_language(self, bars: Bars) -> None:
        bars.queue(venue=bars.venue(language="pt-BR"))
        guest = bars.guest()
        assert guest.say("JOIN DEMO 2").startswith("Pronto! Lugar 1 na fila")
        assert guest.say("where am I?").startswith("Place 1 in line")
        assert guest.say("JOIN DEMO").startswith("You're already in line.")

    def test_a_language_chosen_by_its_word_is_changed_by_nothing_else(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        guest.say("JOIN DEMO")
        guest.say("LANGUAGE EN")
        assert guest.say("cuánto falta?").startswith("Sorry, I didn't get that.")
        assert guest.say("2").startswith("Thanks! 2 people.")
        guest.say("LEAVE")
        assert guest.say("hola").startswith("Sorry, I didn't get that.")
        assert guest.say("idioma español") == "Ahora hablamos español."

    @pytest.mark.parametrize(
        ("spoken", "first", "venue", "answer"),
        [
            ("oi", "Desculpe", "es", "Você já está na fila."),
            ("hola", "Disculpa", "pt-BR", "Ya estás en la fila."),
            ("hello", "Sorry", "es", "Ya estás en la fila."),
            ("hello", "Sorry", "pt-BR", "Você já está na fila."),
            ("hello", "Sorry", "en", "You're already in line."),
        ],
    )
    def test_a_word_of_two_languages_does_not_flip_between_them(
        self, bars: Bars, spoken: str, first: str, venue: str, answer: str
    ) -> None:
        bars.queue(venue=bars.venue(language=venue))
        guest = bars.guest()
        assert guest.say(spoken).startswith(first)
        guest.say("JOIN DEMO 2")
        assert guest.say("ENTRAR DEMO").startswith(answer)

    @pytest.mark.parametrize(
        ("number", "venue", "answer"),
        [
            ("+5511987654321", "en", "Pronto!"),
            ("+351912345678", "en", "Pronto!"),
            ("+525512345678", "en", "¡Listo!"),
            ("+4915112345678", "en", "You're in!"),
            ("+5511987654321", "es", "¡Listo!"),
        ],
    )
    def test_between_two_languages_the_venue_decides_and_then_the_numbers_country(
        self, bars: Bars, number: str, venue: str, answer: str
    ) -> None:
        bars.queue(venue=bars.venue(language=venue))
        assert bars.guest(number).say("ENTRAR DEMO 2").startswith(answer)

    def test_a_number_speaks_of_its_own_lines_only(self, bars: Bars) -> None:
        guest = waiting(bars)
        elsewhere = "+15550100777"
        bars.queue("EVIL", bars.venue("Evil Inc", number=elsewhere), name="Claim your prize")
        guest.say("JOIN EVIL 2", to=elsewhere)

        assert guest.say("POSITION").startswith("Place 3 in line at The Blue Door.")
        assert guest.say("POSITION", to=elsewhere).startswith("Place 1 in line at Evil Inc ")
        assert "Claim your prize" not in guest.say("LEAVE") + guest.say("9")

    @pytest.mark.parametrize("word", ["HELP", "START", "STOP"])
    def test_the_carriers_words_change_no_language(self, bars: Bars, word: str) -> None:
        guest = waiting(bars, text="unirme demo 2")
        guest.say(word, carrier_word=word.lower())
        assert guest.contact.language == "es"

    def test_an_unknown_language_lists_ours(self, bars: Bars) -> None:
        reply = telegram(bars).ask("LANGUAGE klingon")
        assert reply.text == "We speak English, Português, Español. Send LANGUAGE EN, PT or ES."
        assert [button.label for button in reply.buttons[0]] == ["English", "Português", "Español"]

    def test_a_language_may_be_pressed(self, bars: Bars) -> None:
        guest = telegram(bars)
        assert guest.press(guest.ask("/language"), "Español").text == "Ahora hablamos español."


class TestTheCarriersWords:
    def test_stop_is_obeyed_in_silence_where_the_carrier_answers(self, bars: Bars) -> None:
        guest = waiting(bars)
        assert guest.ask("STOP", carrier_word="stop", carrier_answers=True) == SILENCE
        assert guest.contact.opted_out == [NUMBER]
        assert guest.ticket.state is TicketState.WAITING

    def test_stop_is_confirmed_where_nobody_else_does(self, bars: Bars) -> None:
        guest = waiting(bars)
        assert guest.say("Stop", carrier_word="stop") == (
            "You'll get no more messages from us. Send START to get them again. "
            "You keep your place: please watch the screen."
        )

    def test_a_join_after_stop_takes_the_place_marked_so(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        guest.ask("STOP", carrier_word="stop", carrier_answers=True)
        text = guest.say("JOIN DEMO 2")
        assert "You stopped our messages: send START to be told when it's your turn." in text

        ticket_id = guest.ticket.id
        with bars.records.reading() as tx:
            entry = tx.lines.entry(ticket_id)
        assert entry is not None
        assert entry.reachable is False

    def test_start_lifts_it_and_answers_with_the_place(self, bars: Bars) -> None:
        guest = waiting(bars)
        guest.ask("STOP", carrier_word="stop", carrier_answers=True)
        assert guest.say("START", carrier_word="start").startswith(
            "You'll get our messages again. Place 3 in line at The Blue Door."
        )
        assert guest.contact.opted_out == []

    def test_start_without_a_place_says_how_to_get_one(self, bars: Bars) -> None:
        bars.queue()
        assert bars.guest().say("START", carrier_word="start") == (
            "You're not in line. Send JOIN to get in line at The Blue Door."
        )

    def test_help_is_left_to_a_carrier_that_answers_it(self, bars: Bars) -> None:
        guest = waiting(bars)
        assert guest.ask("HELP", carrier_word="help", carrier_answers=True) == SILENCE
        assert guest.say("INFO", carrier_word="help").startswith("The Blue Door: send JOIN")

    @pytest.mark.parametrize("text", ["STOP!", "stop please", "unsubscribe me"])
    def test_what_is_nearly_stop_is_told_how_to_stop_and_changes_nothing(self, bars: Bars, text: str) -> None:
        guest = waiting(bars)
        assert guest.say(text) == "Send STOP to get no more messages from us. Send LEAVE to leave the line."
        assert (guest.contact.opted_out, guest.ticket.state) == ([], TicketState.WAITING)
        assert bars.guest().say(text) == "Send STOP to get no more messages from us."

    def test_how_to_stop_is_told_in_the_guests_language(self, bars: Bars) -> None:
        bars.queue(venue=bars.venue(language="pt-BR"))
        guest = bars.guest()
        guest.say("demo 2")
        assert guest.say("parar") == "Envie STOP para não receber mais mensagens. Envie SAIR para deixar a fila."
        assert guest.say("quero sair da fila").startswith("Envie 9 ou SAIR de novo")

    def test_a_chat_has_no_stop_but_can_be_blocked(self, bars: Bars) -> None:
        bars.queue()
        guest = telegram(bars)
        assert guest.say("STOP") == "To get no more messages from us, block this bot."
        guest.say("/start DEMO")
        reply = guest.ask("/stop")
        assert reply.text == "To get no more messages from us, block this bot. Send LEAVE to leave the line."
        assert [button.label for button in reply.buttons[0]] == ["My place", "Leave"]

    def test_a_queue_may_be_called_like_a_wish_to_stop(self, bars: Bars) -> None:
        bars.queue("BAJA")
        assert "Place 1 in line" in bars.guest().say("baja 2")

    def test_a_stop_holds_for_the_number_it_was_sent_to(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        guest.ask("STOP", to="+15550100002", carrier_word="stop", carrier_answers=True)
        text = guest.say("JOIN DEMO 2")
        assert "Place 1 in line" in text
        assert "You stopped our messages" not in text
        assert guest.contact.opted_out == ["+15550100002"]


def test_a_reply_is_the_same_when_the_message_comes_again(bars: Bars) -> None:
    bars.queue()
    guest = telegram(bars)
    message = guest.message("/start DEMO")
    first = bars.conversation.answer(message)
    bars.fill(1)
    bars.wait(days=6)
    again: Reply = bars.conversation.answer(message)
    assert again == first
    assert len(guest.tickets) == 1


def test_a_carriers_id_may_be_longer_than_a_receipts_key(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    assert guest.say("JOIN DEMO", carrier_id="SM" + "0" * 1000) == guest.say("JOIN DEMO", carrier_id="SM" + "0" * 1000)


def test_a_guest_who_writes_again_can_be_reached_again(bars: Bars) -> None:
    bars.queue()
    guest = bars.guest()
    guest.say("JOIN DEMO 2 Ana")

    contact_id = guest.contact.id

    def lose(tx: Transaction) -> None:
        contact = tx.contacts.lock_by_id(contact_id)
        contact.unreachable = "30005"
        tx.contacts.save(contact)

    bars.do(lose)

    guest.say("POSITION")

    assert guest.contact.unreachable is None
