"""`make run`: the embedded Valkey, the server and the worker, from start to stop."""

import errno
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import structlog
from waitress.server import create_server
from waitress.wasyncore import close_all

from bots.telegram.name import bot_name
from core.errors import RecordUnavailable
from core.settings import Settings, Telegram
from core.storage.schema import migrate
from local.addresses import hosts
from local.application import Parts, create_application
from local.children import Child
from local.demo import make_demo
from local.greeting import greeting
from local.valkey import EmbeddedValkey

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
THREADS = 16
BACKLOG = 1024
CONNECTIONS = 1000
# Connections that say nothing are closed after this. One that says a little all the time is the proxy's to end.
SILENT_SECONDS = 20
# The webhooks' limit, and room for the headers: a larger body is turned away before it is read.
LARGEST_BODY = 2 * 1024 * 1024
# Longer than the senders' time-outs: the worker notes what became of the text that it is sending.
WORKER_STOP_SECONDS = 25.0

log = structlog.get_logger(__name__)


class CannotServe(Exception):
    """The server can't be started; the sentence says why and what to do."""


def serve(settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM, then stop in order: server, worker, Valkey. Raises CannotServe."""
    for number in STOP_SIGNALS:
        # Under nohup, the end of the terminal is to be ignored.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            _run(settings, stack)
    except KeyboardInterrupt:
        pass  # before there was anything to serve
    print("Stopped.", flush=True)


def _run(settings: Settings, stack: ExitStack) -> None:
    stack.enter_context(_alone(settings.data_dir))
    sockets = _listen(settings, stack)
    if settings.redis_url is None:
        _start_valkey(settings, stack)
    parts = Parts(settings)
    stack.callback(parts.close)
    _prepare_database(parts)
    new_password = make_demo(parts)
    connections: dict[int, object] = {}
    server = create_server(
        create_application(parts, _bot_name(settings.telegram)),
        map=connections,
        sockets=sockets,
        threads=THREADS,
        backlog=BACKLOG,
        connection_limit=CONNECTIONS,
        channel_timeout=SILENT_SECONDS,
        cleanup_interval=SILENT_SECONDS // 2,
        asyncore_use_poll=True,
        max_request_body_size=LARGEST_BODY,
        # The simulator has to see them, to know that somebody calls from elsewhere.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    worker = Child("worker", _worker_command(), os.environ, stop_seconds=WORKER_STOP_SECONDS)
    stack.callback(worker.stop)
    worker.start()
    print(greeting(parts, new_password), flush=True)
    # Ends with the first signal, when the requests under way are answered.
    server.run()
    print("Stopping ...", flush=True)
    # Or the worker would wait for the simulator's answer on one that nobody reads any more.
    close_all(connections)


def _prepare_database(parts: Parts) -> None:
    try:
        with parts.records.reading():
            pass
    except RecordUnavailable as error:
        raise CannotServe(f"The database can't be reached: {error.__cause__}. Check the MYSQL_ settings.") from error
    migrate(parts.engine)


def _start_valkey(settings: Settings, stack: ExitStack) -> None:
    valkey = EmbeddedValkey(settings.data_dir)
    stack.callback(valkey.stop)
    if not valkey.start():
        log.warning("the embedded valkey does not answer; positions are counted in the database meanwhile")


def _worker_command() -> list[str]:
    return [sys.executable, "-m", "local", "worker", "--parent", str(os.getpid())]


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold DATA_DIR for this server alone, as long as the process lives."""
    with (data_dir / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotServe(
                f"Queue Manager already runs on {data_dir}: stop that one first, or set another DATA_DIR."
            ) from error
        yield


def _listen(settings: Settings, stack: ExitStack) -> list[socket.socket]:
    """Sockets that listen already: who calls before everything is ready waits a moment."""
    sockets: dict[object, socket.socket] = {}
    for host in hosts(settings):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            if address in sockets:
                continue  # two names of one address
            listener = stack.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # Otherwise `::` takes 0.0.0.0 as well, and its clients' addresses look like no IPv4.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            raise CannotServe(_why_not(error, host, settings.port)) from error
        sockets[address] = listener
    return list(sockets.values())


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: stop that one first, or set PORT to another."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be taken by this user: set PORT to one from 1024 up."
    return f"HOST={host} can't be listened on: {error.strerror}. 127.0.0.1 serves this machine only."


def _stop(_number: int, _frame: FrameType | None) -> None:
    """The first signal stops the server; those after it change nothing any more."""
    for number in STOP_SIGNALS:
        signal.signal(number, _nothing)
    raise KeyboardInterrupt


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Still stopping."""


def _bot_name(telegram: Telegram) -> str | None:
    """TELEGRAM_BOT_NAME, or what Telegram calls the bot; None where nobody knows now, or there is none."""
    if not telegram.connected or telegram.bot_name:
        return telegram.bot_name
    return bot_name(telegram.bot_token, telegram.api_url)
