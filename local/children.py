"""Processes beside the server: started again when they end by themselves, and ended with it."""

import subprocess
import threading
from collections.abc import Mapping, Sequence

import structlog

PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Child:
    """A process that is kept running from `start` to `stop`, in a session of its own: Ctrl-C reaches us first."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, stop_seconds: float
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._stop_seconds = stop_seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name=name, daemon=True)

    def start(self) -> None:
        """Start it, and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """End it, gently and if need be not, and wait until it has; one that was never started is left so."""
        self._stopped.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
        if self._thread.ident is not None:
            self._thread.join()

    def _keep_running(self) -> None:
        # This thread outlives the process: on Linux a child can be tied to the thread that started it, no less.
        while not self._stopped.is_set():
            try:
                self._run_once()
            except OSError as error:
                log.error("a process can't be started", process=self.name, error=str(error))  # noqa: TRY400 - no bug
            self._stopped.wait(PAUSE_SECONDS)

    def _run_once(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                self._command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
            )
        while not self._stopped.is_set():
            try:
                code = self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            if not self._stopped.is_set():
                log.error("a process ended and is started again", process=self.name, code=code)
            return
        self._end(self._process)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            log.warning("a process did not stop in time and was killed", process=self.name)
            process.kill()
            process.wait()
