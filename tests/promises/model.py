"""A waiting line in plain Python: what the queue service must do, without a database."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from core.model import EventKind, QueueState, TicketState

CALLED, WAITING, NO_SHOW = TicketState.CALLED, TicketState.WAITING, TicketState.NO_SHOW
ACTIVE = (CALLED, WAITING)

CAPACITY, LARGEST_PARTY, ALMOST_THERE_AT = 6, 6, 2
NO_SHOW_AFTER, LONGEST_DELIVERY = timedelta(minutes=5), timedelta(minutes=2)
GRACE = timedelta(minutes=15)
DAY = timedelta(days=1)


class Refused(Exception):
    """The model says no, with the refusal's code."""


@dataclass
class Party:
    """A ticket of the model. `place` sorts the line; `changes` tells whether it was touched since an action."""

    number: int
    guest: str | None
    size: int
    place: Fraction
    day_ends_at: datetime
    state: TicketState = WAITING
    called_at: datetime | None = None
    ended_at: datetime | None = None
    no_show_at: datetime | None = None
    told: bool = False
    changes: int = 0
    events: list[EventKind] = field(default_factory=lambda: [EventKind.JOINED])

    def snapshot(self) -> tuple:
        return self.state, self.place, self.called_at, self.ended_at, self.no_show_at


