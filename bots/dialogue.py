"""The conversation's memory, kept with the contact: what the guest was asked last, and whether the language was
chosen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

REMEMBERED = timedelta(minutes=10)
LANGUAGE_CHOSEN = "language_chosen"


class Asked(StrEnum):
    """The questions that a later message may answer; PARTY_ANSWERED is one that may be answered anew."""

    QUEUE = "queue"
    PARTY_SIZE = "party_size"
    PARTY_ANSWERED = "party_answered"
    POSITION = "position"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits for its answer until `until`.

    choices: QUEUE: join codes; otherwise the ids of the tickets in question; in the order in which the guest read
        them.
    party_size, name: QUEUE: what the guest had said already of the party that wants to join.
    """

    asked: Asked
    until: datetime
    choices: tuple[str, ...] = ()
    party_size: int | None = None
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The question as it is kept in `Contact.dialogue`."""
        return {
            "asked": self.asked,
            "until": self.until.isoformat(),
            "choices": list(self.choices),
            "party_size": self.party_size,
            "name": self.name,
        }


def question(
    asked: Asked,
    now: datetime,
    choices: tuple[str, ...] = (),
    *,
    party_size: int | None = None,
    name: str | None = None,
) -> Question:
    """A question asked now."""
    return Question(asked, now + REMEMBERED, choices, party_size, name)


def remembered(dialogue: dict[str, Any] | None, now: datetime) -> Question | None:
    """The question that still waits for its answer."""
    if not dialogue or "asked" not in dialogue:
        return None
    asked = Question(
        Asked(dialogue["asked"]),
        datetime.fromisoformat(dialogue["until"]),
        tuple(dialogue["choices"]),
        dialogue["party_size"],
        dialogue["name"],
    )
    return asked if now < asked.until else None


def language_chosen(dialogue: dict[str, Any] | None) -> bool:
    """Whether the guest chose the language by LANGUAGE, so that no other word changes it."""
    return bool(dialogue and dialogue.get(LANGUAGE_CHOSEN))


def memory(question: Question | None, *, language_chosen: bool) -> dict[str, Any] | None:
    """What `Contact.dialogue` keeps; None where there is nothing to remember."""
    asked = {} if question is None else question.to_json()
    return (asked | ({LANGUAGE_CHOSEN: True} if language_chosen else {})) or None
