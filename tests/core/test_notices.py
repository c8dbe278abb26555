"""Notices: from the event to the carrier's yes or no."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.errors import NotFound
from core.model import GUEST, ContactAddress, NoticeKind, NoticeState, Ticket
from core.notices import LEASE, PAUSES, TRIES, NoticeService
from core.outbound import MOST_NOTICES_A_TICKET, Outbound
from core.storage.records import Records
from core.sweeps import Sweeper
from tests.clocks import InterruptingClock
from tests.core.counting import counted
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, contents
from tests.core.notices import SMS, Told


@pytest.fixture
def told(records: Records, engine: Engine):
    told = Told(records, engine)
    yield told
    assert_whole(engine)


def kinds(claimed: list[Outbound]) -> list[NoticeKind]:
    return [outbound.notice.kind for outbound in claimed]


def test_a_call_becomes_a_notice_with_all_that_its_text_needs(told: Told) -> None:
    ticket = told.join("+15550300001", guest_name="Ana", sender="+15550100001")
    told.call_next()
    [outbound] = told.claim()

    assert (outbound.notice.kind, outbound.notice.channel, outbound.notice.call_number) == (NoticeKind.CALLED, "sms", 1)
    assert outbound.ticket == told.ticket(ticket)
    assert (outbound.contact.channel, outbound.contact.address) == ("sms", "+15550300001")
    assert (outbound.place.queue.id, outbound.place.venue_name) == ("queue", "The Bar")
    assert outbound.position is None


def test_a_notice_to_who_waits_says_the_position(records: Records, engine: Engine) -> None:
    told = Told(records, engine, almost_there_at=3)
    told.fill(4)
    told.call_next()

    positions = {outbound.notice.kind: outbound.position for outbound in told.claim() if outbound.ticket.number == 3}

    assert positions == {NoticeKind.ALMOST_THERE: 2}


def test_an_event_is_relayed_once(told: Told) -> None:
    told.called()

    assert told.relay() == 0
    assert told.claim() == []


def test_relaying_costs_the_same_for_one_guest_and_for_many(told: Told, engine: Engine) -> None:
    costs = []
    for how_many in (1, 20):
        for number in range(how_many):
            told.act("call", told.join(f"+15550600{how_many:02}{number:02}"))
        with counted(engine) as sql:
            assert told.relay() == how_many
        costs.append(len(sql.statements))

    assert costs[0] == costs[1]


def test_relaying_goes_on_where_it_stopped(told: Told) -> None:
    for ticket in told.fill(7):
        told.act("call", ticket)

    assert [told.service.relay(3) for _ in range(4)] == [3, 3, 1, 0]
    assert len(told.service.claim(100, SMS)) == 7


def test_a_guest_who_was_answered_is_not_told_of_the_join(told: Told) -> None:
    told.join("+15550300001")
    assert told.claim() == []

    walk_in = told.join("+15550300002", actor=OWNER, announce=True)
    assert told.claim_one(NoticeKind.JOINED).ticket_id == walk_in.id


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (("call",), NoticeKind.CALLED),
        (("call", "recall"), NoticeKind.RECALLED),
        (("call", "no_show"), NoticeKind.NO_SHOW),
        (("remove",), NoticeKind.REMOVED),
        (("call", "remove"), NoticeKind.REMOVED),
        (("call", "no_show", "come_back"), NoticeKind.JOINED),
        (("call", "no_show", "come_back", "undo"), NoticeKind.NO_SHOW),
        (("call", "no_show", "undo"), NoticeKind.RECALLED),
        (("remove", "undo"), NoticeKind.JOINED),
        (("call", "remove", "undo"), NoticeKind.RECALLED),
        (("call", "put_back", "undo"), NoticeKind.RECALLED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_each_step_tells_the_guest_what_became_of_the_place(told: Told, steps, kind: NoticeKind) -> None:
    ticket = told.join("+15550300001")
    for step in steps:
        for outbound in told.claim():
            told.sent(outbound.notice, f"SM-{outbound.notice.id}")
        if step == "undo":
            told.undo()
        else:
            told.act(step, ticket)

    assert kinds(told.claim()) == [kind]


@pytest.mark.parametrize("step", ["serve", "leave"])
def test_a_step_that_the_guest_sees_is_not_told(told: Told, step: str) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.act(step, ticket)

    assert told.claim() == []


def test_a_queue_that_closes_tells_everybody(told: Told) -> None:
    told.fill(3)
    told.do(lambda tx: told.queues.close(tx, told.id, OWNER, remove_waiting=True))

    assert kinds(told.claim()) == [NoticeKind.CLOSED] * 3


def test_what_was_sent_is_shown_and_not_sent_again(told: Told) -> None:
    ticket, notice = told.called()
    version = told.queue.version
    told.sent(notice, "SM7")

    noted = told.notice(notice)
    assert (noted.state, noted.carrier_id, noted.tries, noted.lease_until) == (NoticeState.SENT, "SM7", 1, None)
    assert told.shown(ticket) == ("called", "sent")
    assert told.queue.version > version, "whoever watches the line sees it"
    told.wait(hours=1)
    assert told.claim() == []


def test_it_is_known_since_when_the_oldest_call_waits_for_its_carrier(told: Told) -> None:
    def oldest() -> datetime | None:
        with told.records.reading() as tx:
            return tx.notices.oldest_call_not_sent()

    told.act("remove", told.join("+15550300001"))
    told.relay()
    assert oldest() is None
    told.wait(minutes=1)
    since = told.clock.now
    for address in ("+15550300002", "+15550300003"):
        told.act("call", told.join(address))
        told.relay()
        told.wait(minutes=1)

    assert oldest() == since
    told.send_all()
    assert oldest() is None


def test_a_channel_claims_its_own(told: Told) -> None:
    told.join("+15550300001")
    told.call_next()
    told.relay()

    assert told.service.claim(10, ("telegram",)) == []
    assert told.service.claim(10, ()) == []
    assert kinds(told.service.claim(10, ("telegram", "sms"))) == [NoticeKind.CALLED]


def test_a_claim_takes_no_more_than_it_is_asked_for_oldest_first(told: Told) -> None:
    for ticket in told.fill(5):
        told.act("call", ticket)
        told.relay()
        told.wait(seconds=1)

    taken = [[outbound.ticket.number for outbound in told.claim(2)] for _ in range(4)]

    assert taken == [[1, 2], [3, 4], [5], []]


# Leases


def test_what_is_leased_is_left_alone_until_the_lease_runs_out(told: Told) -> None:
    _, notice = told.called()

    told.clock.advance(LEASE - timedelta(seconds=1))
    assert told.claim() == []

    told.wait(seconds=1)
    assert told.claim_one(NoticeKind.CALLED).id == notice.id


def test_who_notes_late_takes_nothing_back(told: Told) -> None:
    """The first sender's lease ran out while the carrier took its time; the second was faster."""
    ticket, notice = told.called()
    told.clock.advance(LEASE)
    told.claim_one(NoticeKind.CALLED)
    told.sent(notice, "SM2")
    told.report("SM2", NoticeState.DELIVERED)

    told.sent(notice, "SM1")

    assert (told.notice(notice).state, told.notice(notice).carrier_id) == (NoticeState.DELIVERED, "SM2")
    assert told.shown(ticket) == ("called", "delivered")


