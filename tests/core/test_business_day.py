"""The business day: when it ends, and what ends with it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business_day import end_of_business_day
from core.errors import GraceOver
from core.model import GUEST, SYSTEM, EventKind, TicketState
from tests.core.lines import OWNER, Line

moments = st.timedeltas(timedelta(0), timedelta(days=15 * 365)).map(
    lambda after: datetime(2020, 1, 1, tzinfo=UTC) + after
)
zones = st.sampled_from(
    [
        "America/Sao_Paulo",
        "America/New_York",
        "America/St_Johns",
        "Europe/Lisbon",
        "Europe/Dublin",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Pacific/Kiritimati",
        "UTC",
    ]
)
starts = st.times().map(lambda at: f"{at:%H:%M}")


@given(moments, zones, starts)
def test_the_day_ends_after_now_and_within_a_day(now: datetime, zone: str, start: str) -> None:
    end = end_of_business_day(now, zone, start)

    assert timedelta(0) < end - now <= timedelta(hours=25)
    assert end.tzinfo is UTC


@given(moments, zones, starts)
def test_the_day_ends_at_the_venues_own_hour(now: datetime, zone: str, start: str) -> None:
    end = end_of_business_day(now, zone, start).astimezone(ZoneInfo(zone))
    wanted = datetime.combine(end.date(), time.fromisoformat(start), ZoneInfo(zone))

    clocks_jump_over_it = wanted.astimezone(UTC).astimezone(ZoneInfo(zone)).time() != wanted.time()
    assert clocks_jump_over_it or f"{end:%H:%M}" == start


@given(moments, zones, starts, st.floats(0, 1, exclude_max=True))
def test_every_moment_until_then_belongs_to_the_same_day(now: datetime, zone: str, start: str, part: float) -> None:
    end = end_of_business_day(now, zone, start)
    later = now + (end - now) * part
    if later < end:
        assert end_of_business_day(later, zone, start) == end
    assert end_of_business_day(end, zone, start) > end


@given(zones, starts, moments)
def test_days_follow_each_other_at_about_a_day(zone: str, start: str, now: datetime) -> None:
    for _ in range(3):
        end = end_of_business_day(now, zone, start)
        following = end_of_business_day(end, zone, start)
        assert timedelta(hours=23) <= following - end <= timedelta(hours=25)
        now = following


@pytest.mark.parametrize(
    ("now", "zone", "start", "end"),
    [
        # A club's Friday ends on Saturday morning.
        ("2026-11-21T02:00-03:00", "America/Sao_Paulo", "06:00", "2026-11-21T06:00-03:00"),
        ("2026-11-20T22:00-03:00", "America/Sao_Paulo", "06:00", "2026-11-21T06:00-03:00"),
        ("2026-11-21T06:00-03:00", "America/Sao_Paulo", "06:00", "2026-11-22T06:00-03:00"),
        ("2026-11-20T23:59-03:00", "America/Sao_Paulo", "00:00", "2026-11-21T00:00-03:00"),
        # The night on which the clocks go forward is an hour shorter, ...
        ("2026-03-07T20:00-05:00", "America/New_York", "06:00", "2026-03-08T06:00-04:00"),
        # ... the one on which they go back an hour longer.
        ("2026-10-31T20:00-04:00", "America/New_York", "06:00", "2026-11-01T06:00-05:00"),
        # 01:30 comes twice: the day ends at the first, and only there.
        ("2026-11-01T01:00-04:00", "America/New_York", "01:30", "2026-11-01T01:30-04:00"),
        ("2026-11-01T01:00-05:00", "America/New_York", "01:30", "2026-11-02T01:30-05:00"),
        # 02:30 does not come at all: the day ends as long after midnight as on any other day.
        ("2026-03-08T01:59-05:00", "America/New_York", "02:30", "2026-03-08T03:30-04:00"),
        ("2026-03-08T03:10-04:00", "America/New_York", "02:30", "2026-03-08T03:30-04:00"),
        ("2026-03-08T03:30-04:00", "America/New_York", "02:30", "2026-03-09T02:30-04:00"),
    ],
)
def test_nights_on_which_it_matters(now: str, zone: str, start: str, end: str) -> None:
    assert end_of_business_day(datetime.fromisoformat(now).astimezone(UTC), zone, start) == datetime.fromisoformat(end)


def test_numbers_go_on_past_midnight_and_start_again_in_the_morning(line: Line) -> None:
    line.clock.now = datetime.fromisoformat("2026-11-20T23:30-03:00").astimezone(UTC)
    line.fill(2)
    line.wait(hours=6, minutes=29)
    assert line.join("+15550300001").number == 3

    line.wait(minutes=1)
    tomorrow = line.join("+15550300002")

    assert tomorrow.number == 1
    assert line.queue.day_ends_at == datetime.fromisoformat("2026-11-22T06:00-03:00")


def test_what_still_waits_is_ended_silently(line: Line) -> None:
    called, waiting = line.fill(2)
    line.call_next()
    line.clock.now = line.queue.day_ends_at

    assert line.do(lambda tx: line.queues.end_day_if_over(tx, line.id))
    assert not line.do(lambda tx: line.queues.end_day_if_over(tx, line.id))

    for ticket in (called, waiting):
        ended = line.history(ticket)[-1]
        assert (ended.kind, ended.actor) == (EventKind.DAY_ENDED, SYSTEM)
        assert ended.relayed_at is not None, "nobody is told"
        assert line.state(ticket) is TicketState.REMOVED
    assert line.queue.waiting == 0
    assert line.queue.last_called_at is None


@pytest.mark.parametrize("ended_by_the_sweep", [True, False])
def test_nobody_comes_back_with_a_number_of_the_day_before(line: Line, ended_by_the_sweep: bool) -> None:
    line.clock.now = line.queue.day_ends_at - timedelta(minutes=5)
    missed = line.join("+15550300001")
    line.call_next()
    line.act("no_show", missed)
    line.wait(minutes=6)
    if ended_by_the_sweep:
        line.do(lambda tx: line.queues.end_day_if_over(tx, line.id))

    line.refuses(GraceOver, lambda tx: line.queues.come_back(tx, missed.id, GUEST))
    assert line.join("+15550300001").number == 1


def test_the_day_does_not_end_before_its_time(line: Line) -> None:
    mine = line.join("+15550300001")
    line.clock.now = line.queue.day_ends_at - timedelta(microseconds=1)

    assert not line.do(lambda tx: line.queues.end_day_if_over(tx, line.id))
    assert not line.do(lambda tx: line.queues.end_day_if_over(tx, "nowhere"))
    assert line.state(mine) is TicketState.WAITING


def test_the_first_join_of_the_new_day_ends_the_old_one_itself(line: Line) -> None:
    old = line.fill(2)
    line.clock.now = line.queue.day_ends_at

    joined = line.do(lambda tx: line.joining(tx, "+15550200000"))

    assert (joined.position, joined.ticket.number) == (1, 1)
    assert [line.state(ticket) for ticket in old] == [TicketState.REMOVED] * 2
    assert line.order() == [joined.ticket.id]


def test_a_club_that_ends_its_day_late_calls_whom_it_took_in_the_new_one(line: Line) -> None:
    line.fill(3)
    line.clock.now = line.queue.day_ends_at + timedelta(days=3)
    walk_in = line.join(actor=OWNER)

    assert line.call_next().id == walk_in.id
    assert line.queue.day_ends_at > line.clock.now
