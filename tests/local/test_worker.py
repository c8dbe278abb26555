"""The worker's own life, beside what it does for guests."""

import os
import subprocess
import sys
from pathlib import Path

FAULT = """
import os, sys
from pathlib import Path
from core.settings import Settings
from core.storage.engine import migrate
from local.application import Parts
from local.health import WorkerBeat
from local.worker import work

parts = Parts(Settings.from_environment(os.environ))
migrate(parts.engine)
parts.beat = WorkerBeat(Path(sys.argv[1]))
work(parts, None)
"""


def test_a_worker_that_can_not_go_on_ends_whole(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQL_", "REDIS_"))}

    ended = subprocess.run(
        [sys.executable, "-c", FAULT, str(tmp_path / "not there")],
        env=environment | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "FileNotFoundError" in ended.stderr
