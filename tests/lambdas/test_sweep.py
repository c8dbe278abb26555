"""What the sweep does by its orders, and what CloudWatch and Lambda are told of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from core.clock import system_clock
from core.model import NoticeState, Queue, Ticket, TicketState
from core.notices import NoticeService
from core.storage.engine import ANSWER_SECONDS, open_engine
from core.storage.notices import DeliveryReport
from core.storage.records import PATIENCE_SECONDS, Records
from infra.templates import resources
from lambdas.sweep import MOST_SECONDS
from tests.bots.bars import Bars
from tests.core.lines import OWNER
from tests.lambdas.containers import Container
from tests.lambdas.surroundings import Surroundings

pytestmark = pytest.mark.timeout(300)

WITHOUT_TIME = """
from lambdas import sweep
from tests.lambdas.bootstrap import CONTEXT
sweep.MOST_SECONDS = -1.0
sweep.handle({"what": "minute"}, CONTEXT)
"""

Ago = Callable[..., Surroundings]


@pytest.fixture(scope="module")
def sweep(around: Surroundings) -> Iterator[Container]:
    with around.container("sweep") as container:
        yield container


@pytest.fixture
def ago(around: Surroundings) -> Iterator[Ago]:
    """The surroundings as they were so long ago."""
    engine = open_engine(around.mariadb.url("line"))

    def then(**how_long: float) -> Surroundings:
        bars = Bars(Records(engine, lambda: system_clock() - timedelta(**how_long)))
        bars.numbers = around.bars.numbers
        return replace(around, bars=bars)

    yield then
    engine.dispose()


@pytest.fixture
def _nothing_waits(around: Surroundings) -> None:
    """No event that other tests left waits for its notice, and no notice for its carrier."""
    with around.mariadb.connect("line") as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE events SET relayed_at = at WHERE relayed_at IS NULL")
        cursor.execute("UPDATE notices SET state = 'stale' WHERE state = 'pending'")


@dataclass(frozen=True)
class Swept:
    """What came of an order, and the lines that it left in the log."""

    said: dict[str, Any]
    lines: list[dict[str, Any]]


def swept(container: Container, what: str) -> Swept:
    before = len(container.log)
    said = container.invoke({"what": what})
    return Swept(said, [json.loads(line) for line in container.log[before:].splitlines()])


def errors(swept: Swept) -> list[str]:
    """What the steps failed with."""
    return [line["exception_name"] for line in swept.lines if line.get("event") == "a step of the sweep failed"]


def queue_of(bars: Bars, **settings: Any) -> str:
    """A new queue, at that time."""
    return bars.queue(f"SWEPT{next(bars.numbers)}", **settings)


def overdue(ago: Ago) -> Ticket:
    """A walk-in who was called ten minutes ago and should have come within five."""
    bars = ago(minutes=10).bars
    # Whatever time it is, its day is not over.
    queue_id = queue_of(bars, no_show_minutes=5, day_ends_at=system_clock() + timedelta(hours=1))
    bars.fill(1, queue_id)
    return bars.call_next(queue_id)


def left_over(ago: Ago) -> Ticket:
    """A walk-in who waits since the day before yesterday."""
    bars = ago(days=2).bars
    [ticket] = bars.fill(1, queue_of(bars))
    return ticket


def ticket_now(around: Surroundings, ticket: Ticket) -> Ticket:
    with around.bars.records.reading() as tx:
        found = tx.tickets.get(ticket.id)
    assert found is not None
    return found


def queue_now(around: Surroundings, ticket: Ticket) -> Queue:
    with around.bars.records.reading() as tx:
        found = tx.queues.get(ticket.queue_id)
    assert found is not None
    return found


@contextmanager
def changed(around: Surroundings, change: str, back: str) -> Iterator[None]:
    """A statement on the database, and afterwards the one that takes it back."""
    with around.mariadb.connect("line") as connection, connection.cursor() as cursor:
        cursor.execute(change)
        try:
            yield
        finally:
            cursor.execute(back)


# What CloudWatch is told

Measured = tuple[str, str, tuple[tuple[str, str], ...]]
"""What CloudWatch knows a metric by: namespace, name and dimensions."""


def measured(swept: Swept) -> dict[Measured, tuple[str, list[float]]]:
    """What CloudWatch makes of the lines: each metric's unit and values.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    return {
        (of["Namespace"], metric["Name"], tuple((name, line[name]) for name in names)): (
            metric["Unit"],
            line[metric["Name"]],
        )
        for line in swept.lines
        for of in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for names in of["Dimensions"]
        for metric in of["Metrics"]
    }