@pytest.mark.parametrize("retry", [True, False])
def test_who_fails_late_takes_nothing_back(told: Told, retry: bool) -> None:
    _, notice = told.called()
    told.clock.advance(LEASE)
    told.claim_one(NoticeKind.CALLED)
    told.sent(notice, "SM2", delivered=True)

    told.fail(notice, retry=retry)
    told.service.throttled(notice.id, timedelta(seconds=1))

    assert told.notice(notice).state is NoticeState.DELIVERED
    told.wait(minutes=5)
    assert told.claim() == []


def test_a_sending_may_be_noted_again(told: Told) -> None:
    _, notice = told.called()
    told.sent(notice, "SM1")
    told.sent(notice, "SM1")

    assert (told.notice(notice).state, told.notice(notice).tries) == (NoticeState.SENT, 1)


def test_what_was_set_aside_and_sent_all_the_same_is_known_to_have_arrived(told: Told) -> None:
    _, notice = told.called()
    told.wait(minutes=11)
    assert told.claim() == []
    assert told.notice(notice).state is NoticeState.STALE

    told.sent(notice, "SM1")
    told.report("SM1", NoticeState.DELIVERED)

    assert told.notice(notice).state is NoticeState.DELIVERED


# Failures


def test_a_failure_that_may_pass_is_tried_again_with_growing_pauses(told: Told) -> None:
    ticket, notice = told.called()
    for pause in PAUSES:
        told.fail(notice, "timeout", retry=True)
        assert told.shown(ticket) == ("called", "pending")
        told.clock.advance(pause - timedelta(seconds=1))
        assert told.claim() == []
        told.wait(seconds=1)
        assert told.claim_one(NoticeKind.CALLED).id == notice.id

    told.fail(notice, "timeout", retry=True)

    dead = told.notice(notice)
    assert (dead.state, dead.tries, dead.error_code, dead.error) == (
        NoticeState.DEAD,
        TRIES,
        "timeout",
        "It could not be sent.",
    )
    assert told.shown(ticket) == ("called", "dead")
    told.wait(minutes=1)
    assert told.claim() == []


