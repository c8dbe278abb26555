"""Bars with lines, and guests who text them: what the tests of the conversation and the notices stand on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from bots.conversation import Conversation
from bots.message_limit import MessageLimit
from bots.messages import Message, Reply
from core.contacts import ContactBook
from core.model import Contact, ContactAddress, Ticket
from core.queues import QueueService
from core.storage.records import Records, Transaction
from core.storage.view import Positions
from tests.clocks import StillClock
from tests.core.lines import OWNER, add_queue, add_venue

T = TypeVar("T")

NUMBER = "+15550100001"
PUBLIC_URL = "https://queue.example.com"


class Bars:
    """Every venue in town, and the conversation that its guests have with it."""

    def __init__(self, records: Records, limit: MessageLimit | None = None, positions: Positions | None = None) -> None:
        self.records = records
        self.queues = QueueService()
        self.contacts = ContactBook(b"a key for tests")
        self.conversation = Conversation(
            records, self.queues, self.contacts, positions or Positions(records, None), PUBLIC_URL, limit=limit
        )
        self.numbers = count(1)

    @property
    def clock(self) -> StillClock:
        assert isinstance(self.records.clock, StillClock)
        return self.records.clock

    def do(self, work: Callable[[Transaction], T]) -> T:
        return self.records.transaction(work)

    def wait(self, **how_long: float) -> None:
        self.clock.advance(timedelta(**how_long))

    def venue(self, name: str = "The Blue Door", number: str | None = NUMBER, **settings: Any) -> str:
        venue_id = f"venue{next(self.numbers)}"
        self.do(lambda tx: add_venue(tx, venue_id, OWNER, name=name, phone_number=number, **settings))
        return venue_id

    def queue(self, code: str = "DEMO", venue: str | None = None, **settings: Any) -> str:
        """A queue with this join code, at a venue of its own unless one is named."""
        venue_id = self.venue() if venue is None else venue
        values = {"name": "Blue Door", **settings}
        self.do(lambda tx: add_queue(tx, venue_id, code.lower(), join_code=code, **values))
        return code.lower()

    def guest(self, address: str | None = None, **of_message: Any) -> "Guest":
        return Guest(self, address or f"+1555020{next(self.numbers):04}", of_message)

    def fill(self, how_many: int, queue_id: str = "demo") -> list[Ticket]:
        return [self.do(lambda tx: self.queues.join(tx, queue_id, OWNER, contact=None)).ticket for _ in range(how_many)]

    def call_next(self, queue_id: str = "demo") -> Ticket:
        return self.do(lambda tx: self.queues.call_next(tx, queue_id, OWNER))

    def line(self, queue_id: str = "demo") -> list[Ticket]:
        """Those who wait, in order."""
        with self.records.reading() as tx:
            return tx.tickets.first_waiting(queue_id, 1000)


@dataclass
class Guest:
    """Somebody with a phone. `of_message` is what the carrier adds to every message."""

    bars: Bars
    address: str
    of_message: dict[str, Any] = field(default_factory=dict)

    def message(self, text: str = "", **of_message: Any) -> Message:
        usual = {"channel": "sms", "to": NUMBER, "carrier_id": f"SM{next(self.bars.numbers)}"}
        return Message(address=self.address, text=text, **(usual | self.of_message | of_message))

    def ask(self, text: str = "", **of_message: Any) -> Reply:
        return self.bars.conversation.answer(self.message(text, **of_message))

    def say(self, text: str = "", **of_message: Any) -> str:
        """The text that this is answered with."""
        reply = self.ask(text, **of_message)
        assert reply.text, f"{text!r} was not answered"
        return reply.text

    def press(self, reply: Reply, label: str) -> Reply:
        """Press a button under this reply."""
        data = next(button.data for row in reply.buttons for button in row if button.label == label)
        return self.ask(button=data)

    @property
    def tickets(self) -> list[Ticket]:
        """The guest's places and no-shows, newest first."""
        with self.bars.records.reading() as tx:
            return [place.ticket for place in tx.places.of_contact(self.contact.id)]

    @property
    def ticket(self) -> Ticket:
        return self.tickets[0]

    @property
    def contact(self) -> Contact:
        address = ContactAddress(self.of_message.get("channel", "sms"), self.address)
        return self.bars.do(lambda tx: self.bars.contacts.lock_or_add(tx, address))


def telegram(bars: Bars, address: str = "123456", **of_message: Any) -> Guest:
    """A guest who chats with the bot."""
    return bars.guest(address, channel="telegram", to=None, **of_message)
