"""What those who wait may say: POSITION, HERE, LATE and LEAVE."""

from bots.dialogue import Asked
from bots.messages import Reply
from bots.turn import Turn
from core.errors import NotFound, WrongState
from core.model import GUEST
from core.queues import QueueService
from core.storage.places import Entrance, Place


def position(turn: Turn) -> Reply:
    """Where the guest stands; in several lines, first which one is meant."""
    if not turn.places:
        return nowhere(turn)
    if len(turn.places) == 1:
        return turn.say.position(turn.standing(turn.places[0]))
    turn.ask(Asked.POSITION, _ids(turn.places))
    return turn.say.which_position(turn.places)


def late(turn: Turn) -> Reply:
    """Only staff can hold a place for those who are late."""
    return turn.say.late(turn.standings()) if turn.places else nowhere(turn)


def leave(turn: Turn, queues: QueueService) -> Reply:
    """Asked once, then done; in several lines the choice of one is the yes."""
    places = turn.places
    if not places:
        return nowhere(turn)
    if len(places) > 1:
        turn.ask(Asked.LEAVE, _ids(places))
        return turn.say.which_leave(places)
    return leave_place(turn, queues, places[0])


def leave_place(turn: Turn, queues: QueueService, place: Place) -> Reply:
    """Give this place up if the guest was asked about it, else ask."""
    asked = turn.was_asked(Asked.LEAVE)
    if asked is None or place.ticket.id not in asked.choices:
        turn.ask(Asked.LEAVE, (place.ticket.id,))
        return turn.say.leave_asked(place)
    try:
        queues.leave(turn.tx, place.ticket.id, GUEST)
    except (WrongState, NotFound):
        return what_is_left(turn)
    return turn.say.left(Entrance.of(place.at))


def place_chosen(turn: Turn, queues: QueueService) -> Reply | None:
    """What the guest wanted with one of several places, if this message chooses one of those."""
    asked = turn.was_asked(Asked.LEAVE) or turn.was_asked(Asked.POSITION)
    if asked is None or len(asked.choices) < 2:
        return None
    names = {place.ticket.id: place.at.queue.name for place in turn.places}
    place = turn.place(turn.chosen(asked.choices, names) or "")
    if place is None:
        return None
    if asked.asked is Asked.LEAVE:
        return leave_place(turn, queues, place)
    return turn.say.position(turn.standing(place))


def nowhere(turn: Turn) -> Reply:
    """No place: the way back for a no-show, or the way in."""
    missed = turn.missed
    return turn.say.missed(Entrance.of(missed[0].at)) if missed else turn.say.not_in_line(turn.reachable)


def what_is_left(turn: Turn) -> Reply:
    """Served, removed or a no-show since this message was read: the guest's other places, or the way back."""
    turn.look_again()
    return turn.say.standings(turn.standings(), None) if turn.places else nowhere(turn)


def _ids(places: list[Place]) -> tuple[str, ...]:
    return tuple(place.ticket.id for place in places)