def test_throttling_is_not_a_try(told: Told) -> None:
    ticket, notice = told.called()
    assert told.shown(ticket) == (None, None)
    for _ in range(TRIES + 1):
        told.service.throttled(notice.id, timedelta(seconds=30))
        assert told.shown(ticket) == ("called", "pending")
        told.wait(seconds=29)
        assert told.claim() == []
        told.wait(seconds=1)
        assert told.claim_one(NoticeKind.CALLED).tries == 0


@pytest.mark.parametrize("days", [1, 1_000_000])
def test_a_carrier_that_wants_us_to_wait_past_the_shelf_life_ends_the_notice(told: Told, days: int) -> None:
    ticket, notice = told.called()
    told.service.throttled(notice.id, timedelta(days=days))

    assert told.shown(ticket) == ("called", "stale")
    assert told.claim() == []


def test_one_guest_is_not_texted_for_ever(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM0")
    for turn in range(1, MOST_NOTICES_A_TICKET):
        told.wait(seconds=1)
        told.act("recall", ticket)
        told.sent(told.claim_one(NoticeKind.RECALLED), f"SM{turn}")

    told.wait(seconds=1)
    told.act("recall", ticket)
    assert told.claim() == []
    assert told.shown(ticket) == ("recalled", "failed")


def test_calls_go_out_before_whatever_waits(told: Told) -> None:
    for number in range(4):
        walk_in(told, f"+1555030001{number}")
    called, wrongly = told.join("+15550300002"), told.join("+15550300003")
    told.act("call", wrongly)
    told.relay()
    [call] = told.service.claim(1, SMS)
    told.sent(call.notice)
    told.wait(seconds=1)
    told.act("put_back", wrongly)
    told.act("call", called)
    told.relay()

    claimed = kinds(told.service.claim(3, SMS))
    assert set(claimed[:2]) == {NoticeKind.CALLED, NoticeKind.NOT_YET}
    assert claimed[2] is NoticeKind.JOINED


def walk_in(told: Told, address: str, sender: str = "+15550100001") -> Ticket:
    return told.join(address, OWNER, sender=sender, announce=True)


def test_walk_ins_of_one_number_are_texted_so_often_an_hour_and_half_is_kept_for_calls(told: Told) -> None:
    told.service = NoticeService(told.records, texts_an_hour=4)
    ann, *others = [walk_in(told, f"+1555030000{n}") for n in range(3)]
    told.relay()
    while claimed := told.service.claim(1, SMS):
        told.sent(claimed[0].notice, f"SM-{claimed[0].notice.id}")
    assert sorted(str(told.shown(guest)[1]) for guest in (ann, *others)) == ["failed", "sent", "sent"]
    for action in ("call", "recall"):
        told.act(action, ann)
        told.send_all()
        told.wait(minutes=1)
        assert told.shown(ann)[1] == "sent"

    told.act("recall", ann)
    assert told.claim() == []
    assert told.shown(ann) == ("recalled", "failed")


def test_calls_spend_nothing_of_the_other_half(told: Told) -> None:
    told.service = NoticeService(told.records, texts_an_hour=6)
    ann = walk_in(told, "+15550300001")
    told.send_all()
    for action in ("call", "recall", "recall"):
        told.act(action, ann)
        told.send_all()
        told.wait(minutes=1)
    ben = walk_in(told, "+15550300002")

    told.send_all()
    assert told.shown(ben) == ("joined", "sent")


def test_what_no_carrier_took_counts_for_nothing(told: Told) -> None:
    told.service = NoticeService(told.records, texts_an_hour=2)
    walk_in(told, "+15550300001")
    told.fail(told.claim_one(NoticeKind.JOINED))
    ben = walk_in(told, "+15550300002")

    assert [outbound.ticket.id for outbound in told.claim()] == [ben.id]


@pytest.mark.parametrize("texts_an_hour", [0, 2])
def test_who_texted_us_and_walk_ins_of_other_numbers_are_still_texted(told: Told, texts_an_hour: int) -> None:
    told.service = NoticeService(told.records, texts_an_hour=2)
    walk_in(told, "+15550300001")
    told.send_all()
    other = walk_in(told, "+15550300003", "+15550100002")
    told.send_all()
    told.service = NoticeService(told.records, texts_an_hour=texts_an_hour)
    walk_in(told, "+15550300002")
    own = told.join("+15550300004", sender="+15550100001")
    told.act("call", own)

    assert [outbound.ticket.id for outbound in told.claim()] == [own.id]
    assert told.shown(other) == ("joined", "sent")


def test_what_waits_spends_nothing_of_an_hours_texts(told: Told) -> None:
    told.service = NoticeService(told.records, texts_an_hour=1)
    ann = walk_in(told, "+15550300001")
    walk_in(told, "+15550300002")
    told.relay()
    told.act("call", ann)
    told.relay()

    [call] = told.service.claim(1, SMS)
    assert (call.notice.kind, call.ticket.id) == (NoticeKind.CALLED, ann.id)
    told.sent(call.notice)
    assert told.claim() == []


def test_an_hour_later_walk_ins_are_texted_again(told: Told) -> None:
    told.service = NoticeService(told.records, texts_an_hour=2)
    walk_in(told, "+15550300001")
    told.send_all()
    told.wait(hours=1)
    ben = walk_in(told, "+15550300002")

    assert [outbound.ticket.id for outbound in told.claim()] == [ben.id]


def test_a_carriers_id_of_any_length_is_noted(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM" + "0" * 100)

    assert told.shown(ticket) == ("called", "sent")
    told.wait(minutes=2)
    assert told.claim() == []


def test_a_refusal_is_final(told: Told) -> None:
    ticket, notice = told.called()
    told.fail(notice, "30007")
    told.wait(minutes=5)

    assert told.claim() == []
    assert told.notice(notice).state is NoticeState.FAILED
    assert told.shown(ticket) == ("called", "failed")
    assert told.reachable(ticket)


def test_a_guest_who_can_not_be_reached_keeps_the_place_and_staff_see_why(told: Told) -> None:
    ticket, notice = told.called()
    told.fail(notice, "30005", unreachable=True)

    assert not told.reachable(ticket)
    with told.records.reading() as tx:
        assert tx.contacts.get(told.ticket(ticket).contact_id or "").unreachable == "30005"
    assert told.ticket(ticket).state == "called"


def test_what_carriers_say_at_length_is_cut(told: Told) -> None:
    _, notice = told.called()
    told.service.failed(notice.id, "x" * 40, "y" * 400, retry=False, unreachable=True)
    failed = told.notice(notice)

    assert (failed.error_code, failed.error) == ("x" * 32, "y" * 300)

    other, notice = told.called("+15550300002")
    told.sent(notice)
    told.report("SM1", NoticeState.FAILED, "x" * 40, unreachable=True)
    assert told.notice(notice).error_code == "x" * 32
    assert not told.reachable(other)


# Dead letters


def dead_letter(told: Told) -> tuple[Ticket, str]:
    ticket, notice = told.called()
    for pause in PAUSES:
        told.fail(notice, "timeout", retry=True)
        told.clock.advance(pause)
        told.claim()
    told.fail(notice, "timeout", retry=True)
    return ticket, notice.id


def test_dead_letters_are_listed_and_sent_again(told: Told) -> None:
    ticket, notice_id = dead_letter(told)
    assert [notice.id for notice in told.service.dead_letters()] == [notice_id]

    told.wait(minutes=20)
    told.service.resend(notice_id)

    assert told.service.dead_letters() == []
    assert told.shown(ticket) == ("called", "pending")
    again = told.claim_one(NoticeKind.CALLED)
    assert (again.id, again.tries) == (notice_id, 0)
    told.sent(again, "SM9")
    assert told.shown(ticket) == ("called", "sent")


def test_a_dead_letter_that_says_what_is_no_longer_true_is_not_sent(told: Told) -> None:
    ticket, notice_id = dead_letter(told)
    told.act("serve", ticket)
    told.service.resend(notice_id)

    assert told.claim() == []
    assert told.notices(ticket)[0].state is NoticeState.STALE


def test_a_dead_letter_to_who_was_erased_since_is_not_sent_and_says_so(told: Told) -> None:
    ticket = told.join("+15550300001")
    told.act("remove", ticket)
    for pause in (*PAUSES, timedelta(0)):
        told.fail(told.claim_one(NoticeKind.REMOVED), "timeout", retry=True)
        told.clock.advance(pause)
    told.wait(days=31)
    Sweeper(told.records, told.queues, told.book).erase()
    [notice] = told.notices(ticket)
    told.service.resend(notice.id)

    assert told.claim() == []
    assert (told.notice(notice).state, told.notice(notice).error_code) == (NoticeState.FAILED, "erased")


@pytest.mark.parametrize("which", ["unknown", "sent"])
def test_only_dead_letters_are_sent_again(told: Told, which: str) -> None:
    _, notice = told.called()
    told.sent(notice)
    before = contents(told.engine)

    with pytest.raises(NotFound):
        told.service.resend(notice.id if which == "sent" else "unknown")
    assert contents(told.engine) == before


@pytest.mark.parametrize("note", ["sent", "failed", "throttled"])
def test_a_note_on_an_unknown_notice_is_refused(told: Told, note: str) -> None:
    notes = {
        "sent": lambda: told.service.sent("unknown", "SM1", delivered=False),
        "failed": lambda: told.service.failed("unknown", "x", "y", retry=False, unreachable=True),
        "throttled": lambda: told.service.throttled("unknown", timedelta(0)),
    }
    with pytest.raises(NotFound):
        notes[note]()


# What is not worth sending


@pytest.mark.parametrize(
    ("kind", "minutes"), [(NoticeKind.CALLED, 10), (NoticeKind.ALMOST_THERE, 5), (NoticeKind.JOINED, 15)]
)
@pytest.mark.parametrize("late", [False, True])
def test_a_notice_has_a_shelf_life(
    records: Records, engine: Engine, kind: NoticeKind, minutes: int, late: bool
) -> None:
    told = Told(records, engine, almost_there_at=1, no_show_minutes=None)
    first = told.join("+15550300001", actor=OWNER, announce=kind is NoticeKind.JOINED)
    ticket = told.join("+15550300002")
    if kind is NoticeKind.CALLED:
        told.act("call", ticket)
    if kind is NoticeKind.ALMOST_THERE:
        told.act("leave", first)
    told.relay()
    told.wait(minutes=minutes, seconds=0 if late else -1)

    claimed = told.claim()

    mine = [outbound for outbound in claimed if outbound.notice.kind is kind]
    assert len(mine) == (not late)
    [notice] = [notice for owner in (first, ticket) for notice in told.notices(owner) if notice.kind is kind]
    assert notice.state is (NoticeState.STALE if late else NoticeState.PENDING)


def test_what_has_gone_stale_makes_no_other_wait(told: Told) -> None:
    for ticket in told.fill(20):
        told.act("call", ticket)
    told.relay()
    told.wait(minutes=11)
    fresh = told.join("+15550300001")
    told.act("call", fresh)

    assert [outbound.ticket.id for outbound in told.claim(8)] == [fresh.id]


@pytest.mark.parametrize("step", ["put_back", "serve", "no_show", "leave", "remove"])
def test_a_call_is_not_sent_to_who_is_no_longer_called(told: Told, step: str) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    told.relay()
    told.act(step, ticket, actor=GUEST if step == "leave" else OWNER)

    for _ in range(2):
        told.send_all()
    assert [notice.state for notice in told.notices(ticket) if notice.kind is NoticeKind.CALLED] == [NoticeState.STALE]


@pytest.mark.parametrize("call", ["not relayed", "unsent", "set aside", "refused"])
def test_who_was_let_in_by_mistake_before_the_call_was_sent_is_called_once_that_is_undone(
    told: Told, call: str
) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    if call != "not relayed":
        told.relay()
    if call == "refused":
        told.fail(told.claim_one(NoticeKind.CALLED))
    told.act("serve", ticket)
    if call == "set aside":
        assert told.claim() == []
    told.wait(seconds=1)
    told.undo()

    told.sent(told.claim_one(NoticeKind.CALLED))
    assert told.claim() == []
    assert told.shown(ticket) == ("called", "sent")


@pytest.mark.parametrize("delivered", [False, True])
def test_who_heard_the_call_hears_no_other_when_the_letting_in_is_undone(told: Told, delivered: bool) -> None:
    ticket, notice = told.called()
    told.sent(notice, delivered=delivered)
    told.act("serve", ticket)
    told.undo()

    assert told.claim() == []
    assert told.shown(ticket) == ("called", "delivered" if delivered else "sent")


def test_whose_call_is_at_the_carrier_while_the_letting_in_is_undone_is_called_once(told: Told) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    sending = told.claim_one(NoticeKind.CALLED)
    told.act("serve", ticket)
    told.undo()
    told.relay()
    told.sent(sending)

    assert told.claim() == []
    assert told.shown(ticket) == ("called", "sent")


def test_a_call_that_was_not_true_when_it_was_judged_and_is_again_when_it_is_set_aside_goes_out(engine: Engine) -> None:
    clock = InterruptingClock()
    told = Told(Records(engine, clock), engine)
    ticket = told.join("+15550300001")
    told.call_next()
    told.relay()
    told.act("serve", ticket)
    told.relay()
    # Its lease is one look, the judgement the next.
    clock.interrupt(2, told.undo)

    [outbound] = told.service.claim(1, SMS)

    told.sent(outbound.notice)
    assert told.claim() == []
    assert told.shown(ticket) == ("called", "sent")


def test_only_the_last_of_two_calls_is_sent(told: Told) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    told.act("put_back", ticket)
    told.call_next()
    told.act("recall", ticket)

    assert kinds(told.claim()) == [NoticeKind.RECALLED]


def test_who_opted_out_is_not_texted_by_that_sender(told: Told) -> None:
    address = ContactAddress("sms", "+15550300001")
    ticket = told.join(address.address, sender="+15550100001")
    told.do(lambda tx: told.book.opt_out(tx, told.book.lock_or_add(tx, address), "+15550100001"))
    told.call_next()

    assert told.claim() == []
    [notice] = told.notices(ticket)
    assert (notice.state, notice.error_code) == (NoticeState.FAILED, "opted-out")
    assert told.shown(ticket) == ("called", "failed")
    assert not told.reachable(ticket)

    told.do(lambda tx: told.book.opt_in(tx, told.book.lock_or_add(tx, address), "+15550100001"))
    told.act("recall", ticket)
    assert kinds(told.claim()) == [NoticeKind.RECALLED]


def test_an_opt_out_holds_for_its_own_sender_only(told: Told) -> None:
    address = ContactAddress("sms", "+15550300001")
    ticket = told.join(address.address, sender="+15550100001")
    told.do(lambda tx: told.book.opt_out(tx, told.book.lock_or_add(tx, address), "+15550100002"))
    told.call_next()

    assert kinds(told.claim()) == [NoticeKind.CALLED]
    assert told.reachable(ticket)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (("call", "put_back", "call", "put_back"), NoticeKind.NOT_YET),
        (("call", "no_show", "come_back", "call", "no_show"), NoticeKind.NO_SHOW),
        (("remove", "undo", "remove"), NoticeKind.REMOVED),
    ],
)
def test_of_what_came_and_went_and_came_again_a_slow_carrier_is_given_the_last(told: Told, steps, kind) -> None:
    ticket = told.join("+15550300001")
    if steps[0] == "call":
        told.call_next()
        told.send_all()
    for step in steps[1:] if steps[0] == "call" else steps:
        told.wait(seconds=1)
        if step == "undo":
            told.undo()
        else:
            told.act(step, ticket)
        told.relay()

    [outbound] = told.claim()
    assert outbound.notice.kind is kind
    told.sent(outbound.notice)
    assert told.claim() == []


