"""What happens by itself: each minute no-shows, ended days and notices left behind, each hour the erasure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from core.sweeps import Sweeper
from lambdas.wiring import parts

LEFT_BEHIND = timedelta(seconds=10)
MOST = 1000

log = structlog.get_logger(__name__)


class SweepFailed(Exception):
    """Some of the steps failed; the log has them, and the next sweep tries again."""


def handle(event: Mapping[str, Any], _context: object) -> None:
    """Sweep what the schedule names. Raises SweepFailed, at the end, so that the function's errors count it."""
    here, failed = parts(), []

    def attempt(step: Callable[[], int]) -> int:
        try:
            return step()
        except Exception:
            # The function's edge: what is wrong with one step must not keep the others from their guests.
            log.exception("a step of the sweep failed")
            failed.append(step)
            return 0

    sweeper = Sweeper(here.records, here.queues, here.contacts)
    if event.get("what") == "erase":
        attempt(sweeper.erase)
    else:
        attempt(partial(sweeper.no_shows, attempt))
        attempt(partial(sweeper.end_days, attempt))
        attempt(_nudge)
    if failed:
        raise SweepFailed(f"{len(failed)} steps failed")


def _nudge() -> int:
    """Publish whose guests should have been told by now: the function that committed could not, or a try is due."""
    here = parts()
    told = here.notices.left_behind(LEFT_BEHIND, MOST)
    here.topic.publish(told)
    return len(told)
