"""Lambda's containers: processes that hold one function each, serve one event after the other, and are killed."""

import importlib
import multiprocessing
import os
import queue
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

from tests.lambdas.bootstrap import CONTEXT

FUNCTIONS = ("sms_webhook", "telegram_webhook", "api", "notify_sms", "notify_telegram", "sweep")

_processes = multiprocessing.get_context("forkserver")
# A container begins as a copy of a process that has the modules: nothing connects when they are imported.
_processes.set_forkserver_preload([f"lambdas.{name}" for name in FUNCTIONS] + [__name__])


class Killed(Exception):
    """The container died before it answered: what it did of its work is not known."""


class Raised(Exception):
    """The function raised; its traceback is the text."""


@dataclass(frozen=True)
class Setting:
    """What a function's containers are given: their environment, and a file for what they print and log."""

    function: str
    environment: dict[str, str]
    log: Path


def serve(setting: Setting, connection: Connection) -> None:
    """Answer the events that come, one at a time, until the other end is closed."""
    os.environ.update(setting.environment)
    log = os.open(setting.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    handle = importlib.import_module(f"lambdas.{setting.function}").handle
    while True:
        try:
            event = connection.recv()
        except EOFError:
            return
        try:
            outcome = (True, handle(event, CONTEXT))
        except Exception:  # noqa: BLE001 - as Lambda does: the container lives on
            outcome = (False, traceback.format_exc())
        connection.send(outcome)


class Container:
    """One of these processes."""

    def __init__(self, setting: Setting) -> None:
        self.calls = 0
        self._connection, theirs = _processes.Pipe()
        self._process = _processes.Process(target=serve, args=(setting, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, event: Any, kill_after: float | None) -> Any:
        """What the function answers. Where it takes longer than `kill_after` seconds, it is killed.

        Raises Killed, Raised.
        """
        self.calls += 1
        self._connection.send(event)
        if kill_after is not None and not self._connection.poll(kill_after):
            self._process.kill()
            self._process.join()
            self._connection.close()
            raise Killed
        answered, answer = self._connection.recv()
        if not answered:
            raise Raised(answer)
        return answer

    def close(self) -> None:
        """Let it end by itself."""
        self._connection.close()
        self._process.join()


class Function:
    """A function with so many containers; a call waits for a free one. Safe for all threads.

    While `deadly`, each `one_in`-th call is killed at some moment of the time that such a call takes, or the next that
    takes long enough; never a container's first call, so that who asks again is answered in the end.
    """

    def __init__(self, start: Callable[[], Container], containers: int, one_in: int, chance: random.Random) -> None:
        self.deadly = False
        self.calls = self.kills = 0
        self._start = start
        self._one_in = self._calls_left = one_in
        self._chance = chance
        self._usual_seconds = 0.02
        self._free: queue.SimpleQueue[Container] = queue.SimpleQueue()
        self._counting = Lock()
        for _ in range(containers):
            self._free.put(start())
        self._containers = containers

    def __call__(self, event: Any) -> Any:
        """What the function answers. Raises Killed, Raised."""
        container = self._free.get()
        kill_after = self._kill_after(container)
        began = time.monotonic()
        try:
            answer = container.call(event, kill_after)
        except Killed:
            with self._counting:
                self.kills += 1
            container = self._start()
            raise
        finally:
            self._free.put(container)
        if kill_after is not None:
            # It was too quick; the next one, then.
            self._calls_left = 1
        if container.calls > 1:
            self._usual_seconds += 0.1 * (time.monotonic() - began - self._usual_seconds)
        return answer

    def close(self) -> None:
        """End its containers; none of them may be at work."""
        for _ in range(self._containers):
            self._free.get().close()

    def _kill_after(self, container: Container) -> float | None:
        with self._counting:
            self.calls += 1
            self._calls_left -= self.deadly
            if not self.deadly or not container.calls or self._calls_left > 0:
                return None
            self._calls_left = self._one_in
            return self._chance.uniform(0, self._usual_seconds)
