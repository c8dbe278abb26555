"""The sentences that replies and notices share, in each language. Written to be read in a loud bar: short, and
the place or the turn first.

A message in English is the key of the catalogues in `bots/locales/`. The words in capitals are typed by guests:
a translation puts the words that `bots.words` knows in its language.
"""

import gettext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bots.channels import shortened
from bots.words import LANGUAGES
from core.estimates import estimate
from core.model import Queue, Ticket, TicketState
from core.storage.places import Entrance
from core.storage.queues import QueueAtVenue

LOCALES = Path(__file__).parent / "locales"
LONGEST_NAME = 60
LONGEST_TEXT = 320
"""Two segments and a little: nobody reads more in a bar, and the guest's page has the whole."""


@lru_cache(maxsize=len(LANGUAGES))
def translation(language: str) -> gettext.NullTranslations:
    """The catalogue of one of `bots.words.LANGUAGES`. Raises FileNotFoundError before `make setup` compiled it."""
    return gettext.translation("messages", LOCALES, [language.replace("-", "_")])


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a guest stands: the ticket, its queue and venue, and the position (None unless it waits)."""

    ticket: Ticket
    at: QueueAtVenue
    position: int | None

    @property
    def where(self) -> str:
        """The venue and queue."""
        return where(Entrance.of(self.at))


def where(entrance: Entrance) -> str:
    """The venue and queue in a guest's words, at most 60 characters; once where one name holds the other."""
    venue, queue = entrance.venue_name, entrance.name
    if queue.casefold() in venue.casefold():
        both = venue
    else:
        both = queue if venue.casefold() in queue.casefold() else f"{venue} ({queue})"
    return shortened(both, LONGEST_NAME)


def sentences(*parts: str | None) -> str:
    """The parts that say something, as one text."""
    return " ".join(part for part in parts if part)


def bounded(*parts: str | None) -> str:
    """The same, cut where nobody would read on; what staff wrote should stand last."""
    return shortened(sentences(*parts), LONGEST_TEXT)


def with_words_of_staff(text: str, words: str) -> str:
    """The text, and after it as much of what staff wrote for their guests as is still read."""
    room = LONGEST_TEXT - len(text) - 1
    return sentences(text, shortened(words, room)) if words and room > 0 else text


class Phrases:
    """Sentences in one language, one of `bots.words.LANGUAGES`; links begin with `public_url`."""

    def __init__(self, language: str, public_url: str) -> None:
        self.language = language
        self._public_url = public_url.rstrip("/")
        self.gettext = translation(language).gettext
        self.ngettext = translation(language).ngettext

    def standing(self, standing: Standing) -> str:
        """The place and the number, or that it is this guest's turn."""
        if standing.ticket.state is TicketState.CALLED:
            return self.turn(standing)
        return self.gettext("Place {place} in line at {where}. Your number is {number}.").format(
            place=standing.position, where=standing.where, number=standing.ticket.number
        )

    def turn(self, standing: Standing) -> str:
        """Come in now: in the queue's own words where staff wrote some."""
        turn = self.gettext("It's your turn at {where}! Number {number}.").format(
            where=standing.where, number=standing.ticket.number
        )
        return with_words_of_staff(turn, standing.at.queue.called_message or self.gettext("Please come now."))

    def wait(self, queue: Queue, position: int | None) -> str | None:
        """How long it will take, as far as that is known."""
        expected = estimate(queue, position)
        if expected is None:
            return None
        low, high = expected.low_minutes, max(expected.high_minutes, 1)
        if low == 0:
            return self.gettext("Wait: up to {minutes} min.").format(minutes=high)
        if low == high:
            return self.gettext("Wait: about {minutes} min.").format(minutes=high)
        return self.gettext("Wait: about {low} to {high} min.").format(low=low, high=high)

    def people(self, count: int) -> str:
        """The size of a party."""
        return self.ngettext("{count} person.", "{count} people.", count).format(count=count)

    def ask_party_size(self) -> str:
        """The one question after a join."""
        return self.gettext("How many are you? Reply with a number.")

    def link(self, ticket: Ticket) -> str:
        """The guest's own page."""
        return f"{self._public_url}/t/{ticket.token}"
