"""Whether the evening kept the promises: from the record, from the answers, and from what the carriers were handed."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Table, select

from core.clock import system_clock
from core.model import ActorKind, EventKind, NoticeState, TicketState
from core.notice_kinds import CALLS
from core.storage.records import Records
from core.storage.redis_server import open_redis
from core.storage.tables import contacts, events, notices, queues, receipts, tickets
from core.storage.view import Positions, PositionView
from tests.core.invariants import assert_whole
from tests.soak.evening import Evening
from tests.soak.guests import Guest
from tests.soak.history import History

JOINED, CAME_BACK, LEFT = "You're in!", "Welcome back!", "You've left the line"
PLACE = re.compile(r"Place (\d+) in line")
YOUR_TURN = "It's your turn"
DONE = {
    "call-next": EventKind.CALLED,
    "serve": EventKind.SERVED,
    "no-show": EventKind.NO_SHOW,
    "undo": EventKind.UNDONE,
    "put-back": EventKind.PUT_BACK,
    "recall": EventKind.RECALLED,
    "come-back": EventKind.CAME_BACK,
}
ALWAYS_TOLD = (EventKind.CALLED, EventKind.RECALLED, EventKind.ALMOST_THERE, EventKind.NO_SHOW)
TAKEN = (NoticeState.SENT, NoticeState.DELIVERED)


@dataclass
class Record:
    """All rows of the tables that tell of the evening; events in the order of each queue's changes."""

    queues: list[Any]
    tickets: list[Any]
    events: list[Any]
    notices: list[Any]
    contacts: list[Any]
    receipts: list[Any]

    @classmethod
    def read(cls, engine: Engine) -> "Record":
        tables: tuple[Table, ...] = (queues, tickets, events, notices, contacts, receipts)
        with engine.connect() as connection:
            rows = [list(connection.execute(select(table))) for table in tables]
        rows[2].sort(key=lambda event: (event.queue_id, event.version, event.ordinal))
        return cls(*rows)

    def tickets_of(self, channel: str, address: str) -> list[Any]:
        """The tickets of one guest."""
        return self._by_address.get((channel, address), [])

    def __post_init__(self) -> None:
        addresses = {contact.id: (contact.channel, contact.address) for contact in self.contacts}
        self._by_address: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
        for ticket in self.tickets:
            self._by_address[addresses[ticket.contact_id]].append(ticket)


def check(evening: Evening) -> None:
    """Raise AssertionError where a promise of the service was broken."""
    edition = evening.edition
    assert_whole(edition.engine)
    record = Record.read(edition.engine)
    histories = _check_history(record)
    _check_guests(evening.guests, record, histories)
    _check_receipts(evening.guests, record)
    _check_staff(evening, record)
    _check_notices(record)
    _check_sent(evening, record)
    _check_positions(evening, record, histories)
    _check_deaths(evening)


def _check_history(record: Record) -> dict[str, History]:
    """Fair: every queue's events make a history in which the first in line is called, and the end is what stands."""
    histories = {}
    for queue in record.queues:
        its = {ticket.id: ticket for ticket in record.tickets if ticket.queue_id == queue.id}
        history = History({id_: ticket.number for id_, ticket in its.items()})
        history.tell(event for event in record.events if event.queue_id == queue.id)
        assert history.states == {id_: ticket.state for id_, ticket in its.items()}
        assert queue.waiting == len(history.line)
        histories[queue.id] = history
    return histories


def _check_guests(guests: Iterable[Guest], record: Record, histories: dict[str, History]) -> None:
    """One place: as many tickets as a guest was told of, at the place that was told, for the party that was said."""
    steps = Counter((event.ticket_id, event.kind) for event in record.events if event.actor_kind == ActorKind.GUEST)
    for guest in guests:
        its = record.tickets_of(guest.channel, guest.address)
        for said in guest.said:
            assert all(said.answers), f"{said.carrier_id} was not answered"
            assert len(set(said.answers)) == 1, f"{said.carrier_id} got two answers: {said.answers}"
        for opening, kind in ((JOINED, EventKind.JOINED), (CAME_BACK, EventKind.CAME_BACK), (LEFT, EventKind.LEFT)):
            told = sum(said.answer.startswith(opening) for said in guest.said)
            done = sum(steps[ticket.id, kind] for ticket in its)
            assert told == done, f"{guest.address} was told {told} times {opening!r}, and it was so {done} times"
        told_places = [PLACE.search(said.answer) for said in guest.said if said.answer.startswith(JOINED)]
        places = [histories[ticket.queue_id].places[ticket.id] for ticket in its]
        assert sorted(int(place[1]) for place in told_places if place) == sorted(places)
        for ticket in its:
            if guest.said[0].text.endswith(guest.name):
                first = min(its, key=lambda each: each.joined_at)
                assert (first.party_size, first.guest_name) == (guest.party_size, guest.name)
            assert sum(each.active_key is not None for each in its) <= 1, f"{ticket.id} is one of two places"


def _check_receipts(guests: Iterable[Guest], record: Record) -> None:
    """Once: every message has one receipt, and there is none beside them."""
    kept = Counter((row.scope, row.key) for row in record.receipts if row.scope.startswith("message "))
    said = Counter((f"message {guest.channel}", said.carrier_id) for guest in guests for said in guest.said)
    assert kept == said


