"""What happens by itself: each minute no-shows, ended days, notices and reports left behind, each hour the erasure.

And what an operator may ask for after a restore: to forget the positions in Redis.
"""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from core.sweeps import Sweeper
from lambdas.watching import Failed, watched
from lambdas.wiring import parts

LEFT_BEHIND = timedelta(seconds=10)
MOST = 1000
# Of the function's fifty; a step that waits for a lock may take ten more.
MOST_SECONDS = 35.0

log = structlog.get_logger(__name__)


@watched
def handle(event: Mapping[str, Any], _context: object) -> None:
    """Sweep what the schedule names. Raises Failed, at the end, so that the function's errors count it."""
    here, failed, give_up_at = parts(), [], time.monotonic() + MOST_SECONDS

    def attempt(step: Callable[[], int]) -> int:
        if time.monotonic() > give_up_at:
            log.warning("a step of the sweep is left for the next minute")
            return 0
        try:
            return step()
        except Exception:
            # The function's edge: what is wrong with one step must not keep the others from their guests.
            log.exception("a step of the sweep failed")
            failed.append(step)
            return 0

    sweeper = Sweeper(here.records, here.queues, here.contacts)
    match event.get("what"):
        case "minute":
            # Those first whom a single queue that is locked can't hold up.
            attempt(_nudge)
            attempt(_measure)
            attempt(partial(sweeper.no_shows, attempt))
            attempt(partial(sweeper.end_days, attempt))
            attempt(partial(sweeper.hear_reports, here.notices, attempt))
        case "erase":
            attempt(sweeper.erase)
        case "forget positions":
            attempt(_forget_positions)
        case what:
            raise Failed(f"{what!r} is none of: minute, erase, forget positions")
    if failed:
        raise Failed(f"{len(failed)} steps failed")


def _forget_positions() -> int:
    """After the record was put back to an earlier state."""
    parts().view.forget_all()
    return 1


def _nudge() -> int:
    """Publish whose guests should have been told by now: the function that committed could not, or a try is due."""
    here = parts()
    told = here.notices.left_behind(LEFT_BEHIND, MOST)
    here.topic.publish(told)
    return len(told)


def _measure() -> int:
    """Tell CloudWatch how long events and calls have waited; 0 where none does."""
    here = parts()
    with here.records.reading() as tx:
        waiting = {
            "OldestUnrelayedSeconds": tx.event_log.oldest_unrelayed(),
            "OldestCallSeconds": tx.notices.oldest_call_not_sent(),
        }
        for name, since in waiting.items():
            seconds = 0.0 if since is None else max(0.0, (tx.now - since).total_seconds())
            with single_metric(name=name, unit=MetricUnit.Seconds, value=seconds):
                pass  # written when it ends
    return len(waiting)
