"""Time that a test sets."""

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
