"""What happens by itself: no-shows, the end of the day, erasure."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, func, select, update

from core.model import GUEST, ContactAddress, EventKind, NoticeState, TicketState
from core.storage.accounts import AccountToken
from core.storage.records import Once, Records, Transaction
from core.storage.tables import account_tokens, delivery_reports, events, metadata, queues, receipts, tickets, venues
from core.sweeps import AT_A_TIME, Sweeper
from tests.clocks import StillClock
from tests.core.counting import counted
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER, Line, add_queue, add_venue, contents
from tests.core.notices import Told
from tests.databases import once_after

NAME, NOTE, ADDRESS, SENDER = "Ana Beatriz", "by the window", "+15550300001", "+15550100001"
PERSONAL = (NAME, "Beatriz", NOTE, "window", ADDRESS, "5550300001", "dialogue of hers")


@pytest.fixture
def told(records: Records, engine: Engine):
    told = Told(records, engine)
    yield told
    assert_whole(engine)


def sweeper(line: Line) -> Sweeper:
    return Sweeper(line.records, line.queues, line.book)


def count(engine: Engine, table) -> int:
    with engine.execution_options(reads=True).connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# No-shows


def test_those_whose_clock_has_run_out_become_no_shows(told: Told) -> None:
    walk_in, guest, served = told.join(actor=OWNER), told.join(ADDRESS), told.join(actor=OWNER)
    for ticket in (walk_in, guest, served):
        told.act("call", ticket)
    told.act("serve", served)
    assert sweeper(told).no_shows() == 0

    told.wait(minutes=5)
    assert sweeper(told).no_shows() == 1
    assert (told.state(walk_in), told.state(guest)) == (TicketState.NO_SHOW, TicketState.CALLED)

    told.wait(minutes=2)
    assert sweeper(told).no_shows() == 1
    assert sweeper(told).no_shows() == 0
    assert told.state(served) is TicketState.SERVED


def test_a_no_show_of_the_clock_is_told_and_is_not_undone_by_staff(told: Told) -> None:
    guest = told.join(ADDRESS)
    told.call_next()
    told.wait(minutes=7)
    sweeper(told).no_shows()

    assert told.happened(guest)[-1] is EventKind.NO_SHOW
    assert [outbound.notice.kind for outbound in told.claim()] == ["no_show"]
    assert told.act("come_back", guest, actor=GUEST).state is TicketState.WAITING


# The end of the day


def test_the_day_ends_in_each_queue_at_its_own_hour(line: Line) -> None:
    line.do(lambda tx: add_venue(tx, "tokyo", OWNER, time_zone="Asia/Tokyo"))
    line.do(lambda tx: add_queue(tx, "tokyo", "second"))
    here, there = line.join(), line.join(queue_id="second")
    with line.records.reading() as tx:
        second = tx.queues.get("second")
    assert second is not None
    line.clock.now = second.day_ends_at

    assert sweeper(line).end_days() == 1
    assert (line.state(here), line.state(there)) == (TicketState.WAITING, TicketState.REMOVED)
    line.clock.now = line.queue.day_ends_at
    assert sweeper(line).end_days() == 1
    assert sweeper(line).end_days() == 0
    assert line.state(here) is TicketState.REMOVED


# One that fails


@pytest.fixture
def broken(told: Told) -> Iterator[str]:
    """The older of two queues, whose row nobody can read until the test is over."""
    told.do(lambda tx: add_queue(tx, "venue", "broken", no_show_minutes=5))
    yield "broken"
    set_state(told, "open")


def set_state(told: Told, state: str) -> None:
    told.do(lambda tx: tx.connection.execute(update(queues).where(queues.c.id == "broken").values(state=state)))


@pytest.mark.parametrize("sweep", ["no_shows", "end_days"])
def test_one_that_fails_keeps_none_after_it(told: Told, broken: str, sweep: str) -> None:
    tickets = []
    for queue_id in (broken, told.id):
        tickets.append(told.join(actor=OWNER, queue_id=queue_id))
        told.act("call", tickets[-1])
        told.wait(seconds=1)
    set_state(told, "neither")
    if sweep == "no_shows":
        told.wait(minutes=5)
    else:
        told.clock.now = told.queue.day_ends_at
    faults = []

    def attempt(step: Callable[[], int]) -> int:
        try:
            return step()
        except ValueError as fault:
            faults.append(fault)
            return 0

    assert getattr(sweeper(told), sweep)(attempt) == 1
    assert len(faults) == 1
    ended = TicketState.NO_SHOW if sweep == "no_shows" else TicketState.REMOVED
    assert [told.state(ticket) for ticket in tickets] == [TicketState.CALLED, ended]


# Erasure


def old_guest(told: Told) -> None:
    """A guest with everything personal that can be kept, whose visit is over; a fortnight later all receipts are."""
    address = ContactAddress("sms", ADDRESS)

    def join(tx):
        contact = told.book.lock_or_add(tx, address)
        contact.language, contact.name = "pt", NAME
        contact.dialogue = {"said": "dialogue of hers"}
        tx.contacts.save(contact)
        joined = told.queues.join(
            tx, told.id, GUEST, contact=contact, sender=SENDER, guest_name=NAME, party_size=2, note=NOTE
        )
        return {"reply": f"{NAME}, you are in line, {ADDRESS}", "ticket": joined.ticket.id}

    answer = told.records.answer_once(Once("sms", "SM0", "fingerprint", timedelta(days=7)), join)
    told.call_next()
    for outbound in told.claim():
        told.sent(outbound.notice)
    told.do(lambda tx: told.queues.change(tx, answer["ticket"], GUEST, guest_name=f"{NAME} Souza"))
    told.do(lambda tx: told.queues.serve(tx, answer["ticket"], OWNER))


def contents_of(tx: Transaction, column) -> list:
    return list(tx.connection.execute(select(column)).scalars())


def found_anywhere(engine: Engine) -> set[str]:
    """Where in the record something personal still stands."""
    return {
        table.name
        for table in metadata.sorted_tables
        if any(words in row for row in contents(engine)[table.name] for words in PERSONAL)
    }


def test_personal_data_stands_in_contacts_tickets_and_receipts_only(told: Told) -> None:
    old_guest(told)

    assert found_anywhere(told.engine) == {"contacts", "tickets", "receipts"}
    assert count(told.engine, events) == 4


def test_nothing_is_erased_before_its_time(told: Told) -> None:
    old_guest(told)
    told.wait(days=30)
    before = contents(told.engine)["tickets"], contents(told.engine)["contacts"]

    assert sweeper(told).erase() == 0
    assert (contents(told.engine)["tickets"], contents(told.engine)["contacts"]) == before


def test_after_the_retention_time_nothing_personal_is_left(told: Told) -> None:
    old_guest(told)
    told.wait(days=30, seconds=1)

    assert sweeper(told).erase() == 1
    assert found_anywhere(told.engine) == set()
    assert count(told.engine, receipts) == 0
    assert sweeper(told).erase() == 0


def test_a_report_that_was_being_noted_brings_no_erased_name_back(told: Told) -> None:
    old_guest(told)
    told.wait(days=31)

    def note_late(tx) -> None:
        ticket = tx.tickets.get(*contents_of(tx, tickets.c.id))
        tx.tickets.erase_expired(tx.now, AT_A_TIME)
        tx.tickets.save_noticed(ticket)

    told.do(note_late)
    assert told.do(lambda tx: contents_of(tx, tickets.c.guest_name)) == [""]


def test_the_history_outlives_the_erasure(told: Told) -> None:
    old_guest(told)
    told.wait(days=31)
    before = contents(told.engine)["events"]
    sweeper(told).erase()

    assert contents(told.engine)["events"] == before


def test_the_guest_who_comes_again_is_a_new_contact(told: Told) -> None:
    old_guest(told)
    told.wait(days=31)
    sweeper(told).erase()
    again = told.do(lambda tx: told.book.lock_or_add(tx, ContactAddress("sms", ADDRESS)))

    assert (again.name, again.language, again.dialogue, again.opted_out) == ("", None, None, [])


def test_an_opt_out_outlives_the_erasure(told: Told) -> None:
    address = ContactAddress("sms", ADDRESS)
    old_guest(told)
    told.do(lambda tx: told.book.opt_out(tx, told.book.lock_or_add(tx, address), SENDER))
    for _ in range(2):
        told.wait(days=31)
        sweeper(told).erase()
        assert found_anywhere(told.engine) == set()
        assert told.do(lambda tx: told.book.lock_or_add(tx, address)).opted_out == [SENDER]
    other = told.do(lambda tx: told.book.lock_or_add(tx, ContactAddress("whatsapp", ADDRESS)))
    assert other.opted_out == []


def test_who_opted_in_again_is_not_opted_out_by_a_second_erasure(told: Told) -> None:
    address = ContactAddress("sms", ADDRESS)
    told.do(lambda tx: told.book.opt_out(tx, told.book.lock_or_add(tx, address), SENDER))
    told.wait(days=2)
    sweeper(told).erase()
    told.do(lambda tx: told.book.opt_in(tx, told.book.lock_or_add(tx, address), SENDER))
    told.wait(days=2)
    sweeper(told).erase()

    assert told.do(lambda tx: told.book.lock_or_add(tx, address)).opted_out == []


def test_each_venue_keeps_data_for_its_own_time(line: Line) -> None:
    line.do(lambda tx: add_venue(tx, "brief", OWNER, retention_days=1))
    line.do(lambda tx: add_queue(tx, "brief", "second"))
    long = line.join(guest_name=NAME)
    short = line.join(guest_name=NAME, queue_id="second")
    for ticket in (long, short):
        line.act("remove", ticket)
    line.wait(days=2)

    assert sweeper(line).erase() == 1
    assert (line.ticket(long).guest_name, line.ticket(short).guest_name) == (NAME, "")


def test_who_still_waits_is_not_erased(line: Line) -> None:
    mine = line.join(ADDRESS, guest_name=NAME)
    line.wait(days=31)

    assert sweeper(line).erase() == 0
    assert line.ticket(mine).guest_name == NAME
    sweeper(line).end_days()
    assert sweeper(line).erase() == 1


def test_who_is_brought_back_into_the_line_while_the_erasure_looks_is_not_erased(
    two_engines: tuple[Engine, Engine], clock: StillClock
) -> None:
    """Only where a day is longer than the retention time."""
    engine, other_engine = two_engines
    line = Line(Records(engine, clock), engine)
    mine = line.join(ADDRESS, guest_name=NAME)
    with engine.begin() as connection:
        connection.execute(update(venues).values(retention_days=1))
        connection.execute(update(queues).values(day_ends_at=clock() + timedelta(days=2)))
    line.wait(days=1, minutes=1)
    line.act("call", mine)
    line.act("serve", mine)

    with once_after(other_engine, "venues.retention_days = ", line.undo):
        Sweeper(Records(other_engine, clock), line.queues, line.book).erase()

    assert line.state(mine) == "called"
    assert line.ticket(mine).guest_name == NAME
    with line.records.reading() as tx:
        assert tx.contacts.get(mine.contact_id or "").address == ADDRESS


def test_a_contact_of_two_visits_is_kept_as_long_as_the_later(line: Line) -> None:
    line.act("leave", line.join(ADDRESS, guest_name=NAME), actor=GUEST)
    line.wait(days=20)
    later = line.join(ADDRESS, guest_name=NAME)
    line.act("leave", later, actor=GUEST)
    line.wait(days=11)

    assert sweeper(line).erase() == 1
    with line.records.reading() as tx:
        assert tx.contacts.get(later.contact_id or "").address == ADDRESS


def test_who_only_wrote_is_forgotten_after_a_day(line: Line) -> None:
    contact = line.do(lambda tx: line.book.lock_or_add(tx, ContactAddress("sms", ADDRESS)))
    line.wait(hours=23)
    sweeper(line).erase()
    with line.records.reading() as tx:
        assert tx.contacts.get(contact.id).address == ADDRESS

    line.wait(hours=2)
    sweeper(line).erase()
    assert found_anywhere(line.engine) == set()


def test_more_than_one_round_is_erased_at_once(line: Line) -> None:
    addresses = [f"+1555{index:07}" for index in range(AT_A_TIME + 5)]
    tickets = line.do(lambda tx: [line.joining(tx, address, guest_name=NAME).ticket for address in addresses])
    line.do(lambda tx: line.queues.close(tx, line.id, OWNER, remove_waiting=True))
    line.wait(days=31)

    assert sweeper(line).erase() == len(tickets)
    assert found_anywhere(line.engine) == set()
    assert line.do(lambda tx: tx.contacts.without_tickets_kept(tx.now, 1)) == []


def test_spent_receipts_go_in_portions(line: Line, engine: Engine) -> None:
    def keep(tx) -> None:
        for number in range(AT_A_TIME + 5):
            tx.receipts.insert("scope", f"key {number}", "", {}, tx.now + timedelta(hours=1))
        tx.receipts.insert("scope", "of today", "", {}, tx.now + timedelta(days=1))

    line.do(keep)
    line.wait(hours=2)
    assert line.do(lambda tx: tx.receipts.delete_expired(tx.now, 3)) == 3
    assert count(engine, receipts) == AT_A_TIME + 3

    with counted(engine) as sql:
        sweeper(line).erase()
    assert count(engine, receipts) == 1
    assert sum(statement.startswith("DELETE FROM receipts") for statement in sql.statements) == 2


def test_an_erasure_costs_the_same_with_many_venues(line: Line, engine: Engine) -> None:
    def statements() -> int:
        with counted(engine) as sql:
            sweeper(line).erase()
        return len(sql.statements)

    with_one = statements()
    for number in range(10):
        line.do(partial(add_venue, venue_id=f"venue-{number}", owner=OWNER))

    assert statements() == with_one


def test_spent_tokens_and_reports_that_nobody_asked_for_go(told: Told) -> None:
    def keep(tx) -> None:
        for number, days in enumerate((1, 10)):
            expires_at = tx.now + timedelta(days=days)
            tx.accounts.insert_token(AccountToken(f"hash {number}", "verify", "a@b.c", None, expires_at))

    told.do(keep)
    told.report("SM-foreign", NoticeState.FAILED, "30005")
    sweeper(told).erase()
    assert (count(told.engine, account_tokens), count(told.engine, delivery_reports)) == (2, 1)

    told.wait(days=7, seconds=1)
    sweeper(told).erase()
    assert (count(told.engine, account_tokens), count(told.engine, delivery_reports)) == (1, 0)
