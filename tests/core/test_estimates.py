"""How long the wait will be, learned from the calls."""

from datetime import timedelta

import pytest

from core.estimates import Estimate
from tests.core.lines import Line


def called_after(line: Line, *minutes: float) -> None:
    """A first call, and one more after each of these pauses, while somebody waits all the time."""
    line.fill(20)
    line.call_next()
    for pause in minutes:
        line.wait(minutes=pause)
        line.call_next()


@pytest.mark.parametrize(
    ("pauses", "position", "expected"),
    [
        ((4, 4), 1, None),
        ((4, 4, 4), 1, Estimate(4, 4, 4)),
        ((4, 4, 4), 5, Estimate(20, 20, 20)),
        # Mean 4, deviation 1.63: 4 ± 2.09, and for nine places 36 ± 6.27.
        ((2, 4, 6), 1, Estimate(1, 4, 7)),
        ((2, 4, 6), 9, Estimate(29, 36, 43)),
        # From the fifth on, the newest pause counts for a fifth.
        ((5, 5, 5, 5, 5, 5, 15), 1, Estimate(1, 7, 13)),
        # Nobody is called during a break of more than an hour: it says nothing of the pace.
        ((4, 4, 60.1, 4), 2, Estimate(8, 8, 8)),
        ((30, 30, 60), 1, Estimate(21, 40, 59)),
        # Never less than nothing.
        ((1, 1, 19), 1, Estimate(0, 7, 18)),
    ],
)
def test_a_wait_is_as_long_as_the_calls_say(line: Line, pauses, position: int, expected: Estimate | None) -> None:
    called_after(line, *pauses)

    assert line.estimate(position) == expected


def test_who_does_not_wait_has_no_estimate(line: Line) -> None:
    called_after(line, 4, 4, 4)

    assert line.estimate(None) is None


def test_an_empty_line_teaches_nothing(line: Line) -> None:
    called_after(line, 4, 4, 4)
    while line.queue.waiting:
        line.call_next()
    before = line.queue

    line.wait(minutes=30)
    line.join("+15550300001")
    line.wait(minutes=1)
    line.call_next()

    assert pace(line) == (before.pace_seconds, before.pace_deviation_seconds, before.pace_samples)


def test_a_clock_that_was_put_back_teaches_nothing(line: Line) -> None:
    called_after(line, 4, 4, 4)
    before = pace(line)

    line.clock.advance(timedelta(minutes=-50))
    line.call_next()

    assert pace(line) == before


def pace(line: Line) -> tuple[float, float, int]:
    queue = line.queue
    return queue.pace_seconds, queue.pace_deviation_seconds, queue.pace_samples
