"""How long the wait will be, learned from the calls."""

from datetime import timedelta

from core.estimates import FEWEST_SAMPLES, estimate
from tests.core.lines import Line


def test_a_clock_that_was_put_back_teaches_nothing(line: Line) -> None:
    line.fill(FEWEST_SAMPLES + 3)
    line.call_next()
    for _ in range(FEWEST_SAMPLES):
        line.wait(minutes=4)
        line.call_next()
    before = estimate(line.queue, 5)
    assert before is not None

    line.clock.advance(timedelta(minutes=-50))
    line.call_next()

    assert estimate(line.queue, 5) == before
