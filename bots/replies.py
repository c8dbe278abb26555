"""What a guest is answered on the spot, in one language."""

from bots import buttons
from bots.buttons import LANGUAGE_NAMES, Press, Rows
from bots.channels import shortened
from bots.messages import Reply
from bots.phrases import LONGEST_TEXT, Phrases, Standing, bounded, sentences, where, with_words_of_staff
from core.errors import InvalidPartySize, PartyTooLarge, QueueClosed, QueueFull, QueuePaused, Refusal
from core.model import Ticket
from core.queues import LARGEST_PARTY
from core.storage.places import Entrance, Place

SILENCE = Reply(None)
MOST_STANDINGS = 3


class Replies(Phrases):
    """The answers to one message.

    has_buttons: the channel shows them, so that texts need not say what to type. pressed: the message was a
    button's press, whose answer is a short pop-up without buttons of its own.
    """

    def __init__(self, language: str, public_url: str, *, has_buttons: bool, pressed: bool) -> None:
        super().__init__(language, public_url)
        self._has_buttons = has_buttons
        self._pressed = pressed

    def joined(self, standing: Standing, *, party_said: bool, asks_party: bool, stopped: bool) -> Reply:
        """A new place. `stopped`: the guest told us to send nothing, and has to know what that means."""
        opening = self.gettext("You're in!")
        return self._placed(opening, standing, party_said=party_said, asks_party=asks_party, stopped=stopped)

    def came_back(self, standing: Standing, *, stopped: bool) -> Reply:
        """The old place, after a no-show."""
        return self._placed(self.welcome_back(), standing, party_said=False, asks_party=False, stopped=stopped)

    def already_in_line(self, standing: Standing) -> Reply:
        """The place that the guest has already."""
        opening = None if standing.position is None else self.already()
        return self._in_line(standing, opening, self.standing(standing), self._wait(standing))

    def already(self) -> str:
        """To a second JOIN; what follows is the place."""
        return self.gettext("You're already in line.")

    def welcome_back(self) -> str:
        """To a no-show who came after all; what follows is the place."""
        return self.gettext("Welcome back!")

    def party_size_set(self, standing: Standing, opening: str | None = None) -> Reply:
        """Thanks for the answer; the place again, since the guest may have come here from it."""
        noted = sentences(opening or self.gettext("Thanks!"), self.people(standing.ticket.party_size))
        return self.position(standing, noted)

    def party_size_not_understood(self, place: Place) -> Reply:
        """To an answer that has no number, or two: the question again."""
        text = sentences(self.sorry(), self.ask_party_size())
        return Reply(text, buttons.party_sizes(place.at.queue.largest_party, place.ticket))

    def sorry(self) -> str:
        """What an answer begins with that does not answer."""
        return self.gettext("Sorry, I didn't get that.")

    def position(self, standing: Standing, opening: str | None = None) -> Reply:
        """The place, and how long it will take."""
        what_to_send = None if standing.position is None else self._what_to_send()
        return self._in_line(standing, opening, self.standing(standing), self._wait(standing), what_to_send)

    def standings(self, standings: list[Standing], opening: str | None) -> Reply:
        """The guest's places, of which there is at least one; the newest, where there are more than can be read."""
        if len(standings) == 1:
            return self.position(standings[0], opening)
        return Reply(bounded(opening, *(self.standing(each) for each in standings[:MOST_STANDINGS])))

    def place_is_over(self) -> Reply:
        """A button under an old message."""
        return Reply(self.gettext("You no longer have that place."))

    def late(self, standings: list[Standing]) -> Reply:
        """The line goes on without those who are late: only staff can hold a place."""
        tell = self.gettext("If you're running late, please tell the staff.")
        if len(standings) > 1:
            return self.standings(standings, tell)
        return self._in_line(standings[0], tell, self.standing(standings[0]))

    def leave_asked(self, place: Place) -> Reply:
        """Asked once, so that a slip costs nobody the place."""
        if self._pressed:
            asked = self.gettext("Press Leave again to give up your place at {where}.")
        else:
            asked = self.gettext("Send 9 or LEAVE again to give up your place at {where}. To stay, do nothing.")
        return Reply(asked.format(where=where(Entrance.of(place.at))), buttons.card(self, place.ticket))

    def left(self, entrance: Entrance) -> Reply:
        """The place is given up."""
        return Reply(
            self.gettext("You've left the line at {where}. Send JOIN {code} to get in line again.").format(
                where=where(entrance), code=entrance.join_code
            )
        )

    def which_position(self, places: list[Place]) -> Reply:
        """In several lines: of which does the guest speak?"""
        asked = self.gettext("You're in several lines. Which one do you mean?")
        return Reply(self._choice(asked, _entrances(places)), buttons.places(Press.POSITION, places))

    def which_leave(self, places: list[Place]) -> Reply:
        """In several lines: the choice is also the yes to leaving."""
        asked = self.gettext("Which place do you give up? To stay, do nothing.")
        return Reply(self._choice(asked, _entrances(places)), buttons.places(Press.LEAVE, places))

    def which_queue(self, choices: list[Entrance], unknown_code: str | None = None) -> Reply:
        """A number with several queues: into which? `unknown_code`: none of them has the one that was sent."""
        opening = None if unknown_code is None else self._unknown(unknown_code)
        asked = sentences(opening, self.gettext("Which line?"))
        return Reply(self._choice(asked, choices), buttons.queues(choices))

    def code_needed(self) -> Reply:
        """Nothing says which queue is meant."""
        return Reply(self.gettext("Send JOIN and the code on the poster to get in line."))

    def unknown_code(self, code: str, nearest: str | None) -> Reply:
        """No queue has this code; perhaps another one was meant."""
        unknown = self._unknown(code)
        if nearest is None:
            return Reply(sentences(unknown, self.gettext("Please check the poster.")))
        meant = self.gettext("Did you mean {nearest}? Send JOIN {nearest}.").format(nearest=nearest)
        return Reply(sentences(unknown, meant), buttons.code(nearest))

    def refused(
        self, refusal: Refusal, entrance: Entrance, ticket: Ticket | None = None, opening: str | None = None
    ) -> Reply:
        """Why a queue can't take the guest, or the party that `ticket` is for, and what helps."""
        if isinstance(refusal, InvalidPartySize | PartyTooLarge):
            return self._party_refused(refusal, entrance, ticket, opening)
        texts: dict[type[Refusal], str] = {
            QueuePaused: self.gettext("{where} takes no new guests for the moment. Please try again soon."),
            QueueClosed: self.gettext("The line at {where} is closed."),
            QueueFull: self.gettext("The line at {where} is full. Please try again later."),
        }
        return Reply(texts[type(refusal)].format(where=where(entrance)))

    def not_in_line(self, reachable: list[Entrance], opening: str | None = None) -> Reply:
        """No place to speak of. `reachable`: the queues that a JOIN without a code could mean."""
        return Reply(sentences(opening, self.gettext("You're not in line."), self._how_to_join(reachable)))

    def missed(self, entrance: Entrance) -> Reply:
        """A no-show who may still come back."""
        return Reply(
            self.gettext("You missed your call at {where}. Send JOIN {code} now to come back to the front.").format(
                where=where(entrance), code=entrance.join_code
            )
        )

    def help(self, venue: str | None) -> Reply:
        """Who we are, and what can be said."""
        return Reply(
            self.gettext(
                "{venue}: send JOIN and the code on the poster to get in line, POSITION for your place, "
                "LEAVE to give it up, LANGUAGE to change language."
            ).format(venue=venue or "Queue Manager")
        )

    def not_understood(self, standings: list[Standing], reachable: list[Entrance]) -> Reply:
        """What could be said instead, and the place for those who have one."""
        sorry = self.sorry()
        if not standings:
            how = sentences(self._how_to_join(reachable), self.gettext("Send COMMANDS for more."))
            return Reply(sentences(sorry, how))
        return self.standings(standings, sorry)

    def language_set(self) -> Reply:
        """Said in the new language."""
        return Reply(self.gettext("From now on we speak English."))

    def which_language(self) -> Reply:
        """The languages that we have."""
        choices = ", ".join(LANGUAGE_NAMES.values())
        return Reply(
            self.gettext("We speak {languages}. Send LANGUAGE EN, PT or ES.").format(languages=choices),
            buttons.languages(),
        )

    def stopped(self, *, in_line: bool) -> Reply:
        """The wish to hear nothing more is noted."""
        noted = self.gettext("You'll get no more messages from us. Send START to get them again.")
        kept = self.gettext("You keep your place: please watch the screen.") if in_line else None
        return Reply(sentences(noted, kept))

    def how_to_stop(self, places: list[Place], *, has_stop: bool) -> Reply:
        """To a wish for no more messages that the carrier did not hear: what it obeys, and how to leave."""
        if has_stop:
            how = self.gettext("Send STOP to get no more messages from us.")
        else:
            how = self.gettext("To get no more messages from us, block this bot.")
        leave = self.gettext("Send LEAVE to leave the line.") if places else None
        return Reply(sentences(how, leave), buttons.card(self, places[0].ticket) if len(places) == 1 else ())

    def started(self) -> str:
        """The wish to hear from us again is noted; what follows is the place."""
        return self.gettext("You'll get our messages again.")

    def _placed(self, opening: str, standing: Standing, *, party_said: bool, asks_party: bool, stopped: bool) -> Reply:
        ticket, queue = standing.ticket, standing.at.queue
        parts = [
            opening,
            self.standing(standing),
            self.people(ticket.party_size) if party_said else None,
            None if asks_party else self._wait(standing),
            self.gettext("You stopped our messages: send START to be told when it's your turn.") if stopped else None,
        ]
        if self._pressed:
            # The pop-up is short, and a notice with the rest and its buttons follows.
            return Reply(sentences(*parts))
        rows: Rows = buttons.party_sizes(queue.largest_party, ticket) if asks_party else ()
        question = self.ask_party_size() if asks_party else None
        text = sentences(*parts, question, self.link(ticket))
        return Reply(with_words_of_staff(text, queue.text), (*rows, *buttons.card(self, ticket)))

    def _in_line(self, standing: Standing, *parts: str | None) -> Reply:
        return Reply(bounded(*parts), buttons.card(self, standing.ticket))

    def _party_refused(self, refusal: Refusal, entrance: Entrance, ticket: Ticket | None, opening: str | None) -> Reply:
        if isinstance(refusal, PartyTooLarge):
            largest = refusal.details["largest_party"]
            why = self.ngettext(
                "{where} takes parties of {count} person at most.",
                "{where} takes parties of {count} people at most.",
                largest,
            ).format(where=where(entrance), count=largest)
        else:
            most = entrance.largest_party or LARGEST_PARTY
            why = self.gettext("A party is 1 to {most} people.").format(most=most)
        if ticket is not None:
            text = sentences(opening, why, self.ask_party_size())
            return Reply(text, buttons.party_sizes(entrance.largest_party, ticket))
        again = self.gettext("Send JOIN {code} and how many you are.").format(code=entrance.join_code)
        return Reply(sentences(why, again))

    def _wait(self, standing: Standing) -> str | None:
        return self.wait(standing.at.queue, standing.position)

    def _what_to_send(self) -> str | None:
        return None if self._has_buttons else self.gettext("Send POSITION or LEAVE at any time.")

    def _unknown(self, code: str) -> str:
        return self.gettext("No line has the code {code}.").format(code=code)

    def _how_to_join(self, reachable: list[Entrance]) -> str:
        if not reachable:
            return self.gettext("Send JOIN and the code on the poster to get in line.")
        if len(reachable) > 1:
            return self.gettext("Send JOIN to get in line.")
        return self.gettext("Send JOIN to get in line at {where}.").format(where=where(reachable[0]))

    def _choice(self, asked: str, choices: list[Entrance]) -> str:
        head = sentences(asked, None if self._has_buttons else self.gettext("Reply with its number:"))
        in_one_venue = len({each.venue_name for each in choices}) == 1
        room = (LONGEST_TEXT - len(head)) // len(choices) - len("\n1 ")
        names = [shortened(each.name if in_one_venue else where(each), room) for each in choices]
        return "\n".join([head, *(f"{number} {name}" for number, name in enumerate(names, start=1))])


def _entrances(places: list[Place]) -> list[Entrance]:
    return [Entrance.of(place.at) for place in places]


def slow_down(language: str | None, public_url: str) -> Reply:
    """Asks to wait a minute; in all languages where the guest's is not known, since it is not looked up."""
    tags = [language] if language else LANGUAGE_NAMES
    texts = [Phrases(tag, public_url).gettext("That was too fast: please wait a minute.") for tag in tags]
    return Reply(" ".join(texts))
