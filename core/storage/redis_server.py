"""The way to Redis, and the bell in it that wakes the worker."""

import threading
import time
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.storage.records import Transaction

TIMEOUT_SECONDS = 0.25
REST_SECONDS = 1.0
CHANNEL = "worker:wake"

log = structlog.get_logger(__name__)


def open_redis(url: str) -> "Redis":
    """A client for `redis://`, `rediss://` or `unix://`, for all threads. It connects at its first use, not here.

    A dropped connection is tried once more, at once: a guest waits for the answer.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def answers(redis: "Redis") -> bool:
    """Whether Redis is there."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def shut_down(redis: "Redis") -> None:
    """Ask a Redis that keeps nothing on disk to end; one that is not there is left alone."""
    try:
        redis.shutdown(nosave=True)
    except RedisError:
        return


class WakeWorker:
    """What Records calls after a commit: rings when there are events to relay. A failure of Redis is not raised."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._rests_until = 0.0

    def __call__(self, transaction: Transaction) -> None:
        """Ring once, if an event was recorded that nobody has relayed; the worker looks by itself while Redis rests."""
        if all(event.relayed_at is not None for event in transaction.events):
            return
        if time.monotonic() < self._rests_until:
            return
        try:
            self._redis.publish(CHANNEL, "")
        except RedisError:
            self._rests_until = time.monotonic() + REST_SECONDS


class Bell:
    """The worker's end: a thread of its own hears the bell and sets the event `wakes`."""

    def __init__(self, redis: "Redis", wakes: threading.Event) -> None:
        self._subscription: Any = redis.pubsub
        self._wakes = wakes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, within a second."""
        self._stopped.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._subscription(ignore_subscribe_messages=True) as subscription:
                    subscription.subscribe(CHANNEL)
                    self._hear(subscription)
            except RedisError as error:
                log.debug("the bell is away", error=str(error))
                self._stopped.wait(REST_SECONDS)

    def _hear(self, subscription: Any) -> None:
        while not self._stopped.is_set():
            if subscription.get_message(timeout=1.0) is not None:
                self._wakes.set()
