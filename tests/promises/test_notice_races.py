"""Each notice once, and each report heard, however many relay, claim, note and report in the same instant."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, event, select, update

from core.model import NoticeKind, NoticeState
from core.notices import LEASE, TRIES, NoticeService
from core.outbound import Outbound
from core.storage.records import Records, Transaction
from core.storage.tables import delivery_reports, notices
from tests.clocks import StillClock
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER
from tests.core.notices import SMS, Told
from tests.databases import once_after
from tests.promises.test_races import at_once


@pytest.fixture
def told(records: Records, engine: Engine) -> Iterator[Told]:
    told = Told(records, engine)
    yield told
    assert_whole(engine)


def test_many_relays_and_claimers_at_once_hand_each_notice_out_once(told: Told) -> None:
    for ticket in told.fill(40):
        told.act("call", ticket)

    def work() -> list[str]:
        claimed = []
        for _ in range(8):
            told.service.relay(5)
            claimed += [outbound.notice.ticket_id for outbound in told.service.claim(3, SMS)]
        return claimed

    claimed = [ticket_id for mine in at_once([work] * 6) for ticket_id in mine]
    while told.relay():
        pass
    claimed += [outbound.notice.ticket_id for outbound in told.claim()]

    assert len(claimed) == 40
    assert set(Counter(claimed).values()) == {1}


def test_whoever_is_asked_for_one_tickets_notice_finds_it_whatever_others_look_for(told: Told) -> None:
    """In the AWS edition nobody asks a second time, but for the sweep a minute later."""
    tickets = told.fill(12)
    for ticket in tickets:
        told.act("call", ticket)

    def work(ticket_id: str) -> list[str]:
        told.service.relay(ticket_id=ticket_id)
        return [outbound.notice.ticket_id for outbound in told.service.claim(1, SMS, ticket_id)]

    claimed = at_once([partial(work, ticket.id) for ticket in tickets])

    assert claimed == [[ticket.id] for ticket in tickets]


def test_a_notice_that_another_leases_while_the_due_are_looked_through_is_not_handed_out_again(
    elsewhere: tuple[Told, Records],
) -> None:
    """A look takes as long as a lock that it meets on its way."""
    told, others = elsewhere
    ticket = told.join("+15550300001")
    for step in ("call", "recall"):
        told.act(step, ticket)
        told.relay()
    # The second call is looked at first; the first is leased meanwhile, and would be the next to go out.
    for notice, notice_id in zip(told.notices(ticket), ("2-called", "1-called-again"), strict=True):
        told.do(partial(give_id, notice.id, notice_id))
    claimed: list[Outbound] = []
    looking = threading.Thread(target=lambda: claimed.extend(told.service.claim(10, SMS, ticket.id)))

    def lease(tx: Transaction) -> None:
        tx.notices.lease(["2-called"], tx.now + LEASE)
        looking.start()
        looking.join(0.3)

    others.transaction(lease)
    looking.join()

    assert claimed == []


@pytest.fixture
def elsewhere(two_engines: tuple[Engine, Engine], clock: StillClock) -> tuple[Told, Records]:
    """The line in one process, and the record in another."""
    engine, other_engine = two_engines
    return Told(Records(engine, clock), engine), Records(other_engine, clock)


def test_a_not_yet_is_told_though_a_call_came_and_went_while_it_was_judged(elsewhere: tuple[Told, Records]) -> None:
    told, others = elsewhere
    ticket, call = told.called()
    told.sent(call)
    told.wait(seconds=5)
    told.act("put_back", ticket)
    told.relay()

    def is_called() -> None:
        others.transaction(lambda tx: told.queues.call(tx, ticket.id, OWNER))
        # What was judged is set aside in the transaction after the one that leased it.
        event.listen(told.engine, "commit", is_leased, once=True)

    def is_leased(_connection: object) -> None:
        event.listen(told.engine, "begin", is_undone, once=True)

    def is_undone(_connection: object) -> None:
        others.transaction(lambda tx: told.queues.undo(tx, told.id, OWNER))
        NoticeService(others).relay()

    with once_after(told.engine, "WHERE tickets.id = ", is_called):
        claimed = told.service.claim(10, SMS)
    later = told.claim()

    assert told.state(ticket) == "waiting"
    assert [outbound.notice.kind for outbound in (*claimed, *later)] == [NoticeKind.NOT_YET]


def test_a_dead_letter_that_two_give_its_tries_back_at_once_has_them(elsewhere: tuple[Told, Records]) -> None:
    """The dead-letter queue may hold two messages of one ticket."""
    told, others = elsewhere
    ticket, call = told.called()
    for _ in range(TRIES):
        told.fail(call, retry=True)
        told.wait(minutes=1)
        told.claim()
    assert told.notice(call).state is NoticeState.DEAD

    with once_after(told.engine, "notices.ticket_id IN", partial(NoticeService(others).resend_dead, ticket.id)):
        told.service.resend_dead(ticket.id)

    assert told.notice(call).state is NoticeState.PENDING


def test_what_a_clock_ahead_has_made_due_is_sent_by_who_looks_next(told: Told) -> None:
    """In the AWS edition nobody asks a second time, but for the sweep a minute later."""
    ahead = StillClock()
    ahead.advance(timedelta(seconds=0.4))
    ticket = told.join("+15550300001")
    told.act("call", ticket)
    NoticeService(Records(told.engine, ahead)).relay()

    assert [outbound.notice.ticket_id for outbound in told.claim()] == [ticket.id]


def give_id(old: str, new: str, tx: Transaction) -> None:
    tx.connection.execute(update(notices).where(notices.c.id == old).values(id=new))


def test_a_report_in_the_instant_in_which_the_sending_is_noted_is_never_lost(told: Told) -> None:
    for turn in range(20):
        ticket, notice = told.called(f"+1555030{turn:04}")
        works: list[Callable[[], None]] = [
            partial(told.sent, notice, f"SM{turn}"),
            partial(told.report, f"SM{turn}", NoticeState.SENT),
            partial(told.report, f"SM{turn}", NoticeState.DELIVERED),
            partial(told.report, f"SM{turn}", NoticeState.DELIVERED),
        ]
        at_once(works)

        assert told.notice(notice).state is NoticeState.DELIVERED
        assert told.shown(ticket) == ("called", "delivered")


def test_reports_for_a_message_that_nobody_noted_are_each_kept_once(told: Told) -> None:
    for turn in range(10):
        states = (NoticeState.SENT, NoticeState.DELIVERED)
        at_once([partial(told.report, f"SM{turn}", state) for state in states for _ in range(4)])

        with told.records.reading() as tx:
            kept = tx.connection.execute(select(delivery_reports.c.state).order_by("state")).scalars().all()
        assert kept.count("sent") == kept.count("delivered") == turn + 1


def test_a_failure_reported_twice_in_one_instant_puts_the_notice_off_once(told: Told) -> None:
    for turn in range(10):
        _, notice = told.called(f"+1555030{turn:04}")
        told.sent(notice, f"SM{turn}")
        failure = partial(told.report, f"SM{turn}", NoticeState.UNDELIVERED, "30003", retry=True)
        at_once([failure] * 4)

        assert (told.notice(notice).state, told.notice(notice).tries) == (NoticeState.PENDING, 1)


def test_a_call_that_is_taken_back_while_it_is_claimed_is_said_so(
    elsewhere: tuple[Told, Records],
) -> None:
    """Only where writers do not wait for each other can the two overlap."""
    told, others = elsewhere
    ticket = told.join("+15550300001")
    told.call_next()
    told.relay()
    relaying = threading.Thread(target=NoticeService(others).relay)

    def before_the_commit(_connection: object) -> None:
        others.transaction(lambda tx: told.queues.put_back(tx, ticket.id, OWNER))
        relaying.start()
        relaying.join(0.3)

    event.listen(told.engine, "commit", before_the_commit, once=True)
    [claimed] = told.service.claim(10, SMS)
    relaying.join()

    assert claimed.notice.kind is NoticeKind.CALLED
    told.sent(claimed.notice)
    assert [outbound.notice.kind for outbound in told.claim()] == [NoticeKind.NOT_YET]