def looked_at(around: Surroundings, alarm: dict[str, Any]) -> Measured:
    """The metric that an alarm looks at."""
    dimensions = tuple((each["Name"], around.names[each["Value"]["Ref"]]) for each in alarm["Dimensions"])
    return alarm["Namespace"], alarm["MetricName"], dimensions


def called(around: Surroundings, becomes: str = "") -> None:
    """A guest is called and the notice of it made; a carrier takes it, or it fails for good."""
    ticket_id = around.called("sms")
    notices = NoticeService(around.bars.records, tries=1)
    notices.relay(ticket_id=ticket_id)
    if becomes:
        [claimed] = notices.claim(1, ("sms",), ticket_id)
        if becomes == "sent":
            notices.sent(claimed.notice.id, f"SM{ticket_id}", delivered=False)
        else:
            notices.failed(claimed.notice.id, "timeout", "It timed out.", retry=True, unreachable=False)


@pytest.mark.usefixtures("_nothing_waits")
def test_the_alarms_see_how_long_the_oldest_call_and_the_oldest_event_have_waited(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    alarms = resources("application", "AWS::CloudWatch::Alarm")
    waiting = {"OldestCall": 10, "OldestUnrelayed": 15}
    called(ago(minutes=5))
    called(ago(minutes=waiting["OldestCall"]))
    ago(minutes=waiting["OldestUnrelayed"]).called("sms")
    called(ago(minutes=20), becomes="dead")
    called(ago(minutes=25), becomes="sent")

    found = measured(swept(sweep, "minute"))

    assert found.keys() == {looked_at(around, alarms[name]) for name in waiting}
    for name, minutes in waiting.items():
        unit, [seconds] = found[looked_at(around, alarms[name])]
        assert unit == "Seconds"
        assert minutes * 60 <= seconds < (minutes + 1) * 60
        assert seconds > alarms[name]["Threshold"]


@pytest.mark.usefixtures("_nothing_waits")
def test_the_alarms_are_told_where_nothing_waits(around: Surroundings, sweep: Container) -> None:
    alarms = resources("application", "AWS::CloudWatch::Alarm")

    found = measured(swept(sweep, "minute"))

    assert found == {looked_at(around, alarms[name]): ("Seconds", [0.0]) for name in ("OldestCall", "OldestUnrelayed")}


# What happens by the orders


def test_each_minute_who_did_not_come_is_a_no_show_and_a_day_that_is_over_ends(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    absent, forgotten = overdue(ago), left_over(ago)

    assert swept(sweep, "minute").said == {"answer": None}

    assert_swept(around, absent, forgotten)


def test_each_minute_a_report_whose_process_died_is_heard(around: Surroundings, sweep: Container) -> None:
    ticket_id = around.called("sms")
    notices = NoticeService(around.bars.records)
    notices.relay(ticket_id=ticket_id)
    [outbound] = notices.claim(1, ("sms",), ticket_id)
    notices.sent(outbound.notice.id, f"SM-{ticket_id}", delivered=False)
    left = DeliveryReport("sms", f"SM-{ticket_id}", NoticeState.DELIVERED, None, False, False, system_clock())
    around.bars.do(lambda tx: tx.notices.keep_report(left))

    swept(sweep, "minute")

    with around.bars.records.reading() as tx:
        noted = tx.notices.get(outbound.notice.id)
    assert noted is not None
    assert noted.state is NoticeState.DELIVERED


def assert_swept(around: Surroundings, absent: Ticket, forgotten: Ticket) -> None:
    """The one is a no-show, and the other's day is over."""
    assert ticket_now(around, absent).state is TicketState.NO_SHOW
    assert ticket_now(around, forgotten).state is TicketState.REMOVED
    queue = queue_now(around, forgotten)
    assert (queue.waiting, queue.last_number) == (0, 0)
    assert queue.day_ends_at > system_clock()


def test_each_hour_what_is_known_of_a_guest_is_blanked_once_it_may_not_be_kept(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    def visit(bars: Bars) -> Ticket:
        queue_id = queue_of(bars)
        bars.do(lambda tx: bars.queues.join(tx, queue_id, OWNER, contact=None, guest_name="Ana", note="by the window"))
        ticket = bars.call_next(queue_id)
        return bars.do(lambda tx: bars.queues.serve(tx, ticket.id, OWNER))

    expired, kept = visit(ago(days=31).bars), visit(ago(days=29).bars)

    assert swept(sweep, "erase").said == {"answer": None}

    known = [(now.guest_name, now.note) for now in (ticket_now(around, ticket) for ticket in (expired, kept))]
    assert known == [("", ""), ("Ana", "by the window")]


# Where something is wrong


def test_steps_that_fail_keep_no_others_and_the_call_counts_as_failed(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    absent, forgotten = overdue(ago), left_over(ago)

    with changed(around, "RENAME TABLE notices TO away", "RENAME TABLE away TO notices"):
        done = swept(sweep, "minute")

    # Those that look for what was not told, or not heard.
    assert errors(done) == ["ProgrammingError"] * 3
    assert done.said == {"errorType": "Failed", "errorMessage": "3 steps failed"}
    assert_swept(around, absent, forgotten)


def test_a_queue_that_cannot_be_swept_keeps_no_other_and_the_call_counts_as_failed(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    broken = [overdue(ago), left_over(ago)]
    absent, forgotten = overdue(ago), left_over(ago)
    these = " OR ".join(f"id = '{ticket.queue_id}'" for ticket in broken)

    with changed(
        around,
        f"UPDATE queues SET state = 'neither' WHERE {these}",
        f"UPDATE queues SET state = 'open' WHERE {these}",
    ):
        done = swept(sweep, "minute")

    assert errors(done) == ["ValueError", "ValueError"]
    assert done.said == {"errorType": "Failed", "errorMessage": "2 steps failed"}
    assert_swept(around, absent, forgotten)


def test_an_erasure_that_fails_counts_as_failed(around: Surroundings, sweep: Container) -> None:
    with changed(around, "RENAME TABLE receipts TO away", "RENAME TABLE away TO receipts"):
        done = swept(sweep, "erase")

    assert errors(done) == ["ProgrammingError"]
    assert done.said == {"errorType": "Failed", "errorMessage": "1 steps failed"}


# Where time runs out


def test_what_there_is_no_time_for_is_left_for_the_next_minute_and_is_no_failure(
    around: Surroundings, ago: Ago, sweep: Container
) -> None:
    absent, forgotten = overdue(ago), left_over(ago)

    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TIME],
        env=around.environment("sweep"),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]

    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "a step of the sweep is left for the next minute")
    ] * 5
    assert ticket_now(around, absent).state is TicketState.CALLED
    assert ticket_now(around, forgotten).state is TicketState.WAITING
    swept(sweep, "minute")
    assert_swept(around, absent, forgotten)


def test_a_step_that_begins_at_the_last_moment_and_waits_for_a_lock_ends_before_the_function_is_cut_off() -> None:
    function = resources("application", "AWS::Serverless::Function")["Sweep"]

    # A try begins within the patience, and takes no longer than an answer may.
    assert function["Timeout"] > MOST_SECONDS + PATIENCE_SECONDS + ANSWER_SECONDS
