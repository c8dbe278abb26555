"""What a carrier does on its own time: calls of webhooks and pauses, on one event loop in the background."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from local.simulator.settings import SimulatorSettings
from local.simulator.state import Gone

MOST_UNDER_WAY = 1000

log = structlog.get_logger(__name__)


class Busy(Exception):
    """More is under way than a carrier on one machine should ever hold."""


class Network:
    """Runs coroutines on a daemon thread that starts with the first of them."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[Future[None]] = set()
        # No proxy from the environment and no connection kept: the server is on this machine.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.webhook_timeout_seconds, connect=5.0),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
            verify=ssl.create_default_context(),
            trust_env=False,
        )

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` in the background. Raises Busy, and then does not run it."""
        with self._lock:
            if len(self._under_way) >= MOST_UNDER_WAY:
                work.close()
                raise Busy
            future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
            self._under_way.add(future)
        future.add_done_callback(self._finished)

    async def pause(self, times: float = 1) -> None:
        """Waits a carrier's moment, or several."""
        await asyncio.sleep(self._settings.pause_seconds * times)

    async def post(self, url: str, headers: Mapping[str, str], **body: Any) -> httpx.Response:
        """POSTs to one of the server's own URLs, wherever it really listens, under its public host name.

        Raises httpx.HTTPError when no answer came, ValueError for a URL that is not the server's.
        """
        address = self._settings.reachable(url)
        if address is None:
            raise ValueError("not one of this server's URLs")
        host = urlsplit(self._settings.public_url).netloc
        return await self._client.post(address, headers={"Host": host, **headers}, **body)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="simulated carriers", daemon=True).start()
        return self._loop

    def _finished(self, future: Future[None]) -> None:
        with self._lock:
            self._under_way.discard(future)
        error = future.exception()
        if error and not isinstance(error, Gone):  # taken off the page meanwhile: nobody left to tell
            log.error("simulator.failed", exc_info=error)
