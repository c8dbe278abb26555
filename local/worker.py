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
SWEEP_SECONDS = 60.0
ERASE_SECONDS = 3600.0
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
    """Relays and sweeps in one thread, and sends in another for each carrier, so that none holds the others up."""

    def __init__(self, parts: Parts, notifiers: Sequence[Notifier], parent: int | None) -> None:
        self.stopped = False
        self._parts = parts
        self._parent = parent
        self._notifiers = notifiers
        self._relay_wakes = threading.Event()
        self._send_wakes = [threading.Event() for _ in notifiers]
        self._no_shows_at = self._sweep_at = self._erase_at = 0.0

    def run(self) -> None:
        """Work until `stopped` is set, or until the parent is another one."""
        bell = Bell(self._parts.redis, self._relay_wakes)
        senders = [
            threading.Thread(target=self._keep_sending, args=(notifier, wake), name="sender")
            for notifier, wake in zip(self._notifiers, self._send_wakes, strict=True)
        ]
        bell.start()
        for sender in senders:
            sender.start()
        try:
            while not self.stopped and (self._parent is None or os.getppid() == self._parent):
                self._relay_wakes.clear()
                relayed = _guarded(self._parts.notices.relay)
                if relayed:
                    self._wake_senders()
                self._sweep()
                self._parts.beat.beat()
                if not relayed:
                    self._relay_wakes.wait(POLL_SECONDS)
        finally:
            # After a fault too: a worker that only sends would live on, with nothing more to send.
            self.stopped = True
            self._wake_senders()
            for sender in senders:
                sender.join()
            bell.stop()

    def _wake_senders(self) -> None:
        for wake in self._send_wakes:
            wake.set()

    def _keep_sending(self, notifier: Notifier, wake: threading.Event) -> None:
        while not self.stopped:
            wake.clear()
            if not _guarded(partial(notifier.begin, wake.set)):
                wake.wait(POLL_SECONDS)
        notifier.close()

    def _sweep(self) -> None:
        now = time.monotonic()
        sweeper = self._parts.sweeper
        if now >= self._no_shows_at:
            self._no_shows_at = now + NO_SHOW_SECONDS
            _guarded(sweeper.no_shows)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            _guarded(sweeper.end_days)
        if now >= self._erase_at:
            self._erase_at = now + ERASE_SECONDS
            _guarded(sweeper.erase)


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
