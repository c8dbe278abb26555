"""Interleaved timing: what is compared is measured in turns, so that a busy machine slows both alike."""

import statistics
import time
from collections.abc import Callable, Mapping

Step = Callable[[], Callable[[], object]]
"""Prepares one run, untimed, and answers what is timed."""


def medians(steps: Mapping[str, Step], rounds: int) -> dict[str, float]:
    """The median seconds of each step over `rounds` turns, after a tenth as many that do not count."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    warm_up = max(rounds // 10, 3)
    for turn in range(warm_up + rounds):
        for name, prepare in steps.items():
            act = prepare()
            start = time.perf_counter()
            act()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}
