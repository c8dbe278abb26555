"""JOIN: which queue is meant, the place in it, and the party that it is for."""

from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bots.dialogue import Asked
from bots.in_line import leave, what_is_left
from bots.messages import Reply
from bots.phrases import Standing
from bots.turn import Turn
from bots.understanding import Intent, Party
from bots.words import plain
from core.errors import (
    AlreadyInLine,
    GraceOver,
    InvalidPartySize,
    NotFound,
    PartyTooLarge,
    QueueClosed,
    QueueFull,
    QueuePaused,
    WrongState,
)
from core.model import GUEST, QueueState, Ticket, TicketState
from core.names import tidy_name
from core.queues import LARGEST_PARTY, LONGEST, QueueService
from core.storage.places import Entrance, Place

MOST_CHOICES = 8
NEAR = 0.5
VERY_NEAR = 0.7
LEAVE_NUMBER, HERE_NUMBER = 9, 1


def join(turn: Turn, queues: QueueService) -> Reply:
    """Take a place where the text says; ask where it does not say enough."""
    code = _code(turn)
    if code is not None:
        return take_place(turn, queues, turn.by_code[code], turn.intent.party(code))
    if turn.intent.bare:
        return _not_a_code(turn)
    party = turn.intent.party(None)
    reachable = turn.reachable
    named = next((each for each in reachable if plain(each.name).upper() in turn.intent.codes), None)
    if named is not None:
        return take_place(turn, queues, named, turn.intent.party(plain(named.name).upper()))
    if turn.intent.codes and (len(reachable) != 1 or _meant_as_code(turn.intent, reachable[0].join_code)):
        return _unknown_code(turn, turn.intent.codes[0], reachable, party)
    # Who texts another bar's number does not mean the call that was missed here.
    missed = [place for place in turn.missed if place.ticket.sender == turn.message.to]
    coming_back = [Entrance.of(place.at) for place in missed] if not turn.intent.codes else []
    return _into_one_of(turn, queues, coming_back[:1] or reachable, party)


def join_chosen(turn: Turn, queues: QueueService) -> Reply | None:
    """Take the place that the guest was asked about, if this message chooses one of those."""
    asked = turn.was_asked(Asked.QUEUE)
    if asked is None:
        return None
    offered = {each.join_code: each for each in (*turn.reachable, *turn.by_code.values())}
    code = _code(turn) or turn.chosen(asked.choices, {code: each.name for code, each in offered.items()})
    if code is None or code not in asked.choices or code not in offered:
        return None
    said = turn.intent.party(code) if code in turn.intent.codes else Party(None, None)
    size = asked.party_size if said.size is None else said.size
    return take_place(turn, queues, offered[code], Party(size, said.name or asked.name))


def join_pressed(turn: Turn, queues: QueueService, code: str) -> Reply:
    """Take a place in the queue that a button names."""
    entrance = turn.by_code.get(code)
    if entrance is None:
        return turn.say.unknown_code(code, None)
    return take_place(turn, queues, entrance, Party(None, None))


def take_place(turn: Turn, queues: QueueService, entrance: Entrance, party: Party) -> Reply:
    """The place first, everything else after: it counts for the guest when the message came."""
    turn.forget()
    missed = next((place for place in turn.missed if place.at.queue.id == entrance.queue_id), None)
    return (_come_back(turn, queues, missed, party) if missed else None) or _join(turn, queues, entrance, party)


def party_size_said(turn: Turn, queues: QueueService) -> Reply | None:
    """The answer to "How many are you?", if that was asked: "4", or "4 Ana"; asked again where it is neither."""
    asked = turn.was_asked(Asked.PARTY_SIZE)
    place = None if asked is None else turn.place(next(iter(asked.choices), ""))
    if place is None or _code(turn) is not None:
        return None
    size, name = turn.intent.answer
    if size is None:
        _ask_party_size(turn, place.ticket)
        return turn.say.party_size_not_understood(place)
    if place.ticket.guest_name:
        name = None
    largest = place.at.queue.largest_party or LARGEST_PARTY
    if size == LEAVE_NUMBER and name is None and largest < LEAVE_NUMBER:
        return leave(turn, queues)
    return set_party_size(turn, queues, place, size, name)


def party_size_corrected(turn: Turn, queues: QueueService) -> Reply | None:
    """Another number soon after the answer is the answer anew; but 1 and 9 are HERE and LEAVE again."""
    answered, size = turn.was_asked(Asked.PARTY_ANSWERED), turn.intent.number
    if answered is None or size is None or size in (HERE_NUMBER, LEAVE_NUMBER):
        return None
    place = turn.place(answered.choices[0])
    if place is None or place.ticket.state is not TicketState.WAITING:
        return None
    return set_party_size(turn, queues, place, size)


def set_party_size(
    turn: Turn,
    queues: QueueService,
    place: Place,
    size: int,
    name: str | None = None,
    opening: str | None = None,
) -> Reply:
    """Note how many wait with the guest; asked again where the queue can't take so many.

    opening: what the answer begins with, in place of the thanks.
    """
    guest_name = None if name is None else short_name(name)
    try:
        ticket = queues.change(turn.tx, place.ticket.id, GUEST, guest_name=guest_name, party_size=size)
    except (InvalidPartySize, PartyTooLarge) as refusal:
        _ask_party_size(turn, place.ticket)
        return turn.say.refused(refusal, Entrance.of(place.at), place.ticket, opening)
    except (WrongState, NotFound):
        turn.forget()
        return what_is_left(turn)
    turn.ask(Asked.PARTY_ANSWERED, (ticket.id,))
    return turn.say.party_size_set(turn.standing(replace(place, ticket=ticket)), opening)