def _check_staff(evening: Evening, record: Record) -> None:
    """Once: what was answered as done was done as often as keys were answered so, on the very tickets."""
    pressed = [pressed for device in evening.devices for pressed in device.pressed]
    for action, kind in DONE.items():
        answered = [each for each in pressed if each.action == action and each.ticket is not None]
        for each in answered:
            assert len({ticket for ticket in each.tickets if ticket is not None}) == 1, f"{each} did two things"
        done = Counter(
            event.ticket_id for event in record.events if event.kind == kind and event.actor_kind == ActorKind.STAFF
        )
        assert done == Counter(each.ticket for each in answered), f"{action}: answered and done differ"


def _check_notices(record: Record) -> None:
    """Nothing lost: every event was relayed, and its guest told, unless a later event or notice made up for it."""
    last = {event.ticket_id: event.version for event in record.events if event.kind != EventKind.ALMOST_THERE}
    by_event = {notice.event_id: notice for notice in record.notices}
    taken = {(notice.ticket_id, notice.kind) for notice in record.notices if notice.state in TAKEN}
    heard = {(notice.ticket_id, notice.call_number) for notice in record.notices if _is_heard_call(notice)}
    for event in record.events:
        assert event.relayed_at is not None, f"{event} was not relayed"
        notice = by_event.get(f"{event.queue_id}-{event.version}-{event.ordinal}")
        assert notice is not None or event.kind not in ALWAYS_TOLD, f"{event} told nobody"
        if notice is None or notice.state in TAKEN:
            continue
        assert notice.state == NoticeState.STALE, f"{notice} was not sent"
        untrue = last[event.ticket_id] > event.version
        assert untrue or (notice.ticket_id, notice.kind) in taken, f"{notice} was set aside and still true"
    for ticket in record.tickets:
        if ticket.state == TicketState.CALLED:
            assert (ticket.id, ticket.call_number) in heard, f"{ticket.id} is called and does not know"


def _is_heard_call(notice: Any) -> bool:
    return notice.kind in CALLS and notice.state in TAKEN


def _check_sent(evening: Evening, record: Record) -> None:
    """Once: a carrier was handed each notice once, and once more at most for each death over it.

    Who dies between the carrier's yes and the note of it leaves a lease that runs out, and the notice is sent again; a
    container sends one notice after the other, so one death can repeat one of them.
    """
    heard: defaultdict[str, list[str]] = defaultdict(list)
    for carrier in (evening.edition.twilio, evening.edition.telegram):
        for asked in carrier.asked:
            heard[asked.to].append(asked.form.get("Body") or asked.form["text"])
    told = defaultdict(list)
    for notice in record.notices:
        told[notice.ticket_id].append(notice)
    repeated = 0
    for guest in evening.guests:
        its = record.tickets_of(guest.channel, guest.address)
        taken = [notice for ticket in its for notice in told[ticket.id] if notice.state in TAKEN]
        calls = sum(notice.kind in CALLS for notice in taken)
        heard_calls = sum(YOUR_TURN in text for text in heard[guest.address])
        deaths = sum(evening.edition.interrupted[ticket.id] for ticket in its)
        assert calls <= heard_calls <= calls + deaths, f"{guest.address}: {calls} calls, heard {heard_calls}"
        noted = sum(notice.tries for ticket in its for notice in told[ticket.id])
        assert len(taken) <= len(heard[guest.address]) <= noted + deaths, f"{guest.address}: {heard[guest.address]}"
        repeated += len(heard.pop(guest.address)) - noted
    kills = sum(evening.edition.functions[name].kills for name in ("notify_sms", "notify_telegram"))
    assert 0 <= repeated <= kills, f"{repeated} notices were sent again, after {kills} deaths"
    assert not heard, f"strangers were told something: {list(heard)}"


def _check_positions(evening: Evening, record: Record, histories: dict[str, History]) -> None:
    """Dense: the API's line and the view show those who wait from 1 on, in the order of joining."""
    edition = evening.edition
    positions = Positions(Records(edition.engine, system_clock), PositionView(open_redis(edition.valkey.url)))
    token = evening.house.log_in()
    with Records(edition.engine, system_clock).reading() as tx:
        for queue_id, history in histories.items():
            line = tx.tickets.first_waiting(queue_id, len(history.line) + 1)
            assert [ticket.number for ticket in line] == sorted(history.line)
            seen = [positions.position(ticket) for ticket in line]
            assert seen == list(range(1, len(line) + 1)), f"the view of {queue_id} shows {seen}"
            _status, shown = evening.house.ask(token, "GET", f"/queues/{queue_id}/tickets?state=waiting&limit=100")
            places = [(each["position"], each["number"]) for each in shown["items"]]
            assert places == list(enumerate(sorted(history.line), 1))[:100], f"the API shows {places} of {queue_id}"


def _check_deaths(evening: Evening) -> None:
    """The evening was one that could have gone wrong."""
    for name, function in evening.edition.functions.items():
        assert function.kills > 0, f"no {name} was killed: the evening proves nothing of it"
