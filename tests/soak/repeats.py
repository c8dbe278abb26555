"""What carriers and clients do who get no answer, or are impatient: they ask the same again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.soak.containers import Killed

T = TypeVar("T")

MOST_REPEATS = 50


def until_answered(ask: Callable[[], T]) -> T:
    """Ask again as long as containers die over it. Raises Killed after very many."""
    for _ in range(MOST_REPEATS):
        try:
            return ask()
        except Killed:
            continue
    raise Killed


def at_once(*asks: Callable[[], T]) -> list[T]:
    """The answers to all of these, asked in the same instant, each until it is answered."""
    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(until_answered, asks))
