"""How long the wait will be: learned from the time between calls while somebody waited.

The time to a place's call is a sum of that many waits between calls; with mean m and deviation d of one, the sum
of n has mean n·m and deviation d·√n. The range shown is the mean plus and minus 1.28 deviations: four guests in
five are called within it, were the waits independent.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.model import Queue, Ticket

NEWEST_COUNTS = 0.2
FEWEST_SAMPLES = 3
LONGEST_PAUSE_SECONDS = 3600
SPREAD = 1.28


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes from now to the call: between `low` and `high`, most likely `likely`."""

    low_minutes: int
    likely_minutes: int
    high_minutes: int


def learn_pace(queue: Queue, called: Ticket, now: datetime) -> None:
    """Take one call into a queue's pace, unless the line was empty meanwhile, staff paused for an hour, or the
    machine's clock was put back."""
    last, queue.last_called_at = queue.last_called_at, now
    if last is None or called.joined_at > last:
        return
    seconds = (now - last).total_seconds()
    if not 0 <= seconds <= LONGEST_PAUSE_SECONDS:
        return
    weight = max(NEWEST_COUNTS, 1 / (queue.pace_samples + 1))
    difference = seconds - queue.pace_seconds
    variance = (1 - weight) * (queue.pace_deviation_seconds**2 + weight * difference**2)
    queue.pace_seconds += weight * difference
    queue.pace_deviation_seconds = math.sqrt(variance)
    queue.pace_samples += 1


def pace_of(queue: Queue) -> dict[str, Any]:
    """What the next call will change of a queue's pace, in JSON's types: for `take_back_pace`."""
    last = queue.last_called_at
    return {
        "last_called_at": None if last is None else last.isoformat(),
        "seconds": queue.pace_seconds,
        "deviation_seconds": queue.pace_deviation_seconds,
        "samples": queue.pace_samples,
    }


def take_back_pace(queue: Queue, before: dict[str, Any]) -> None:
    """Forget what a call taught, which was a slip; nobody was called since."""
    last = before["last_called_at"]
    queue.last_called_at = None if last is None else datetime.fromisoformat(last)
    queue.pace_seconds, queue.pace_deviation_seconds = before["seconds"], before["deviation_seconds"]
    queue.pace_samples = before["samples"]


def estimate(queue: Queue, position: int | None) -> Estimate | None:
    """The wait at a position, from 1; None while too little is known, or for a guest who does not wait."""
    if position is None or queue.pace_samples < FEWEST_SAMPLES:
        return None
    likely = position * queue.pace_seconds
    spread = SPREAD * queue.pace_deviation_seconds * math.sqrt(position)
    return Estimate(
        low_minutes=math.floor(max(0.0, likely - spread) / 60),
        likely_minutes=round(likely / 60),
        high_minutes=math.ceil((likely + spread) / 60),
    )
