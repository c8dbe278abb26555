"""One dialogue for every channel: a guest's message in, the reply out.

A message is one transaction: its receipt with the reply, the change in line, the dialogue's memory and the events
it caused stand together or not at all. A repeat of the message gets the kept reply.
"""

import hashlib
from copy import deepcopy
from datetime import timedelta
from typing import Any

from bots import in_line, joining
from bots.buttons import Press, Pressed, read
from bots.channels import CHANNELS
from bots.dialogue import Asked, Question, question, remembered
from bots.message_limit import MessageLimit
from bots.messages import Button, Message, Reply
from bots.replies import SILENCE, Replies, slow_down
from bots.turn import Turn
from bots.understanding import Intent, Kind, nearest_language, understand
from bots.words import ENGLISH
from core.contacts import ContactBook
from core.model import Contact, ContactAddress
from core.queues import QueueService
from core.storage.places import Around
from core.storage.records import Once, Records, Transaction
from core.storage.view import Positions

RECEIPTS_KEPT = timedelta(days=7)
LONGEST_KEY = 100

LEAVE_NUMBER, HERE_NUMBER = joining.LEAVE_NUMBER, 1


class Conversation:
    """Answers messages, for all threads of a process.

    Links in replies begin with `public_url`. Without `limit` a contact may write as often as it likes.
    """

    def __init__(
        self,
        records: Records,
        queues: QueueService,
        contacts: ContactBook,
        positions: Positions,
        public_url: str,
        *,
        limit: MessageLimit | None = None,
    ) -> None:
        self._records = records
        self._queues = queues
        self._contacts = contacts
        self._positions = positions
        self._public_url = public_url
        self._limit = limit

    def answer(self, message: Message) -> Reply:
        """The reply to a message; to one that came before (same channel and carrier_id), the same as then.

        Raises RecordUnavailable while the database is away: nothing was changed, the carrier may try again.
        """
        # A wish to be left alone, or heard again, is never one too many.
        limited = message.carrier_word is None and self._limit is not None
        if limited and self._limit is not None and not self._limit.allows(message):
            return slow_down(self._language_heard(message), self._public_url)
        once = Once(f"message {message.channel}", _key(message.carrier_id), "", RECEIPTS_KEPT)
        return _from_json(self._records.answer_once(once, lambda tx: _to_json(self._answer(tx, message))))

    def _answer(self, tx: Transaction, message: Message) -> Reply:
        contact, planned = self._contact(tx, message)
        before = deepcopy(contact)
        asked = None if planned else remembered(contact.dialogue, tx.now)
        if planned or (asked is not None and asked.asked in (Asked.LEAVE, Asked.POSITION)):
            # Answered by the next message or not at all: a LEAVE of an hour ago is no yes.
            contact.dialogue = None
        intent = understand(message.text, contact.language or ENGLISH)
        contact.language = contact.language or intent.spoken or nearest_language(message.language)
        pressed = read(message.button) if message.button is not None else None
        around = tx.places.around(contact.id, _codes(intent, pressed, asked), message.to)
        turn = Turn(
            tx, message, contact, intent, pressed, asked, around, self._positions,
            say=self._replies(contact.language or _venue_language(around), message),
        )  # fmt: skip
        reply = self._reply(turn)
        if contact != before:
            tx.contacts.save(contact)
        return reply

    def _contact(self, tx: Transaction, message: Message) -> tuple[Contact, bool]:
        """The contact, locked, and whether it was made with a dialogue that has yet to come true.

        A new contact is written with what its JOIN will most likely leave there, which saves writing it twice.
        """
        intent = understand(message.text, ENGLISH)
        party = intent.party(intent.codes[0] if intent.codes else None)
        asks_party = intent.kind is Kind.JOIN and party.size is None
        dialogue = question(Asked.PARTY_SIZE, tx.now).to_json() if asks_party else None
        contact = self._contacts.lock_or_add(
            tx,
            ContactAddress(message.channel, message.address),
            language=self._language_heard(message),
            name=joining.tidy_name((intent.kind is Kind.JOIN and party.name) or message.name or ""),
            dialogue=dialogue,
        )
        return contact, dialogue is not None and contact.dialogue is dialogue

    def _reply(self, turn: Turn) -> Reply:
        if turn.message.carrier_word is not None:
            return self._to_carrier_word(turn)
        if turn.message.button is not None:
            return self._to_press(turn)
        match turn.intent.kind:
            case Kind.JOIN:
                return joining.join(turn, self._queues)
            case Kind.POSITION | Kind.HERE:
                return in_line.position(turn)
            case Kind.LEAVE:
                return in_line.leave(turn, self._queues)
            case Kind.LATE:
                return in_line.late(turn)
            case Kind.HELP:
                return turn.say.help(_venue_name(turn))
            case Kind.LANGUAGE:
                return self._set_language(turn, turn.intent.language)
        return self._to_choice(turn)

    def _to_choice(self, turn: Turn) -> Reply:
        """A number, or words that are no command: an answer to what was asked, or 9 and 1 for LEAVE and HERE."""
        answered = (
            joining.party_size_said(turn, self._queues)
            or joining.join_chosen(turn, self._queues)
            or in_line.place_chosen(turn, self._queues)
        )
        if answered is not None:
            return answered
        if turn.intent.number == LEAVE_NUMBER:
            return in_line.leave(turn, self._queues)
        if turn.intent.number == HERE_NUMBER:
            return in_line.position(turn)
        return turn.say.not_understood(turn.standings(), turn.reachable())

    def _to_press(self, turn: Turn) -> Reply:
        pressed = turn.pressed
        if pressed is None:
            return turn.say.not_understood(turn.standings(), turn.reachable())
        if pressed.press is Press.JOIN:
            return joining.join_pressed(turn, self._queues, pressed.subject)
        if pressed.press is Press.LANGUAGE:
            return self._set_language(turn, nearest_language(pressed.subject))
        place = turn.place(pressed.subject)
        if place is None:
            return in_line.nowhere(turn) if not turn.places else turn.say.place_is_over()
        match pressed.press:
            case Press.POSITION:
                return turn.say.position(turn.standing(place))
            case Press.LEAVE:
                return in_line.leave_place(turn, self._queues, place)
            case Press.PARTY_SIZE:
                return joining.set_party_size(turn, self._queues, place, pressed.count)

    def _to_carrier_word(self, turn: Turn) -> Reply:
        if turn.message.carrier_word == "stop":
            self._contacts.opt_out(turn.tx, turn.contact, turn.sender)
            return SILENCE if turn.message.carrier_answers else turn.say.stopped(in_line=bool(turn.places))
        if turn.message.carrier_word == "help":
            return SILENCE if turn.message.carrier_answers else turn.say.help(_venue_name(turn))
        opening = turn.say.started() if turn.stopped else None
        self._contacts.opt_in(turn.tx, turn.contact, turn.sender)
        if not turn.places:
            return turn.say.not_in_line(turn.reachable(), opening)
        return turn.say.standings(turn.standings(), opening)

    def _set_language(self, turn: Turn, language: str | None) -> Reply:
        if language is None:
            return turn.say.which_language()
        turn.contact.language = language
        return self._replies(language, turn.message).language_set()

    def _replies(self, language: str, message: Message) -> Replies:
        has_buttons = CHANNELS[message.channel].has_buttons
        return Replies(language, self._public_url, has_buttons=has_buttons, pressed=message.button is not None)

    def _language_heard(self, message: Message) -> str | None:
        """The language of the message's own words, else the carrier's hint."""
        return understand(message.text, ENGLISH).spoken or nearest_language(message.language)


