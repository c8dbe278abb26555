"""A queue's evening told again from its events: a line of numbers, in the order of joining, as nobody is moved."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from core.model import EventKind, TicketState
from tests.core.invariants import LEADS_TO

WAITING, CALLED = TicketState.WAITING, TicketState.CALLED
FROM = {
    EventKind.CALLED: (WAITING,),
    EventKind.RECALLED: (CALLED,),
    EventKind.SERVED: (CALLED,),
    EventKind.NO_SHOW: (CALLED,),
    EventKind.PUT_BACK: (CALLED,),
    EventKind.CAME_BACK: (TicketState.NO_SHOW,),
    EventKind.LEFT: (WAITING, CALLED),
}


@dataclass
class History:
    """What the events of one queue say. AssertionError where they can't have happened like this."""

    numbers: dict[str, int]
    """Each ticket's number."""
    states: dict[str, TicketState] = field(default_factory=dict)
    line: set[int] = field(default_factory=set)
    """The numbers of those who wait."""
    places: dict[str, int] = field(default_factory=dict)
    """The position that each ticket had when it joined."""

    def tell(self, events: Iterable[Any]) -> None:
        """Take these events, in their order, as having happened."""
        for event in events:
            self._happens(event)

    def _happens(self, event: Any) -> None:
        ticket, kind = event.ticket_id, EventKind(event.kind)
        before = self.states.get(ticket)
        if kind is EventKind.ALMOST_THERE or ticket is None:
            return
        if kind is EventKind.JOINED:
            assert before is None, f"{ticket} joined twice"
            assert self.numbers[ticket] > max(self.line, default=0), f"{ticket} joined in front of others"
        elif kind in FROM:
            assert before in FROM[kind], f"{ticket} was {before} when it was {kind}"
        if kind is EventKind.CALLED:
            assert self.numbers[ticket] == min(self.line), f"{ticket} was called before its turn"
        after = TicketState(event.data["state"]) if kind is EventKind.UNDONE else LEADS_TO.get(kind)
        if after is None:
            return
        self.states[ticket] = after
        self.line.discard(self.numbers[ticket])
        if after is WAITING:
            self.line.add(self.numbers[ticket])
        if kind is EventKind.JOINED:
            self.places[ticket] = len(self.line)
