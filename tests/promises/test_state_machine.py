"""One place, fair, once: whatever guests, staff and time do, the record is what a plain-Python line would be."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, select

from core.errors import Refusal
from core.model import GUEST, Actor, ContactAddress, QueueState, Ticket, TicketState
from core.queues import QueueService
from core.storage.records import Records, Transaction
from core.storage.tables import events, tickets
from core.sweeps import Sweeper
from tests.clocks import StillClock
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, Line, add_queue
from tests.promises.model import ALMOST_THERE_AT, CAPACITY, LARGEST_PARTY, Model, Refused

guests = st.sampled_from([None, "Ana", "Bia", "Caio", "Davi", "Eva"])
sizes = st.integers(0, LARGEST_PARTY + 1)
# A ticket by its age: the newest are the most interesting.
which = st.integers(0, 7)
ALLOWED = {
    "call": TicketState.WAITING,
    "recall": TicketState.CALLED,
    "serve": TicketState.CALLED,
    "no_show": TicketState.CALLED,
    "put_back": TicketState.CALLED,
    "come_back": TicketState.NO_SHOW,
    "remove": TicketState.WAITING,
}
SETTINGS: dict[str, Any] = {
    "capacity": CAPACITY,
    "largest_party": LARGEST_PARTY,
    "almost_there_at": ALMOST_THERE_AT,
    "no_show_minutes": 5,
    "grace_minutes": 15,
}


class LineMachine(RuleBasedStateMachine):
    """Does the same to the record and to the model, and compares."""

    def __init__(self, line: Line, queue_id: str) -> None:
        super().__init__()
        self.line = line
        self.queue_id = queue_id
        self.queues = QueueService()
        self.tickets: list[Ticket] = []

    @initialize()
    def open_a_queue(self) -> None:
        self.line.do(lambda tx: add_queue(tx, "venue", self.queue_id, **SETTINGS))
        with self.line.records.reading() as tx:
            queue = tx.queues.get(self.queue_id)
        assert queue is not None
        self.model = Model(self.line.clock.now, queue.day_ends_at)

    def both(self, operation: str, arguments: tuple, work: Any) -> Any:
        """Do it to the record and to the model: both refuse for the same reason, or both do it."""
        try:
            after, reason = self.model.after(operation, *arguments), None
        except Refused as refused:
            after, reason = self.model, str(refused)
        done, code = self.attempt(work)
        assert code == reason, f"{operation}{arguments}: the record says {code}, the model {reason}"
        self.model = after
        return done

    def attempt(self, work: Any) -> tuple[Any, str | None]:
        try:
            return self.line.do(work), None
        except Refusal as refusal:
            return None, refusal.code

    @rule(guest=guests, size=sizes)
    def join(self, guest: str | None, size: int) -> None:
        def work(tx: Transaction) -> Ticket:
            contact = None
            if guest is not None:
                contact = self.line.book.lock_or_add(tx, ContactAddress("sms", guest))
            actor = OWNER if guest is None else GUEST
            joined = self.queues.join(tx, self.queue_id, actor, contact=contact, party_size=size)
            assert joined.position == len(tx.tickets.first_waiting(self.queue_id, 100))
            return joined.ticket

        ticket = self.both("join", (guest, size), work)
        if ticket is not None:
            self.tickets.append(ticket)

    @rule(guest=guests.filter(bool))
    def join_like_most(self, guest: str) -> None:
        self.join(guest, 2)

    @rule(seats=st.none() | st.integers(1, LARGEST_PARTY))
    def call_next(self, seats: int | None) -> None:
        self.both("call_next", (seats,), lambda tx: self.queues.call_next(tx, self.queue_id, OWNER, seats))

    @rule()
    def call_the_first(self) -> None:
        self.call_next(None)

    @rule(action=st.sampled_from(["call", "recall", "serve", "no_show", "put_back", "remove"]), age=which)
    def act(self, action: str, age: int) -> None:
        self.on_ticket(action, age, OWNER)

    @rule(action=st.sampled_from(sorted(ALLOWED)))
    def act_where_it_is_allowed(self, action: str) -> None:
        """The newest ticket in the state that the action starts from; one is brought there if it must be."""
        state = ALLOWED[action]
        if state is not TicketState.WAITING and not self.in_state(state):
            self.call_next(None)
            if state is TicketState.NO_SHOW and self.in_state(TicketState.CALLED):
                self.on_ticket("no_show", self.in_state(TicketState.CALLED)[0], OWNER)
        if self.in_state(state):
            more = (True,) if action == "come_back" else ()
            self.on_ticket(action, self.in_state(state)[0], OWNER, *more)

    @rule(
        action=st.sampled_from(sorted(ALLOWED)),
        meanwhile=st.sampled_from(["", "", "leave", "change", "join", "move", "a minute", "more than a minute"]),
    )
    def act_and_undo(self, action: str, meanwhile: str) -> None:
        self.act_where_it_is_allowed(action)
        last = self.model.last_action
        if last is not None and meanwhile:
            self.guest_does(meanwhile, len(self.tickets) - 1 - last[0])
        self.undo()

    def guest_does(self, what: str, age: int) -> None:
        match what:
            case "join":
                guest = self.model.parties[len(self.tickets) - 1 - age].guest
                self.join(guest, 2)
            case "move":
                self.move(age, 3, by_staff=False)
            case "change":
                self.change(age, 3, by_staff=False)
            case "leave":
                self.leave(age)
            case "a minute":
                self.time_passes(60)
            case _:
                self.time_passes(61)

    def in_state(self, state: TicketState) -> list[int]:
        """The ages of the tickets in this state."""
        return [age for age, party in enumerate(reversed(self.model.parties)) if party.state is state]

    @rule(age=which)
    def leave(self, age: int) -> None:
        self.on_ticket("leave", age, GUEST)

    @rule(age=which, by_staff=st.booleans())
    def come_back(self, age: int, by_staff: bool) -> None:
        self.on_ticket("come_back", age, OWNER if by_staff else GUEST, by_staff)

    @rule(age=which, position=st.integers(-1, CAPACITY + 2), by_staff=st.booleans())
    def move(self, age: int, position: int, by_staff: bool) -> None:
        if self.tickets:
            index = len(self.tickets) - 1 - age % len(self.tickets)
            actor = OWNER if by_staff else GUEST
            self.both(
                "move",
                (index, position, by_staff),
                lambda tx: self.queues.move(tx, self.tickets[index].id, position, actor),
            )

    @rule(age=which, size=sizes, by_staff=st.booleans())
    def change(self, age: int, size: int, by_staff: bool) -> None:
        if self.tickets:
            index = len(self.tickets) - 1 - age % len(self.tickets)
            actor = OWNER if by_staff else GUEST
            self.both(
                "change",
                (index, size, by_staff),
                lambda tx: self.queues.change(tx, self.tickets[index].id, actor, party_size=size),
            )

    @rule()
    def undo(self) -> None:
        self.both("undo", (), lambda tx: self.queues.undo(tx, self.queue_id, OWNER))

    @rule(state=st.sampled_from([QueueState.OPEN, QueueState.OPEN, QueueState.PAUSED]))
    def set_state(self, state: QueueState) -> None:
        self.both("set_state", (state,), lambda tx: self.queues.set_state(tx, self.queue_id, state, OWNER))

    @rule(remove=st.booleans())
    def close_and_open(self, remove: bool) -> None:
        self.both("close", (remove,), lambda tx: self.queues.close(tx, self.queue_id, OWNER, remove_waiting=remove))
        self.set_state(QueueState.OPEN)

    @rule(seconds=st.sampled_from([1, 20, 59, 61, 240, 900, 901, 24 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.line.wait(seconds=seconds)
        self.model = self.model.after("advance", seconds)

    @rule()
    def sweep(self) -> None:
        sweeper = Sweeper(self.line.records, self.queues, self.line.book)
        sweeper.no_shows()
        self.model = self.model.after("sweep_no_shows")
        sweeper.end_days()
        self.model = self.model.after("sweep_days")

    def on_ticket(self, action: str, age: int, actor: Actor, *more: bool) -> None:
        if self.tickets:
            index = len(self.tickets) - 1 - age % len(self.tickets)
            ticket_id = self.tickets[index].id
            self.both(action, (index, *more), lambda tx: getattr(self.queues, action)(tx, ticket_id, actor))

    @invariant()
    def the_record_is_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.line.records.reading() as tx:
            queue = tx.queues.get(self.queue_id)
            order = [ticket.id for ticket in tx.tickets.first_waiting(self.queue_id, 100)]
            rows = {
                row.id: row for row in tx.connection.execute(select(tickets).where(tickets.c.queue_id == self.queue_id))
            }
            recorded = tx.connection.execute(
                select(events.c.ticket_id, events.c.kind)
                .where(events.c.queue_id == self.queue_id)
                .order_by(events.c.version, events.c.ordinal)
            ).all()
        assert queue is not None
        assert order == [self.tickets[index].id for index in self.model.waiting()]
        assert queue.waiting == len(order)
        assert queue.last_number == self.model.last_number
        assert queue.state is self.model.state
        assert len(rows) == len(self.model.parties)
        for ticket, party in zip(self.tickets, self.model.parties, strict=True):
            row = rows[ticket.id]
            assert (row.state, row.number, row.party_size) == (party.state, party.number, party.size)
            assert (row.called_at, row.no_show_at) == (party.called_at, party.no_show_at)
            assert [kind for ticket_id, kind in recorded if ticket_id == ticket.id] == party.events


@pytest.mark.timeout(400)  # to find the shortest story that fails takes a while
def test_the_record_does_what_a_line_in_plain_python_would(records: Records, engine: Engine, clock: StillClock) -> None:
    line = Line(records, engine)
    numbers = count(1)

    run_state_machine_as_test(
        lambda: LineMachine(line, f"queue-{next(numbers)}"),  # type: ignore[arg-type]
        settings=settings(
            max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

    assert next(numbers) > 80
    assert_whole(engine)