def _join(turn: Turn, queues: QueueService, entrance: Entrance, party: Party) -> Reply:
    name = short_name(party.name or turn.message.name or turn.contact.name)
    try:
        joined = queues.join(
            turn.tx,
            entrance.queue_id,
            GUEST,
            contact=turn.contact,
            sender=turn.message.to,
            guest_name=name,
            party_size=1 if party.size is None else party.size,
            announce=turn.pressed is not None,
        )
    except AlreadyInLine as refusal:
        return _already_in_line(turn, queues, refusal, entrance, party)
    except (QueuePaused, QueueClosed, QueueFull, InvalidPartySize, PartyTooLarge) as refusal:
        return turn.say.refused(refusal, entrance)
    turn.contact.name = name
    asks_party = party.size is None and joined.queue.largest_party != 1
    if asks_party:
        _ask_party_size(turn, joined.ticket)
    at = entrance.with_queue(joined.queue)
    return turn.say.joined(
        Standing(joined.ticket, at, joined.position),
        party_said=party.size is not None,
        asks_party=asks_party,
        stopped=turn.stopped,
    )


def _already_in_line(
    turn: Turn, queues: QueueService, refusal: AlreadyInLine, entrance: Entrance, party: Party
) -> Reply:
    """The place that the guest has; while it waits, another party size is taken note of."""
    if turn.was_asked(Asked.PARTY_SIZE):
        _ask_party_size(turn, refusal.details["ticket"])
    ticket, at = refusal.details["ticket"], turn.tx.queues.at_venue(entrance.queue_id)
    assert at is not None
    size = ticket.party_size if party.size is None else party.size
    name = None if ticket.guest_name else party.name
    if ticket.state is TicketState.WAITING and (size != ticket.party_size or name):
        return set_party_size(turn, queues, Place(ticket, at), size, name, opening=turn.say.already())
    return turn.say.already_in_line(Standing(ticket, at, refusal.details["position"]))


def _come_back(turn: Turn, queues: QueueService, missed: Place, party: Party) -> Reply | None:
    """The old place again, for the party that it was for or is now; None where it is too late for that."""
    try:
        ticket = queues.come_back(turn.tx, missed.ticket.id, GUEST, announce=turn.pressed is not None)
    except (GraceOver, WrongState, AlreadyInLine):
        return None
    if party.size is not None and party.size != ticket.party_size:
        place = replace(missed, ticket=ticket)
        return set_party_size(turn, queues, place, party.size, opening=turn.say.welcome_back())
    standing = Standing(ticket, missed.at, turn.tx.tickets.ahead_of(ticket) + 1)
    return turn.say.came_back(standing, stopped=turn.stopped)


def _ask_party_size(turn: Turn, ticket: Ticket) -> None:
    turn.ask(Asked.PARTY_SIZE, (ticket.id,))


def _code(turn: Turn) -> str | None:
    """The first of the words that is a queue's join code."""
    return next((code for code in turn.intent.codes if code in turn.by_code), None)


def _not_a_code(turn: Turn) -> Reply:
    """Words that are no command and no code: a slip in a code, or something else."""
    if len(turn.intent.words) == 1 and not turn.places:
        nearest = _nearest(turn.intent.codes[0], _alike(turn, turn.intent.codes[0]), VERY_NEAR)
        if nearest is not None:
            return turn.say.unknown_code(turn.intent.codes[0], nearest)
    return turn.say.not_understood(turn.standings(), turn.reachable)


def _into_one_of(turn: Turn, queues: QueueService, reachable: list[Entrance], party: Party) -> Reply:
    choices = [each for each in reachable if each.state is not QueueState.CLOSED] or reachable
    if not choices:
        return turn.say.code_needed()
    if len(choices) == 1:
        return take_place(turn, queues, choices[0], party)
    return _ask_which(turn, choices, party)


def _ask_which(turn: Turn, choices: list[Entrance], party: Party, unknown_code: str | None = None) -> Reply:
    choices = choices[:MOST_CHOICES]
    codes = tuple(each.join_code for each in choices)
    turn.ask(Asked.QUEUE, codes, party_size=party.size, name=party.name and short_name(party.name))
    return turn.say.which_queue(choices, unknown_code)


def _unknown_code(turn: Turn, code: str, reachable: list[Entrance], party: Party) -> Reply:
    """Say so, and offer the nearest code, or what can be joined here."""
    nearest = _nearest(code, _alike(turn, code), NEAR)
    if nearest is None and len(reachable) == 1:
        nearest = reachable[0].join_code
    if nearest is None and reachable:
        return _ask_which(turn, reachable, Party(party.size, None), unknown_code=code)
    return turn.say.unknown_code(code, nearest)


def _meant_as_code(intent: Intent, join_code: str) -> bool:
    """Whether the first word, which is no code, was meant as one, and not as the guest's name.

    As a code: DEMX (in capitals), demo1, "dmeo" where DEMO is meant, and the first word of "nope 4 Ana".
    """
    word, code = intent.words[0], intent.codes[0]
    if plain(word).upper() != code:
        return False
    if word.isupper() or not word.isalpha() or _nearest(code, [join_code], VERY_NEAR) is not None:
        return True
    size, name = replace(intent, words=intent.words[1:]).party(None)
    return size is not None and name is not None


def _alike(turn: Turn, code: str) -> list[str]:
    return turn.tx.queues.join_codes_like(code, turn.message.to)


def _nearest(code: str, codes: list[str], at_least: float) -> str | None:
    found = process.extractOne(code, codes, scorer=OSA.normalized_similarity, score_cutoff=at_least)
    return None if found is None else found[0]


def short_name(name: str) -> str:
    """A name as staff can read it, of the record's length."""
    return tidy_name(name)[: LONGEST["guest_name"]]
