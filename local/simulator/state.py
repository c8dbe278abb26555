"""What the simulated phones and chats show: kept in this process's memory, bounded, behind one lock."""

import itertools
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from core.clock import Clock

Channel = Literal["sms", "whatsapp", "telegram"]
Side = Literal["guest", "line", "carrier", "note"]

MOST_ENTRIES = 200
MOST_CONVERSATIONS = 40
MOST_MAILS = 100

SWITCHES: dict[Channel, dict[str, str]] = {
    "sms": {
        "off": "Phone off",
        "landline": "Landline: gets no texts (30006)",
        "throttled": "Carrier returns 429",
        "failing": "Carrier returns 500",
    },
    "whatsapp": {
        "off": "Phone off",
        "blocked": "Blocked the venue (63014)",
        "throttled": "Carrier returns 429",
        "failing": "Carrier returns 500",
    },
    "telegram": {
        "off": "Phone off",
        "blocked": "Blocked the bot (403)",
        "throttled": "Carrier returns 429",
        "failing": "Carrier returns 500",
    },
}


class Gone(LookupError):
    """The conversation was taken off the page."""


class Impossible(Exception):
    """What the page asked for can't be done on this phone now; the sentence says why."""


class Full(Exception):
    """There are as many conversations as the simulator keeps."""


@dataclass(slots=True)
class Button:
    label: str
    data: str | None = None  # what a press sends to the bot
    url: str | None = None  # what a press opens


@dataclass(slots=True)
class Entry:
    """One bubble. `id` is also Telegram's message_id; `held` until a phone that is off is switched on."""

    id: int
    side: Side
    text: str
    at: datetime
    number: str | None = None  # the venue's number on the other side
    status: str = ""  # of what the guest sent: sending, sent or failed
    buttons: list[list[Button]] = field(default_factory=list)
    edited_at: datetime | None = None
    held: bool = False
    segments: int = 1  # how many texts the venue pays for


@dataclass(slots=True)
class Popup:
    """What answerCallbackQuery shows: a toast, or an alert that has to be closed."""

    id: int
    text: str
    alert: bool


@dataclass(slots=True)
class Conversation:
    id: str
    channel: Channel
    address: str  # E.164, or a Telegram chat id
    name: str
    language: str | None = None
    added_by_hand: bool = True
    switches: set[str] = field(default_factory=set)
    opted_out_of: set[str] = field(default_factory=set)  # the venues' numbers that were told STOP
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    pressed: dict[str, int] = field(default_factory=dict)  # unanswered callback queries: id → message_id
    popup: Popup | None = None
    wrote_at: datetime | None = None  # when the guest last wrote
    version: int = 0

    def entry(self, entry_id: int) -> Entry | None:
        """The bubble of that id, if it is still kept."""
        return next((entry for entry in self.entries if entry.id == entry_id), None)


@dataclass(frozen=True, slots=True)
class Mail:
    id: int
    to: str
    subject: str
    text: str
    at: datetime


