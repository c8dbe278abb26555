"""One dialogue for every channel: a guest's message in, the reply out.

A message is one transaction: its receipt with the reply, the change in line, the dialogue's memory and the events
it caused stand together or not at all. A repeat of the message gets the kept reply.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bots import in_line, joining
from bots.buttons import Press, read
from bots.channels import CHANNELS
from bots.dialogue import Asked, language_chosen, remembered
from bots.message_limit import MessageLimit
from bots.messages import Button, Message, Reply
from bots.replies import SILENCE, slow_down
from bots.turn import Turn, own_places
from bots.understanding import Intent, Kind, understand
from bots.words import nearest_language
from core.contacts import ContactBook
from core.model import ContactAddress
from core.queues import QueueService
from core.storage.records import Once, Records, Transaction
from core.storage.view import Positions

RECEIPTS_KEPT = timedelta(days=7)
LONGEST_KEY = 100
LONGEST_TEXT = 1000
"""More than anybody says to a line; others wait for the database while it is read."""


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
        message = replace(message, text=message.text[:LONGEST_TEXT])
        once = Once(f"message {message.channel}", _key(message.carrier_id), "", RECEIPTS_KEPT)
        # A wish to be left alone, or heard again, is never one too many.
        if message.carrier_word is None and self._limit is not None and not self._limit.allows(message):
            language = _language_of_new(message, _heard(message, None))
            return self._answered_before(once) or slow_down(language, self._public_url)
        return _from_json(self._records.answer_once(once, lambda tx: _to_json(self._answer(tx, message))))

    def _answered_before(self, once: Once) -> Reply | None:
        kept = self._records.kept(once)
        return None if kept is None else _from_json(kept)

    def _answer(self, tx: Transaction, message: Message) -> Reply:
        contact, is_new = self._contacts.lock(tx, ContactAddress(message.channel, message.address))
        heard = _heard(message, contact.language)
        if is_new:
            contact.language = _language_of_new(message, heard)
            contact.name = _name_of_new(message, heard)
            self._contacts.add(tx, contact)
        before = replace(contact, opted_out=list(contact.opted_out))
        asked = remembered(contact.dialogue, tx.now)
        # Who writes there can be written to there; a block that still stands shows at the next notice.
        contact.unreachable = None
        turn = Turn(
            tx=tx,
            message=message,
            contact=contact,
            intent=heard,
            pressed=read(message.button) if message.button is not None else None,
            asked=asked,
            language_chosen=language_chosen(contact.dialogue),
            own=[] if is_new else own_places(tx, contact, message),
            positions=self._positions,
            public_url=self._public_url,
        )
        if asked is not None and asked.asked in (Asked.LEAVE, Asked.POSITION):
            # Answered by the next message or not at all: a LEAVE of an hour ago is no yes.
            turn.forget()
        contact.language = turn.language_heard() or nearest_language(message.language)
        reply = self._reply(turn)
        if contact != before:
            tx.contacts.save(contact)
        return reply

    def _reply(self, turn: Turn) -> Reply:
        if turn.message.carrier_word is not None:
            return self._to_carrier_word(turn)
        if turn.message.button is not None:
            return self._to_press(turn)
        # Unless a queue is called so: BAJA may well be one.
        if turn.intent.opting_out and not turn.by_code:
            has_stop = CHANNELS[turn.message.channel].has_stop
            return self._chosen(turn) or turn.say.how_to_stop(turn.places, has_stop=has_stop)
        match turn.intent.kind:
            case Kind.JOIN:
                return (self._answered(turn) if turn.intent.bare else None) or joining.join(turn, self._queues)
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
        return self._answered(turn) or self._to_number(turn)

    def _answered(self, turn: Turn) -> Reply | None:
        """The answer to an answer, if this message is one to what was asked."""
        return (
            joining.party_size_said(turn, self._queues)
            or joining.party_size_corrected(turn, self._queues)
            or self._chosen(turn)
        )

    def _chosen(self, turn: Turn) -> Reply | None:
        """The answer to the choice of one of several, if one was asked for and made."""
        return joining.join_chosen(turn, self._queues) or in_line.place_chosen(turn, self._queues)

    def _to_number(self, turn: Turn) -> Reply:
        """9 and 1 are LEAVE and HERE."""
        if turn.intent.number == joining.LEAVE_NUMBER:
            return in_line.leave(turn, self._queues)
        if turn.intent.number == joining.HERE_NUMBER:
            return in_line.position(turn)
        return turn.say.not_understood(turn.standings(), turn.reachable)

    def _to_press(self, turn: Turn) -> Reply:
        pressed = turn.pressed
        if pressed is None:
            return turn.say.not_understood(turn.standings(), turn.reachable)
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
            return turn.say.not_in_line(turn.reachable, opening)
        return turn.say.standings(turn.standings(), opening)

    def _set_language(self, turn: Turn, language: str | None) -> Reply:
        if language is None:
            return turn.say.which_language()
        turn.choose_language(language)
        return turn.say_in(language).language_set()


def _heard(message: Message, language: str | None) -> Intent:
    heard = understand(message.text, language or nearest_language(message.language))
    # A carrier's word is the same in every language.
    return heard if message.carrier_word is None else replace(heard, languages=())


def _language_of_new(message: Message, heard: Intent) -> str | None:
    """The language of the message's own words where that is clear, else the carrier's hint."""
    return heard.languages[0] if len(heard.languages) == 1 else nearest_language(message.language)


def _name_of_new(message: Message, heard: Intent) -> str:
    party = heard.party(heard.codes[0] if heard.codes else None)
    return joining.short_name((party.name if heard.kind is Kind.JOIN else None) or message.name or "")


def _venue_name(turn: Turn) -> str | None:
    if turn.places:
        return turn.places[0].at.venue_name
    return turn.reachable[0].venue_name if turn.reachable else None


def _key(carrier_id: str) -> str:
    """The receipt's key: the carrier's id, or what stands for one too long to be kept."""
    return carrier_id if len(carrier_id) <= LONGEST_KEY else hashlib.sha256(carrier_id.encode()).hexdigest()


def _to_json(reply: Reply) -> dict[str, Any]:
    rows = [[[button.label, button.data] for button in row] for row in reply.buttons]
    return {"text": reply.text, "buttons": rows}


def _from_json(kept: dict[str, Any]) -> Reply:
    rows = tuple(tuple(Button(label, data) for label, data in row) for row in kept["buttons"])
    return Reply(kept["text"], rows)
