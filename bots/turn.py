"""One message on its way to an answer, with everything that the answer needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from rapidfuzz import fuzz, process

from bots.buttons import Pressed
from bots.dialogue import Asked, Question, question
from bots.messages import Message
from bots.phrases import Standing
from bots.replies import Replies
from bots.understanding import Intent, plain
from core.model import ACTIVE_STATES, Contact, Ticket, TicketState
from core.storage.places import Around, Place
from core.storage.queues import QueueAtVenue
from core.storage.records import Transaction
from core.storage.view import Positions

ALIKE = 85


@dataclass(slots=True)
class Turn:
    """A message in its transaction. `contact` is locked; what is changed of it is saved when the turn is over.

    pressed: the button, where one was pressed. asked: the question that this message may answer.
    """

    tx: Transaction
    message: Message
    contact: Contact
    intent: Intent
    pressed: Pressed | None
    asked: Question | None
    around: Around
    positions: Positions
    say: Replies

    @property
    def places(self) -> list[Place]:
        """The guest's places in line, newest first; not those of a day that is over."""
        return [
            place
            for place in self.around.own
            if place.ticket.state in ACTIVE_STATES and self.tx.now < place.at.queue.day_ends_at
        ]

    @property
    def missed(self) -> list[Place]:
        """The calls that the guest missed and may still come back from, newest first."""
        return [place for place in self.around.own if self._may_come_back(place)]

    @property
    def sender(self) -> str:
        """Which of our senders the guest speaks with, as opt-outs name it."""
        return self.message.to or self.message.channel

    @property
    def stopped(self) -> bool:
        """Whether the guest told this sender to stop."""
        return self.sender in self.contact.opted_out

    def reachable(self) -> list[QueueAtVenue]:
        """The queues that a JOIN without a code may mean: those at the number, or the only one there is."""
        if self.message.to is not None:
            return self.around.at_number
        only = self.tx.queues.all_at_venues(2)
        return only if len(only) == 1 else []

    def place(self, ticket_id: str) -> Place | None:
        """The guest's own place with this ticket."""
        return next((place for place in self.places if place.ticket.id == ticket_id), None)

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
        self.contact.dialogue = question(asked, self.tx.now, choices, party_size=party_size, name=name).to_json()

    def forget(self) -> None:
        """No question waits for an answer any more."""
        self.contact.dialogue = None

    def was_asked(self, asked: Asked) -> Question | None:
        """The question of this kind that waits for an answer."""
        return self.asked if self.asked is not None and self.asked.asked is asked else None

    def chosen(self, choices: tuple[str, ...], names: Mapping[str, str]) -> str | None:
        """Which of the choices was meant, by its number in the list or by its name."""
        number = self.intent.number
        if number is not None:
            return choices[number - 1] if 1 <= number <= len(choices) else None
        candidates = {choice: plain(names[choice]) for choice in choices if choice in names}
        found = process.extractOne(plain(self.message.text), candidates, scorer=fuzz.ratio, score_cutoff=ALIKE)
        return None if found is None else found[2]

    def _position(self, ticket: Ticket) -> int | None:
        if ticket.state is not TicketState.WAITING:
            return None
        # The view may not have heard yet of what this transaction read.
        return self.positions.position(ticket) or self.tx.tickets.ahead_of(ticket) + 1

    def _may_come_back(self, place: Place) -> bool:
        ended_at, queue = place.ticket.ended_at, place.at.queue
        if place.ticket.state is not TicketState.NO_SHOW or ended_at is None or self.tx.now >= queue.day_ends_at:
            return False
        return self.tx.now <= ended_at + timedelta(minutes=queue.grace_minutes)