# Not yet


def take_back(told: Told, ticket: Ticket, how: str) -> None:
    if how == "undo":
        told.undo()
    else:
        told.act("put_back", ticket)


@pytest.mark.parametrize("how", ["put_back", "undo"])
@pytest.mark.parametrize(
    ("call", "told_so"),
    [("unsent", False), ("claimed", True), ("sent", True), ("delivered", True), ("timeout", True), ("refused", False)],
)
def test_a_call_taken_back_is_said_so_if_it_may_have_gone_out(told: Told, how: str, call: str, told_so: bool) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    told.relay()
    for outbound in told.claim() if call != "unsent" else ():
        if call in ("sent", "delivered"):
            told.sent(outbound.notice, delivered=call == "delivered")
        if call in ("timeout", "refused"):
            told.fail(outbound.notice, retry=call == "timeout")
    take_back(told, ticket, how)
    if call == "claimed":
        told.wait(seconds=LEASE.total_seconds())

    assert kinds(told.claim()) == ([NoticeKind.NOT_YET] if told_so else [])


def test_not_yet_waits_for_the_call_that_is_being_sent(told: Told) -> None:
    ticket, notice = told.called()
    told.act("put_back", ticket)
    assert told.claim() == []

    told.sent(notice)

    assert kinds(told.claim()) == [NoticeKind.NOT_YET]


