"""How the parts are: the worker's beat, and what /healthz tells of everything."""

import time
from collections.abc import Callable
from pathlib import Path

from core.errors import RecordUnavailable
from core.storage.records import Records
from web.services import Health


class WorkerBeat:
    """The worker's sign of life: a file in DATA_DIR, so that it is seen without Redis too."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "worker.beat"

    def beat(self) -> None:
        """Say that the worker is alive."""
        self._file.touch()

    def age(self) -> float | None:
        """Seconds since the last beat; None when there never was one."""
        try:
            return max(0.0, time.time() - self._file.stat().st_mtime)
        except FileNotFoundError:
            return None


def look_at(records: Records, redis_answers: Callable[[], bool], beat: WorkerBeat) -> Health:
    """How the parts are at this moment."""
    age: float | None = None
    try:
        with records.reading() as tx:
            oldest = tx.event_log.oldest_unrelayed()
            if oldest is not None:
                age = round(max(0.0, (tx.now - oldest).total_seconds()), 1)
        database = True
    except RecordUnavailable:
        database = False
    since = beat.age()
    return Health(
        database=database,
        redis=redis_answers(),
        oldest_unrelayed_seconds=age,
        worker_beat_seconds=None if since is None else round(since, 1),
    )
