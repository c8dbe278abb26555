"""The buttons under our texts, and what a pressed one says. Their data holds no more than 64 bytes."""

from dataclasses import dataclass
from enum import StrEnum

from bots.messages import Button
from bots.phrases import Phrases, where
from bots.words import ENGLISH, PORTUGUESE, SPANISH
from core.model import Ticket
from core.storage.places import Entrance, Place

Rows = tuple[tuple[Button, ...], ...]

LANGUAGE_NAMES = {ENGLISH: "English", PORTUGUESE: "Português", SPANISH: "Español"}
"""Each language in its own words, in the order in which they are offered."""

PARTY_SIZES = 8
LONGEST_DATA = 64
IN_A_ROW = 4


class Press(StrEnum):
    """What a button does."""

    JOIN = "join"
    POSITION = "position"
    LEAVE = "leave"
    PARTY_SIZE = "size"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A pressed button. `subject` is a join code, a ticket's id or a language; `count` a party size."""

    press: Press
    subject: str
    count: int = 0


def read(data: str) -> Pressed | None:
    """What a button's data says; None when it is none of ours."""
    name, _, rest = data.partition(":")
    subject, _, count = rest.partition(":")
    if (
        len(data) > LONGEST_DATA
        or name not in set(Press)
        or not subject
        or (count and not (count.isascii() and count.isdigit()))
    ):
        return None
    return Pressed(Press(name), subject, int(count[:4] or 0))


def card(phrases: Phrases, ticket: Ticket) -> Rows:
    """The two things a guest in line may want."""
    return (
        (
            Button(phrases.gettext("My place"), f"{Press.POSITION}:{ticket.id}"),
            Button(phrases.gettext("Leave"), f"{Press.LEAVE}:{ticket.id}"),
        ),
    )


def party_sizes(largest_party: int | None, ticket: Ticket) -> Rows:
    """The usual sizes, as far as the queue takes them."""
    largest = min(largest_party or PARTY_SIZES, PARTY_SIZES)
    buttons = [Button(str(size), f"{Press.PARTY_SIZE}:{ticket.id}:{size}") for size in range(1, largest + 1)]
    return tuple(tuple(buttons[start : start + IN_A_ROW]) for start in range(0, largest, IN_A_ROW))


def queues(choices: list[Entrance]) -> Rows:
    """One button to join each queue."""
    return tuple((Button(where(each), f"{Press.JOIN}:{each.join_code}"),) for each in choices)


def code(join_code: str) -> Rows:
    """The button to join the queue with this code."""
    return ((Button(join_code, f"{Press.JOIN}:{join_code}"),),)


def places(press: Press, choices: list[Place]) -> Rows:
    """One button for each place of the guest."""
    return tuple((Button(where(Entrance.of(place.at)), f"{press}:{place.ticket.id}"),) for place in choices)


def languages() -> Rows:
    """One button for each language."""
    return (tuple(Button(name, f"{Press.LANGUAGE}:{tag}") for tag, name in LANGUAGE_NAMES.items()),)