def test_a_call_waits_for_no_notice_of_another_kind(told: Told) -> None:
    ticket = told.join("+15550300001", actor=OWNER, announce=True)
    assert kinds(told.claim()) == [NoticeKind.JOINED]

    told.act("call", ticket)

    assert kinds(told.claim()) == [NoticeKind.CALLED]


def test_a_call_that_nobody_relayed_yet_is_taken_back_in_silence(told: Told) -> None:
    ticket = told.join("+15550300001")
    told.call_next()
    told.act("put_back", ticket)

    assert told.claim() == []


def test_a_guest_who_read_the_first_call_hears_that_the_second_was_taken_back(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.act("recall", ticket)
    told.relay()
    told.act("put_back", ticket)

    assert kinds(told.claim()) == [NoticeKind.NOT_YET]


def test_a_guest_who_heard_not_yet_is_not_told_it_twice(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM1")
    told.wait(seconds=1)
    told.act("put_back", ticket)
    told.sent(told.claim_one(NoticeKind.NOT_YET), "SM2")
    told.wait(seconds=1)
    told.call_next()
    told.relay()
    told.wait(seconds=1)
    told.act("put_back", ticket)

    assert told.claim() == []


def test_not_yet_is_not_sent_to_who_is_called_again(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.act("put_back", ticket)
    told.relay()
    told.wait(seconds=1)
    told.call_next()

    assert kinds(told.claim()) == [NoticeKind.CALLED]


def test_one_tickets_notices_are_made_and_claimed_by_themselves(told: Told) -> None:
    ann, ben = told.join("+15550300001"), told.join("+15550300002")
    told.act("call", ann)
    told.act("call", ben)

    assert told.service.relay(ticket_id=ben.id) == 1
    assert [outbound.ticket.id for outbound in told.service.claim(10, SMS, ben.id)] == [ben.id]
    assert told.service.claim(10, SMS, ann.id) == []
    assert told.service.relay() == 1


def test_whose_guests_should_have_been_told_is_known_and_which_way(told: Told) -> None:
    late = timedelta(seconds=10)
    unrelayed, pending, held, sent = (told.join(f"+1555030000{n}") for n in range(4))
    told.act("call", sent)
    told.send_all()
    told.act("call", held)
    told.claim_one(NoticeKind.CALLED)
    told.act("call", pending)
    told.relay()
    told.act("call", unrelayed)
    assert told.service.left_behind(late, 10) == {}

    told.wait(seconds=11)

    assert told.service.left_behind(late, 10) == {unrelayed.id: "sms", pending.id: "sms"}
    told.wait(seconds=LEASE.total_seconds())
    assert set(told.service.left_behind(late, 10)) == {unrelayed.id, pending.id, held.id}


def test_a_service_gives_up_after_as_many_tries_as_it_is_told(told: Told) -> None:
    told.service = NoticeService(told.records, tries=2)
    ticket, notice = told.called()

    assert told.service.failed(notice.id, "30005", "Off.", retry=True, unreachable=False) == PAUSES[0]
    told.wait(seconds=PAUSES[0].total_seconds())
    told.claim_one(NoticeKind.CALLED)
    assert told.service.failed(notice.id, "30005", "Off.", retry=True, unreachable=False) is None

    assert told.shown(ticket) == ("called", "dead")
    told.service.resend_dead(ticket.id)
    assert told.claim_one(NoticeKind.CALLED).tries == 0
