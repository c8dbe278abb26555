"""What carriers report of our messages, in any order, and what the no-show clock makes of it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest
from sqlalchemy import Engine, func, select, update

from core.model import ContactAddress, NoticeKind, NoticeState
from core.notices import PAUSES, TRIES
from core.storage.notices import DeliveryReport
from core.storage.records import Records, Transaction
from core.storage.tables import delivery_reports, queues
from core.sweeps import Sweeper
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, add_queue, contents
from tests.core.notices import Told, without_times

SENT, DELIVERED, READ = NoticeState.SENT, NoticeState.DELIVERED, NoticeState.READ
UNDELIVERED, FAILED = NoticeState.UNDELIVERED, NoticeState.FAILED

FIVE, SEVEN = timedelta(minutes=5), timedelta(minutes=7)


@pytest.fixture
def told(records: Records, engine: Engine):
    told = Told(records, engine)
    yield told
    assert_whole(engine)


@pytest.mark.parametrize(
    ("reports", "end"),
    [
        ((SENT, DELIVERED, READ), READ),
        ((SENT, SENT, DELIVERED), DELIVERED),
        ((SENT, UNDELIVERED), UNDELIVERED),
        ((SENT, FAILED), FAILED),
        ((SENT, SENT), SENT),
    ],
)
def test_reports_lead_to_the_same_in_every_order_repeated_and_before_the_note(told: Told, reports, end) -> None:
    for turn, order in enumerate(sorted(set(permutations(reports)))):
        for noted_after in range(len(order) + 1):
            carrier_id = f"SM-{turn}-{noted_after}"
            ticket, notice = told.called(f"+1555040{turn:02}{noted_after:02}")
            for state in order[:noted_after]:
                told.report(carrier_id, state)
                told.report(carrier_id, state)
            told.sent(notice, carrier_id)
            for state in order[noted_after:]:
                told.report(carrier_id, state)
                told.report(carrier_id, state)

            assert told.notice(notice).state is end
            assert told.shown(ticket) == ("called", end)
    with told.engine.execution_options(reads=True).connect() as connection:
        assert connection.execute(select(func.count()).select_from(delivery_reports)).scalar() == 0


def test_a_repeated_report_changes_nothing(told: Told) -> None:
    _, notice = told.called()
    told.sent(notice)
    told.report("SM1", UNDELIVERED, "30005", unreachable=True)
    before = contents(told.engine)
    told.wait(seconds=5)
    told.report("SM1", UNDELIVERED, "30005", unreachable=True)

    assert contents(told.engine) == before


def test_a_report_whose_process_died_before_its_notice_had_it_is_heard_in_the_end(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM1")
    told.report("SM-foreign", DELIVERED)

    def leave_behind(tx: Transaction) -> None:
        for channel in ("sms", "whatsapp"):
            tx.notices.keep_report(DeliveryReport(channel, "SM1", DELIVERED, None, False, False, tx.now))

    told.do(leave_behind)
    sweeper = Sweeper(told.records, told.queues, told.book)

    assert sweeper.hear_reports(told.service) == 1

    assert told.shown(ticket) == ("called", "delivered")
    assert sweeper.hear_reports(told.service) == 0


def test_a_report_left_behind_that_can_not_be_heard_keeps_no_other(told: Told) -> None:
    told.do(lambda tx: add_queue(tx, "venue", "broken"))
    tickets = [told.join("+15550300001", queue_id="broken"), told.join("+15550300002")]
    for ticket in tickets:
        told.act("call", ticket)
    notices = {outbound.notice.ticket_id: outbound.notice for outbound in told.claim()}
    for ticket in tickets:
        told.sent(notices[ticket.id], ticket.id)

    def leave_behind(tx: Transaction, state: str) -> None:
        for ticket in tickets:
            tx.notices.keep_report(DeliveryReport("sms", ticket.id, DELIVERED, None, False, False, tx.now))
        tx.connection.execute(update(queues).where(queues.c.id == "broken").values(state=state))

    told.do(partial(leave_behind, state="neither"))

    def attempt(step: Callable[[], int]) -> int:
        with suppress(ValueError):
            return step()
        return 0

    assert Sweeper(told.records, told.queues, told.book).hear_reports(told.service, attempt) == 1
    assert [told.notice(notices[ticket.id]).state for ticket in tickets] == [SENT, DELIVERED]
    told.do(partial(leave_behind, state="open"))


def test_a_report_for_a_message_that_is_not_ours_is_kept_and_harms_nobody(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM1")
    told.report("SM-foreign", FAILED, "30005", unreachable=True)

    assert told.notice(notice).state is SENT
    assert told.reachable(ticket)


def test_a_report_on_another_channel_is_another_message(told: Told) -> None:
    _, notice = told.called()
    told.sent(notice, "SM1")
    told.service.report("whatsapp", "SM1", FAILED, None, unreachable=True, retry=False)

    assert told.notice(notice).state is SENT


@pytest.mark.parametrize("before_the_note", [True, False])
def test_a_report_that_nothing_will_arrive_marks_the_guest(told: Told, before_the_note: bool) -> None:
    ticket, notice = told.called()
    if not before_the_note:
        told.sent(notice)
    told.report("SM1", FAILED, "30006", unreachable=True)
    if before_the_note:
        told.sent(notice)

    assert not told.reachable(ticket)
    assert told.notice(notice).error_code == "30006"
    assert told.shown(ticket) == ("called", "failed")


@pytest.mark.parametrize("before_the_note", [True, False])
def test_a_failure_that_may_pass_is_sent_again(told: Told, before_the_note: bool) -> None:
    ticket, notice = told.called()
    if not before_the_note:
        told.sent(notice)
    told.report("SM1", UNDELIVERED, "30003", retry=True)
    if before_the_note:
        told.sent(notice)
    assert told.shown(ticket) == ("called", "undelivered")
    told.clock.advance(PAUSES[0])

    assert told.claim_one(NoticeKind.CALLED).id == notice.id
    told.sent(notice, "SM2")
    told.report("SM2", DELIVERED)
    assert told.shown(ticket) == ("called", "delivered")


def test_late_and_repeated_reports_on_the_first_try_do_not_touch_the_second(told: Told) -> None:
    _, notice = told.called()
    told.sent(notice, "SM1")
    for _ in range(3):
        told.report("SM1", UNDELIVERED, "30003", retry=True)
        told.report("SM1", SENT)
    told.clock.advance(PAUSES[0])
    told.sent(told.claim_one(NoticeKind.CALLED), "SM2")
    told.report("SM1", UNDELIVERED, "30003", retry=True)

    now = told.notice(notice)
    assert (now.state, now.carrier_id, now.tries) == (SENT, "SM2", 2)


def test_a_report_that_is_repeated_after_a_start_takes_nothing_back(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM1")
    told.report("SM1", NoticeState.FAILED, "opted-out", unreachable=True)
    assert not told.reachable(ticket)
    address = ContactAddress("sms", "+15550300001")
    told.do(lambda tx: told.book.opt_in(tx, told.book.lock_or_add(tx, address), "sms"))

    told.report("SM1", NoticeState.FAILED, "opted-out", unreachable=True)

    assert told.reachable(ticket)


def test_a_report_that_comes_twice_at_once_has_its_effect_once(told: Told) -> None:
    _, notice = told.called()
    told.sent(notice, "SM1")
    locked, may_end = threading.Event(), threading.Event()

    def hold_the_queue(tx: Transaction) -> None:
        tx.queues.lock(told.id)
        locked.set()
        may_end.wait(10)

    def report() -> None:
        told.report("SM1", UNDELIVERED, "30003", retry=True)

    with ThreadPoolExecutor(3) as threads:
        holder = threads.submit(told.do, hold_the_queue)
        assert locked.wait(10)
        reports = [threads.submit(report) for _ in range(2)]
        # Long enough for both to have found the message and to wait for its queue.
        time.sleep(0.3)
        may_end.set()
        for job in (holder, *reports):
            job.result()

    assert (told.notice(notice).state, told.notice(notice).tries) == (NoticeState.PENDING, 1)


def test_reported_failures_that_may_pass_end_as_a_dead_letter_after_the_last_try(told: Told) -> None:
    _, notice = told.called()
    for turn in range(TRIES):
        told.sent(notice, f"SM{turn}")
        told.report(f"SM{turn}", UNDELIVERED, "30003", retry=True)
        told.clock.advance(PAUSES[min(turn, len(PAUSES) - 1)])
        told.claim()

    assert [letter.id for letter in told.service.dead_letters()] == [notice.id]
    assert told.claim() == []


def test_an_older_notice_does_not_hide_that_the_call_failed(records: Records, engine: Engine) -> None:
    told = Told(records, engine, almost_there_at=1)
    first, second = told.fill(2)
    told.act("leave", first)
    almost_there = told.claim_one(NoticeKind.ALMOST_THERE)
    told.sent(almost_there, "SM1")
    told.wait(seconds=10)
    told.call_next()
    told.fail(told.claim_one(NoticeKind.CALLED))

    told.report("SM1", DELIVERED)

    assert told.notice(almost_there).state is DELIVERED
    assert told.shown(second) == ("called", "failed")


def test_a_report_after_the_guest_was_served_is_noted_all_the_same(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.act("serve", ticket)
    told.report("SM1", DELIVERED)

    assert told.notice(notice).state is DELIVERED
    assert told.ticket(ticket).no_show_at is None


def test_a_report_does_not_keep_staff_from_undoing(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.report("SM1", DELIVERED)

    assert told.undo().id == ticket.id


def test_a_note_on_a_notice_changes_nothing_else_of_it(told: Told) -> None:
    _, notice = told.called()
    before = told.notice(notice)
    told.sent(notice)
    after = told.notice(notice)

    for name in ("event_id", "queue_id", "ticket_id", "kind", "channel", "call_number", "stale_at"):
        assert getattr(without_times(after), name) == getattr(before, name)


# The no-show clock


def test_the_clock_waits_for_the_delivery_but_not_for_ever(told: Told) -> None:
    ticket, notice = told.called()
    assert told.clock_ends(ticket) == SEVEN
    told.sent(notice)
    assert told.clock_ends(ticket) == SEVEN


@pytest.mark.parametrize(("after", "ends"), [(0, 300), (30, 330), (119, 419), (120, 420), (121, 420), (300, 420)])
def test_the_clock_runs_from_the_delivery(told: Told, after: int, ends: int) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.wait(seconds=after)
    told.report("SM1", DELIVERED)

    assert told.clock_ends(ticket) == timedelta(seconds=ends)
    told.wait(seconds=60)
    told.report("SM1", READ)
    assert told.clock_ends(ticket) == timedelta(seconds=ends), "being read gives no more time"


def test_a_carrier_whose_yes_is_all_it_says_starts_the_clock_with_it(told: Told) -> None:
    ticket, notice = told.called()
    told.wait(seconds=40)
    told.sent(notice, delivered=True)

    assert told.clock_ends(ticket) == timedelta(minutes=5, seconds=40)


@pytest.mark.parametrize("how", ["failed", "reported", "dead", "opted out"])
def test_the_clock_of_who_was_not_reached_runs_from_the_call(told: Told, how: str) -> None:
    ticket = told.join("+15550300001", sender="+15550100001")
    if how == "opted out":
        told.do(
            lambda tx: told.book.opt_out(
                tx, tx.contacts.lock_by_id(told.ticket(ticket).contact_id or ""), "+15550100001"
            )
        )
    told.call_next()
    claimed = told.claim()
    for outbound in claimed:
        told.wait(seconds=10)
        if how == "failed":
            told.fail(outbound.notice)
        elif how == "reported":
            told.sent(outbound.notice)
            told.report("SM1", UNDELIVERED, "30005")
        else:
            for _ in range(TRIES):
                told.fail(outbound.notice, retry=True)

    assert len(claimed) == (how != "opted out")
    assert told.clock_ends(ticket) == FIVE


def test_the_clock_waits_for_the_text_until_its_last_try_failed(told: Told) -> None:
    ticket, notice = told.called()
    for turn in range(TRIES):
        assert told.clock_ends(ticket) == SEVEN
        told.sent(notice, f"SM{turn}")
        told.report(f"SM{turn}", UNDELIVERED, "30003", retry=True)
        told.clock.advance(PAUSES[min(turn, len(PAUSES) - 1)])
        told.claim()

    assert told.clock_ends(ticket) == FIVE


def test_the_clock_of_a_walk_in_runs_from_the_call(told: Told) -> None:
    walk_in = told.join(actor=OWNER)
    told.call_next()

    assert told.clock_ends(walk_in) == FIVE


def test_a_recall_starts_the_clock_again_and_the_first_calls_reports_are_past(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice, "SM1")
    told.wait(minutes=3)
    told.act("recall", ticket)
    assert told.clock_ends(ticket) == SEVEN

    told.report("SM1", DELIVERED)
    assert told.clock_ends(ticket) == SEVEN
    told.sent(told.claim_one(NoticeKind.RECALLED), "SM2")
    told.wait(seconds=10)
    told.report("SM2", DELIVERED)
    assert told.clock_ends(ticket) == timedelta(minutes=5, seconds=10)


def test_a_queue_without_a_limit_has_no_clock(records: Records, engine: Engine) -> None:
    told = Told(records, engine, no_show_minutes=None)
    ticket, notice = told.called()
    told.sent(notice)
    told.report("SM1", DELIVERED)

    assert told.clock_ends(ticket) is None


def test_a_report_does_not_start_the_clock_of_who_was_put_back(told: Told) -> None:
    ticket, notice = told.called()
    told.sent(notice)
    told.act("put_back", ticket)
    told.report("SM1", DELIVERED)

    assert told.ticket(ticket).no_show_at is None