@dataclass
class Model:
    """The line. Tickets are known by the order in which they joined."""

    now: datetime
    day_ends_at: datetime
    state: QueueState = QueueState.OPEN
    parties: list[Party] = field(default_factory=list)
    last_number: int = 0
    last_place: Fraction = Fraction(0)
    # The party, what it was before, when, and its changes just after the last staff action.
    last_action: tuple[int, tuple, datetime, int] | None = None

    def after(self, operation: str, *arguments: object) -> "Model":
        """The line after this operation; this one stays as it is. Raises Refused."""
        line = deepcopy(self)
        if operation not in ("advance", "sweep_no_shows"):
            line._end_day_if_over()
        getattr(line, operation)(*arguments)
        return line

    def waiting(self) -> list[int]:
        found = [index for index, party in enumerate(self.parties) if party.state is WAITING]
        return sorted(found, key=lambda index: self.parties[index].place)

    def active(self, guest: str) -> Party | None:
        return next((party for party in self.parties if party.guest == guest and party.state in ACTIVE), None)

    # What happens

    def advance(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def sweep_no_shows(self) -> None:
        for index, party in enumerate(self.parties):
            if party.state is CALLED and party.no_show_at is not None and party.no_show_at <= self.now:
                self._step(index, NO_SHOW, EventKind.NO_SHOW, staff=False)

    def sweep_days(self) -> None:
        """Nothing but what every operation does first."""

    def join(self, guest: str | None, size: int) -> None:
        if guest is not None and self.active(guest):
            raise Refused("already-in-line")
        if self.state is QueueState.CLOSED:
            raise Refused("queue-closed")
        if self.state is QueueState.PAUSED:
            raise Refused("queue-paused")
        if len(self.waiting()) >= CAPACITY:
            raise Refused("queue-full")
        self._check_size(size)
        self.last_number += 1
        self.last_place += 1
        self.parties.append(Party(self.last_number, guest, size, self.last_place, self.day_ends_at))
        if guest is None:
            self.last_action = None

    def call_next(self, seats: int | None) -> None:
        fitting = [index for index in self.waiting() if seats is None or self.parties[index].size <= seats]
        if not fitting:
            raise Refused("queue-empty")
        self.call(fitting[0])

    def call(self, index: int) -> None:
        party = self._in_state(index, WAITING)
        before = party.snapshot()
        self._start_call(party)
        party.state = CALLED
        self._changed(index, EventKind.CALLED, before)
        self._tell()

    def recall(self, index: int) -> None:
        party = self._in_state(index, CALLED)
        self._start_call(party)
        self._changed(index, EventKind.RECALLED, None)
        self.last_action = None

    def serve(self, index: int) -> None:
        self._in_state(index, CALLED)
        self._step(index, TicketState.SERVED, EventKind.SERVED)

    def no_show(self, index: int) -> None:
        self._in_state(index, CALLED)
        self._step(index, NO_SHOW, EventKind.NO_SHOW)

    def put_back(self, index: int) -> None:
        self._in_state(index, CALLED)
        self._step(index, WAITING, EventKind.PUT_BACK)

    def come_back(self, index: int, staff: bool) -> None:
        party = self._in_state(index, NO_SHOW)
        assert party.ended_at is not None
        if self.now > party.ended_at + GRACE or self.now >= party.day_ends_at:
            raise Refused("grace-over")
        if party.guest is not None and self.active(party.guest):
            raise Refused("already-in-line")
        self._step(index, WAITING, EventKind.CAME_BACK, staff=staff)

    def remove(self, index: int) -> None:
        self._give_up(index, TicketState.REMOVED, EventKind.REMOVED, staff=True)

    def leave(self, index: int) -> None:
        self._give_up(index, TicketState.LEFT, EventKind.LEFT, staff=False)

    def move(self, index: int, position: int, staff: bool) -> None:
        party = self._in_state(index, WAITING)
        before = party.snapshot()
        others = [other for other in self.waiting() if other != index]
        position = max(1, min(position, len(others) + 1))
        if position > len(others):
            self.last_place += 1
            party.place = self.last_place
        else:
            party.place = self._between(others, position)
        self._changed(index, EventKind.MOVED, before if staff else None)
        if not staff:
            self.last_action = None
        self._tell()

    def change(self, index: int, size: int, staff: bool) -> None:
        party = self._in_state(index, *ACTIVE)
        self._check_size(size)
        party.size = size
        self._changed(index, EventKind.CHANGED, None)
        if staff:
            self.last_action = None

    def undo(self) -> None:
        if self.last_action is None or self.now > self.last_action[2] + timedelta(minutes=1):
            raise Refused("nothing-to-undo")
        index, before, at, changes = self.last_action
        party = self.parties[index]
        regains = before[0] in ACTIVE and party.state not in ACTIVE
        if party.changes != changes or (regains and party.guest is not None and self.active(party.guest)):
            raise Refused("changed-since")
        shorter = party.state is WAITING and before[0] is not WAITING
        party.state, party.place, party.called_at, party.ended_at, party.no_show_at = before
        if party.no_show_at is not None:
            party.no_show_at += self.now - at
        self._changed(index, EventKind.UNDONE, None)
        self.last_action = None
        if shorter:
            self._tell()

    def set_state(self, state: QueueState) -> None:
        if self.state is not state:
            self.last_action = None
        self.state = state

    def close(self, remove: bool) -> None:
        self.set_state(QueueState.CLOSED)
        if remove:
            self._remove_all(EventKind.CLOSED)

    # Steps of these

    def _end_day_if_over(self) -> None:
        if self.now < self.day_ends_at:
            return
        self._remove_all(EventKind.DAY_ENDED)
        self.last_number = 0
        self.last_action = None
        while self.day_ends_at <= self.now:
            self.day_ends_at += DAY

    def _remove_all(self, kind: EventKind) -> None:
        for party in self.parties:
            if party.state in ACTIVE:
                party.state, party.ended_at, party.no_show_at = TicketState.REMOVED, self.now, None
                party.changes += 1
                party.events.append(kind)
                self.last_action = None

    def _in_state(self, index: int, *states: TicketState) -> Party:
        if self.parties[index].state not in states:
            raise Refused("wrong-state")
        return self.parties[index]

    def _check_size(self, size: int) -> None:
        if size < 1:
            raise Refused("invalid-party-size")
        if size > LARGEST_PARTY:
            raise Refused("party-too-large")

    def _start_call(self, party: Party) -> None:
        party.called_at = self.now
        party.no_show_at = self.now + NO_SHOW_AFTER + (LONGEST_DELIVERY if party.guest else timedelta(0))

    def _give_up(self, index: int, state: TicketState, kind: EventKind, *, staff: bool) -> None:
        waited = self._in_state(index, *ACTIVE).state is WAITING
        self._step(index, state, kind, staff=staff)
        if waited:
            self._tell()

    def _step(self, index: int, state: TicketState, kind: EventKind, *, staff: bool = True) -> None:
        party = self.parties[index]
        before = party.snapshot()
        party.state = state
        party.no_show_at = None
        if state is WAITING:
            party.called_at = party.ended_at = None
        else:
            party.ended_at = self.now
        self._changed(index, kind, before if staff else None)

    def _changed(self, index: int, kind: EventKind, before: tuple | None) -> None:
        party = self.parties[index]
        party.changes += 1
        party.events.append(kind)
        if before is not None:
            self.last_action = index, before, self.now, party.changes

    def _tell(self) -> None:
        for index in self.waiting()[:ALMOST_THERE_AT]:
            if not self.parties[index].told:
                self.parties[index].told = True
                self.parties[index].events.append(EventKind.ALMOST_THERE)

    def _between(self, others: list[int], position: int) -> Fraction:
        """A place just before the first, or just behind the one who then stands before."""
        places = sorted(party.place for party in self.parties)
        if position == 1:
            high = self.parties[others[0]].place
            low = max((place for place in places if place < high), default=high - 2)
        else:
            low = self.parties[others[position - 2]].place
            high = min(place for place in places if place > low)
        return (low + high) / 2