class State:
    """All conversations and mails. Every change happens inside `changing`, under the lock."""

    def __init__(self, clock: Clock) -> None:
        self.run = secrets.token_hex(8)  # tells a page that the server was started again
        self._clock = clock
        self.started_at = clock()
        self._lock = threading.RLock()
        self._conversations: dict[str, Conversation] = {}
        self._mails: deque[Mail] = deque(maxlen=MOST_MAILS)
        self._version = 1
        self._mails_version = 0
        # A random start: what an earlier run numbered still stands in the database and must not come again.
        self._ids = itertools.count(secrets.randbelow(1_000_000_000) + 1)

    def now(self) -> datetime:
        return self._clock()

    def next_id(self) -> int:
        """A number that this run has not given yet."""
        return next(self._ids)

    @contextmanager
    def changing(self, conversation_id: str) -> Iterator[Conversation]:
        """The conversation, locked, and marked as changed for the pages that look. Raises Gone."""
        with self._lock:
            conversation = self.conversation(conversation_id)
            self._version += 1
            conversation.version = self._version
            yield conversation

    def conversation(self, conversation_id: str) -> Conversation:
        """To read a single value from. Raises Gone."""
        try:
            return self._conversations[conversation_id]
        except KeyError:
            raise Gone(conversation_id) from None

    def switched(self, conversation_id: str, switch: str) -> bool:
        """Whether a switch is on. Raises Gone."""
        return switch in self.conversation(conversation_id).switches

    def asked_in(self, callback_query_id: str) -> str | None:
        """The conversation in which an unanswered button of that callback query was pressed."""
        with self._lock:
            for conversation in self._conversations.values():
                if callback_query_id in conversation.pressed:
                    return conversation.id
        return None

    def add_conversation(
        self,
        channel: Channel,
        address: str,
        name: str,
        language: str | None = None,
        *,
        added_by_hand: bool = True,
    ) -> str:
        """Adds a phone or chat and answers its id; one that is there already stays as it is.

        When there are too many, the one that has been quiet longest gives way, of those that nobody added
        by hand. Raises Full when there is none.
        """
        conversation_id = f"{channel}:{address}"
        with self._lock:
            if conversation_id not in self._conversations:
                if len(self._conversations) >= MOST_CONVERSATIONS:
                    self._give_way()
                self._conversations[conversation_id] = Conversation(
                    conversation_id, channel, address, name, language, added_by_hand
                )
                with self.changing(conversation_id):
                    pass
            return conversation_id

    def _give_way(self) -> None:
        candidates = [known for known in self._conversations.values() if not known.added_by_hand]
        if not candidates:
            raise Full
        del self._conversations[min(candidates, key=lambda known: known.version).id]

    def remove_conversation(self, conversation_id: str) -> None:
        """Takes a phone or chat off the page. Raises Gone."""
        with self.changing(conversation_id):
            del self._conversations[conversation_id]

    def add_entry(self, conversation_id: str, side: Side, text: str, **details: Any) -> Entry:
        """Adds a bubble; `details` are Entry's other fields. Raises Gone."""
        with self.changing(conversation_id) as conversation:
            entry = Entry(self.next_id(), side, text, self.now(), **details)
            conversation.entries.append(entry)
            return entry

    def mark(self, conversation_id: str, entry_id: int, status: str) -> None:
        """Sets the status of what the guest sent. Raises Gone."""
        with self.changing(conversation_id) as conversation:
            entry = conversation.entry(entry_id)
            if entry:
                entry.status = status

    def turn(self, conversation_id: str, switch: str, on: bool) -> None:
        """Turns a switch; a phone that comes on shows what was held for it. Raises Gone."""
        with self.changing(conversation_id) as conversation:
            if on:
                conversation.switches.add(switch)
                return
            conversation.switches.discard(switch)
            if switch == "off":
                for entry in conversation.entries:
                    entry.held = False

    def receive_mail(self, to: str, subject: str, text: str) -> None:
        """Puts a mail into the inbox."""
        with self._lock:
            self._version += 1
            self._mails_version = self._version
            self._mails.append(Mail(self.next_id(), to, subject, text, self.now()))

    def snapshot(self, since: int) -> dict[str, Any] | None:
        """What changed after version `since` (0: everything), ready for JSON; None when nothing did."""
        with self._lock:
            if since == self._version:
                return None
            since = since if since < self._version else 0
            return {
                "run": self.run,
                "version": self._version,
                "order": list(self._conversations),
                "changed": [
                    _shown(conversation)
                    for conversation in self._conversations.values()
                    if conversation.version > since
                ],
                "mails": [_mail(mail) for mail in self._mails] if self._mails_version > since else None,
            }


def _shown(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "channel": conversation.channel,
        "address": conversation.address,
        "name": conversation.name,
        "language": conversation.language,
        "switches": [
            {"name": name, "label": label, "on": name in conversation.switches}
            for name, label in SWITCHES[conversation.channel].items()
        ],
        "opted_out_of": sorted(conversation.opted_out_of),
        "entries": [_entry(entry) for entry in conversation.entries if not entry.held],
        "pressed": list(conversation.pressed.values()),
        "popup": asdict(conversation.popup) if conversation.popup else None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "side": entry.side,
        "text": entry.text,
        "at": entry.at.isoformat(),
        "number": entry.number,
        "status": entry.status,
        "buttons": [[asdict(button) for button in row] for row in entry.buttons],
        "edited": entry.edited_at is not None,
        "segments": entry.segments,
    }


def _mail(mail: Mail) -> dict[str, Any]:
    return {**asdict(mail), "at": mail.at.isoformat()}
