"""A line in the log for each request, and an id that ties everything logged meanwhile to it."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What pages ask for every second or two; shown only where something is wrong with it.
CHATTER = ("/simulator", "/assets", "/healthz")

# Longer than ours are; a server takes paths of a quarter of a megabyte.
LOGGED_PATH = 200

# What a proxy in front may name a request; anything else could forge log lines.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,100}")

log = structlog.get_logger("access")


class AccessLog:
    """Wraps the application. The answer's X-Request-Id is the request's own, where it is a sane one, or a new one."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """What the server calls for each request."""
        started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
            statuses.append(status)
            return start_response(status, [*headers, ("X-Request-Id", request_id)], exc_info)  # type: ignore[arg-type]

        def finish() -> None:
            path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
            status = int(statuses[-1][:3]) if statuses else 500
            log.log(
                logging.DEBUG if _is_chatter(path, status) else logging.INFO,
                "request",
                method=environ["REQUEST_METHOD"],
                path=path if len(path) <= LOGGED_PATH else f"{path[:LOGGED_PATH]}…",
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.clear_contextvars()

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return ClosingIterator(self._application(environ, start), finish)


def _is_chatter(path: str, status: int) -> bool:
    """Whether the line would only hide others: a page that asks whether anything is new, and nothing is."""
    return status == HTTPStatus.NOT_MODIFIED or (path.startswith(CHATTER) and status < HTTPStatus.BAD_REQUEST)
