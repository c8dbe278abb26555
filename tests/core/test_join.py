"""Taking a place."""

from functools import partial
from typing import Any

import pytest

from core.errors import (
    AlreadyInLine,
    InvalidPartySize,
    InvalidValue,
    NotFound,
    PartyTooLarge,
    QueueClosed,
    QueueFull,
    QueuePaused,
)
from core.model import GUEST, ContactAddress, EventKind, QueueState, TicketState
from core.storage.records import Transaction
from tests.core.lines import OWNER, STRANGER, Line, add_queue


def test_guests_stand_in_the_order_in_which_they_joined(line: Line) -> None:
    told = [line.do(partial(line.joining, address=f"+1555030{n:04}")) for n in range(5)]

    assert [joined.position for joined in told] == [1, 2, 3, 4, 5]
    assert [joined.ticket.number for joined in told] == [1, 2, 3, 4, 5]
    assert line.order() == [joined.ticket.id for joined in told]
    assert line.queue.waiting == 5


def test_a_new_ticket_keeps_what_was_said(line: Line) -> None:
    ticket = line.join(
        "+15550300001", guest_name="João 😀 O'Brien; DROP TABLE tickets", party_size=4, note="<b>🍺</b>", sender="+1555"
    )

    kept = line.ticket(ticket)
    assert kept == ticket
    assert (kept.guest_name, kept.party_size, kept.note, kept.sender) == (
        "João 😀 O'Brien; DROP TABLE tickets",
        4,
        "<b>🍺</b>",
        "+1555",
    )
    assert kept.state is TicketState.WAITING
    assert kept.joined_at == line.clock.now
    assert not kept.added_by_staff


def test_a_place_is_an_event_with_ids_and_numbers_only(line: Line) -> None:
    ticket = line.join("+15550300001", guest_name="Ana", party_size=4)

    [joined] = line.history(ticket)
    assert (joined.kind, joined.version, joined.ordinal, joined.actor) == (EventKind.JOINED, 1, 0, GUEST)
    assert joined.data == {"party_size": 4, "announce": False}
    assert joined.relayed_at is not None, "nobody is to be told of it"


def test_tokens_and_ids_cannot_be_guessed_from_one_another(line: Line) -> None:
    tickets = line.fill(20)

    assert len({ticket.token for ticket in tickets}) == 20
    assert all(len(ticket.token) >= 20 for ticket in tickets)


def test_a_guest_who_joins_twice_keeps_one_place(line: Line) -> None:
    line.join("+15550300001")
    mine = line.join("+15550300002")

    refusal = line.refuses(AlreadyInLine, lambda tx: line.joining(tx, "+15550300002", party_size=5))

    assert refusal["ticket"].id == mine.id
    assert refusal["position"] == 2


def test_a_called_guest_who_joins_again_is_told_of_the_call(line: Line) -> None:
    mine = line.join("+15550300002")
    line.call_next()

    refusal = line.refuses(AlreadyInLine, lambda tx: line.joining(tx, "+15550300002"))

    assert refusal["ticket"].id == mine.id
    assert refusal["ticket"].state is TicketState.CALLED
    assert refusal["position"] is None


def test_the_same_address_on_another_channel_is_another_guest(line: Line) -> None:
    line.join("+15550300002")

    def by_whatsapp(tx: Transaction):
        contact = line.book.lock_or_add(tx, ContactAddress("whatsapp", "+15550300002"))
        return line.queues.join(tx, line.id, GUEST, contact=contact)

    assert line.do(by_whatsapp).position == 2


@pytest.mark.parametrize("ending", ["serve", "no_show", "remove", "leave"])
def test_whoever_gave_a_place_up_may_join_again(line: Line, ending: str) -> None:
    first = line.join("+15550300002")
    line.call_next()
    line.act(ending, first)

    second = line.join("+15550300002")

    assert second.id != first.id
    assert second.number == 2


def test_a_queue_is_joined_twice_by_walk_ins_without_a_contact(line: Line) -> None:
    assert [line.join(actor=OWNER).number for _ in range(3)] == [1, 2, 3]
    assert line.ticket(line.join(actor=OWNER)).added_by_staff


def test_one_contact_may_stand_in_two_queues(line: Line) -> None:
    line.do(lambda tx: add_queue(tx, "venue", "second"))
    line.join("+15550300002")

    assert line.join("+15550300002", queue_id="second").number == 1


@pytest.mark.parametrize(
    ("state", "error"), [(QueueState.PAUSED, QueuePaused), (QueueState.CLOSED, QueueClosed)], ids=["paused", "closed"]
)
def test_a_queue_that_is_not_open_takes_nobody(line: Line, state: QueueState, error) -> None:
    waiting = line.join("+15550300001")
    line.do(lambda tx: line.queues.set_state(tx, line.id, state, OWNER))

    assert line.refuses(error, lambda tx: line.joining(tx, "+15550300002")) == {"queue": "Tables"}
    assert line.state(waiting) is TicketState.WAITING

    line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.OPEN, OWNER))
    assert line.join("+15550300002").number == 2


def test_who_is_in_line_hears_the_position_even_when_the_queue_is_closed(line: Line) -> None:
    line.join("+15550300001")
    line.do(lambda tx: line.queues.set_state(tx, line.id, QueueState.CLOSED, OWNER))

    assert line.refuses(AlreadyInLine, lambda tx: line.joining(tx, "+15550300001"))["position"] == 1


def test_a_full_queue_takes_nobody_until_a_place_is_free(make_line) -> None:
    line = make_line(capacity=2)
    line.fill(2)

    refusal = line.refuses(QueueFull, lambda tx: line.joining(tx, "+15550300002"))
    assert refusal == {"queue": "Tables", "capacity": 2}

    line.call_next()
    assert line.join("+15550300002").number == 3, "a refusal uses no number up"


@pytest.mark.parametrize("party_size", [0, -1, 1001])
def test_a_party_is_a_number_from_one_up(line: Line, party_size: int) -> None:
    refusal = line.refuses(InvalidPartySize, lambda tx: line.joining(tx, "+15550300002", party_size=party_size))

    assert refusal == {"party_size": party_size, "at_most": 1000}


def test_a_party_larger_than_the_queue_takes_is_refused(make_line) -> None:
    line = make_line(largest_party=6)

    refusal = line.refuses(PartyTooLarge, lambda tx: line.joining(tx, "+15550300002", party_size=7))

    assert refusal["largest_party"] == 6
    assert line.join("+15550300002", party_size=6).party_size == 6


@pytest.mark.parametrize(("field", "longest"), [("guest_name", 100), ("note", 500)])
def test_a_text_longer_than_the_record_can_keep_is_refused(line: Line, field: str, longest: int) -> None:
    too_long: dict[str, Any] = {field: "é" * (longest + 1)}
    refusal = line.refuses(InvalidValue, lambda tx: line.joining(tx, "+15550300002", **too_long))
    assert refusal == {"field": field, "reason": "too-long", "at_most": longest}

    just_fits: dict[str, Any] = {field: "🍺" * longest}
    assert getattr(line.ticket(line.join("+15550300002", **just_fits)), field) == "🍺" * longest


def test_an_unknown_queue_is_not_found(line: Line) -> None:
    assert line.refuses(NotFound, lambda tx: line.joining(tx, None, queue_id="nowhere")) == {"what": "queue"}


def test_staff_of_another_venue_add_nobody(line: Line) -> None:
    assert line.refuses(NotFound, lambda tx: line.joining(tx, None, STRANGER)) == {"what": "queue"}
