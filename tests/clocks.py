"""Time that a test sets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class StillClock:
    """A `core.clock.Clock` that stands still until it is told to go on. It starts on a Friday evening."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let this much time pass."""
        self.now += by


class InterruptingClock(StillClock):
    """Has something happen in the instant in which it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0
        self._happens: Callable[[], object] | None = None

    def interrupt(self, look: int, happens: Callable[[], object]) -> None:
        """At the `look`th look from now on, counted from 1."""
        self._looks, self._happens = look, happens

    def __call__(self) -> datetime:
        self._looks -= 1
        if self._looks == 0 and self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return self.now
