"""The worker's sign of life, which /healthz tells the age of."""

import time
from pathlib import Path


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