def _codes(intent: Intent, pressed: Pressed | None, asked: Question | None) -> tuple[str, ...]:
    """The join codes that the message may mean."""
    if pressed is not None:
        return (pressed.subject,) if pressed.press is Press.JOIN else ()
    if intent.number is not None and asked is not None and asked.asked is Asked.QUEUE:
        return asked.choices[max(intent.number - 1, 0) : max(intent.number, 0)]
    return intent.codes


def _venue_language(around: Around) -> str:
    """The language of the venue that is spoken of, for a guest whose own is not known."""
    mentioned = [*around.by_code.values(), *(place.at for place in around.own), *around.at_number]
    return (nearest_language(mentioned[0].language) if mentioned else None) or ENGLISH


def _venue_name(turn: Turn) -> str | None:
    known = [*(place.at for place in turn.places), *turn.reachable()]
    return known[0].venue_name if known else None


def _key(carrier_id: str) -> str:
    """The receipt's key: the carrier's id, or what stands for one too long to be kept."""
    return carrier_id if len(carrier_id) <= LONGEST_KEY else hashlib.sha256(carrier_id.encode()).hexdigest()


def _to_json(reply: Reply) -> dict[str, Any]:
    rows = [[[button.label, button.data] for button in row] for row in reply.buttons]
    return {"text": reply.text, "buttons": rows}


def _from_json(kept: dict[str, Any]) -> Reply:
    rows = tuple(tuple(Button(label, data) for label, data in row) for row in kept["buttons"])
    return Reply(kept["text"], rows)
