"""One message on its way to an answer, with everything that the answer needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz, process

from bots.buttons import Press, Pressed
from bots.channels import CHANNELS
from bots.dialogue import Asked, Question, memory, question, remembered
from bots.messages import Message
from bots.phrases import Standing
from bots.replies import Replies
from bots.understanding import Intent
from bots.words import ENGLISH, FILLERS, nearest_language, plain
from core.model import ACTIVE_STATES, Contact, Ticket, TicketState
from core.no_show_clock import back_until
from core.phone_numbers import languages_of_number
from core.storage.places import Entrance, Place
from core.storage.records import Transaction
from core.storage.view import Positions

ALIKE = 85


@dataclass
class Turn:
    """A message in its transaction. `contact` is locked; what is changed of it is saved when the turn is over.

    pressed: the button, where one was pressed. asked: the question that this message may answer. language_chosen:
    the guest chose the contact's language by LANGUAGE. own: the guest's places and no-shows, newest first.
    """

    tx: Transaction
    message: Message
    contact: Contact
    intent: Intent
    pressed: Pressed | None
    asked: Question | None
    language_chosen: bool
    own: list[Place]
    positions: Positions
    public_url: str

    @cached_property
    def say(self) -> Replies:
        """The answers in the guest's language, else in that of the venue which is spoken of."""
        language = self.contact.language or nearest_language(self._venue_language()) or ENGLISH
        return self.say_in(language)

    def say_in(self, language: str) -> Replies:
        """The answers in this language."""
        has_buttons = CHANNELS[self.message.channel].has_buttons
        return Replies(language, self.public_url, has_buttons=has_buttons, pressed=self.message.button is not None)

    def language_heard(self) -> str | None:
        """The language to speak from now on: the contact's, unless this message is clearly in another."""
        own, heard = self.contact.language, self.intent.languages
        if self.language_chosen or not heard or own in heard:
            return own
        if len(heard) == 1:
            return heard[0]
        venues = nearest_language(self._venue_language())
        return venues if venues in heard else own or _of_country(self.message.address, heard)

    def choose_language(self, language: str) -> None:
        """The guest wants to be spoken to in this language, whatever is said later."""
        self.language_chosen = True
        self.contact.language = language
        kept = remembered(self.contact.dialogue, self.tx.now)
        self.contact.dialogue = memory(kept, language_chosen=True)

    @cached_property
    def by_code(self) -> dict[str, Entrance]:
        """The queues whose codes the message may name.

        Where every venue shares a bot, a word of somebody in line is no code without JOIN: "gracias" may be one.
        """
        codes = self._codes()
        if self.intent.bare and self.message.to is None and self.places:
            asked = self.was_asked(Asked.QUEUE)
            codes = tuple(code for code in codes if asked is not None and code in asked.choices)
        return {each.join_code: each for each in self._entrances if each.join_code in codes}

    @cached_property
    def reachable(self) -> list[Entrance]:
        """The queues that a JOIN without a code may mean: those at the number, or the only one there is."""
        number = self.message.to
        if number is not None:
            return [each for each in self._entrances if each.phone_number == number]
        only = self.tx.places.first_entrances(2)
        return only if len(only) == 1 else []

    @property
    def places(self) -> list[Place]:
        """The guest's places in line, newest first; not those of a day that is over."""
        return [
            place
            for place in self.own
            if place.ticket.state in ACTIVE_STATES and self.tx.now < place.at.queue.day_ends_at
        ]

    @cached_property
    def missed(self) -> list[Place]:
        """The calls that the guest missed and may still come back from, newest first."""
        return [place for place in self.own if self._may_come_back(place)]

    @property
    def sender(self) -> str:
        """Which of our senders the guest speaks with, as opt-outs name it."""
        return self.message.to or self.message.channel

    @property
    def stopped(self) -> bool:
        """Whether the guest told this sender to stop."""
        return self.sender in self.contact.opted_out

    def place(self, ticket_id: str) -> Place | None:
        """The guest's own place with this ticket."""
        return next((place for place in self.places if place.ticket.id == ticket_id), None)

    def look_again(self) -> None:
        """Read the guest's places anew: staff changed one since they were read."""
        self.own = own_places(self.tx, self.contact, self.message)
        self.__dict__.pop("missed", None)

    def standing(self, place: Place) -> Standing:
        """The place with its position of this moment."""
        return Standing(place.ticket, place.at, self._position(place.ticket))

    def standings(self) -> list[Standing]:
        """All of the guest's places."""
        return [self.standing(place) for place in self.places]

    def ask(
        self, asked: Asked, choices: tuple[str, ...] = (), *, party_size: int | None = None, name: str | None = None
    ) -> None:
        """Remember what the guest is asked now."""
        asked_now = question(asked, self.tx.now, choices, party_size=party_size, name=name)
        self.contact.dialogue = memory(asked_now, language_chosen=self.language_chosen)

    def forget(self) -> None:
        """No question waits for an answer any more."""
        self.contact.dialogue = memory(None, language_chosen=self.language_chosen)

    def was_asked(self, asked: Asked) -> Question | None:
        """The question of this kind that waits for an answer."""
        return self.asked if self.asked is not None and self.asked.asked is asked else None

    def chosen(self, choices: tuple[str, ...], names: Mapping[str, str]) -> str | None:
        """Which of the choices was meant, by its number in the list or by its name."""
        number = self.intent.number
        if number is not None:
            return choices[number - 1] if 1 <= number <= len(choices) else None
        candidates = {choice: _heart(names[choice]) for choice in choices if choice in names}
        found = process.extractOne(_heart(self.message.text), candidates, scorer=fuzz.ratio, score_cutoff=ALIKE)
        return None if found is None else found[2]

    @cached_property
    def _entrances(self) -> list[Entrance]:
        return self.tx.places.entrances(self._codes(), self.message.to)

    def _codes(self) -> tuple[str, ...]:
        """The join codes that the message may mean."""
        if self.pressed is not None:
            return (self.pressed.subject,) if self.pressed.press is Press.JOIN else ()
        asked, number = self.was_asked(Asked.QUEUE), self.intent.number
        if asked is not None and number is not None:
            return asked.choices[max(number - 1, 0) : max(number, 0)]
        return self.intent.codes

    def _venue_language(self) -> str | None:
        spoken_of = next(iter(self.by_code.values()), None) if self._codes() else None
        if spoken_of is None and self.own:
            return self.own[0].at.language
        spoken_of = spoken_of or next(iter(self.reachable), None)
        return None if spoken_of is None else spoken_of.language

    def _position(self, ticket: Ticket) -> int | None:
        if ticket.state is not TicketState.WAITING:
            return None
        # The view may not have heard yet of what this transaction read.
        return self.positions.position(ticket, self.tx) or self.tx.tickets.ahead_of(ticket) + 1

    def _may_come_back(self, place: Place) -> bool:
        until = back_until(place.ticket, place.at.queue, place.at)
        return until is not None and self.tx.now <= until


def own_places(tx: Transaction, contact: Contact, message: Message) -> list[Place]:
    """The guest's places and no-shows that concern who was written to, newest first.

    At another number another venue speaks, which may have put the guest in its line unasked.
    """
    places = tx.places.of_contact(contact.id)
    return [place for place in places if message.to is None or place.ticket.sender == message.to]


def _of_country(address: str, heard: Iterable[str]) -> str | None:
    """Which of these languages is spoken where the address belongs; None where it is no number, or none of them is."""
    spoken = languages_of_number(address) if address.startswith("+") else ()
    return next((language for language in heard if language.partition("-")[0] in spoken), None)


def _heart(name: str) -> str:
    """What is left of "The Bar, please" to compare it with "Bar"."""
    words = [plain(word) for word in name.split()]
    return " ".join([word for word in words if word not in FILLERS] or words)
