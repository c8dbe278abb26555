"""The worker: passes events on to guests as notices, and does what happens by itself, beside the server."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType

import structlog

from bots.notifier import Notifier
from core.errors import RecordUnavailable
from core.storage.redis_server import Bell
from local.application import Parts, create_notifiers

# How long an event waits at most when Redis' bell is not heard.
POLL_SECONDS = 0.7
NO_SHOW_SECONDS = 2.0
DAY_SECONDS = 60.0
ERASE_SECONDS = 3600.0
REPORT_SECONDS = 60.0
# As long as a transaction may take that waits for nobody.
SWEEP_STOP_SECONDS = 2.0
# After a failure, so that it does not come a thousand times a second.
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


def work(parts: Parts, parent: int | None) -> None:
    """Work until Ctrl-C, SIGTERM, or the end of the process `parent`; what is being sent is noted first."""
    worker = Worker(parts, create_notifiers(parts), parent)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Nothing else: what is interrupted here may hold any lock.
        worker.stopped = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    worker.run()


class Worker:
    """Relays in one thread, sends in another for each carrier, and has one for each sweep: none holds the others up."""

    def __init__(self, parts: Parts, notifiers: Sequence[Notifier], parent: int | None) -> None:
        self.stopped = False
        self._parts = parts
        self._parent = parent
        self._notifiers = notifiers
        self._relay_wakes = threading.Event()
        self._send_wakes = [threading.Event() for _ in notifiers]
        self._ended = threading.Event()

    def run(self) -> None:
        """Work until `stopped` is set, or until the parent is another one."""
        bell = Bell(self._parts.redis, self._relay_wakes)
        senders = [
            threading.Thread(target=self._keep_sending, args=(notifier, wake), name="sender")
            for notifier, wake in zip(self._notifiers, self._send_wakes, strict=True)
        ]
        # Daemons: the process may end in the middle of a long erasure, between or within its transactions.
        sweeps = [
            threading.Thread(target=self._keep_sweeping, args=(sweep, seconds), name="sweep", daemon=True)
            for sweep, seconds in self._sweeps()
        ]
        bell.start()
        for thread in (*senders, *sweeps):
            thread.start()
        try:
            while not self.stopped and (self._parent is None or os.getppid() == self._parent):
                self._relay_wakes.clear()
                relayed = _guarded(self._parts.notices.relay)
                if relayed:
                    self._wake_senders()
                self._beat()
                if not relayed:
                    self._relay_wakes.wait(POLL_SECONDS)
        finally:
            # After a fault too: a worker that only sends would live on, with nothing more to send.
            self.stopped = True
            self._ended.set()
            self._wake_senders()
            for sender in senders:
                sender.join()
            for sweep in sweeps:
                sweep.join(SWEEP_STOP_SECONDS)
            bell.stop()

    def _beat(self) -> None:
        try:
            self._parts.beat.beat()
        except OSError as error:
            # A disk that is full or away keeps no guest from being called.
            log.warning("the worker can't say that it is alive", error=str(error))

    def _wake_senders(self) -> None:
        for wake in self._send_wakes:
            wake.set()

    def _keep_sending(self, notifier: Notifier, wake: threading.Event) -> None:
        while not self.stopped:
            wake.clear()
            if not _guarded(partial(notifier.begin, wake.set)):
                wake.wait(POLL_SECONDS)
        notifier.close()

    def _sweeps(self) -> Sequence[tuple[Callable[[], int], float]]:
        """What happens by itself, and how many seconds pass before it happens again."""
        sweeper = self._parts.sweeper
        return (
            (partial(sweeper.no_shows, _guarded), NO_SHOW_SECONDS),
            (partial(sweeper.end_days, _guarded), DAY_SECONDS),
            (sweeper.erase, ERASE_SECONDS),
            (partial(sweeper.hear_reports, self._parts.notices, _guarded), REPORT_SECONDS),
        )

    def _keep_sweeping(self, sweep: Callable[[], int], seconds: float) -> None:
        while not self._ended.is_set():
            _guarded(sweep)
            self._ended.wait(seconds)


def _guarded(step: Callable[[], int]) -> int:
    """What the step answers; 0, after a pause, when it failed."""
    try:
        return step()
    except RecordUnavailable as error:
        log.warning("the database is away", error=str(error.__cause__))
    except Exception:
        # The worker's edge: what is wrong with one step must not keep the others from their guests.
        log.exception("a step of the worker failed")
    time.sleep(PAUSE_SECONDS)
    return 0
