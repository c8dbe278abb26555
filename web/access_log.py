"""A line in the log for each request, and an id that ties everything logged meanwhile to it.

Of the path only what is ours is written: its route's pattern, and our own ids in it. Where strangers choose the rest of
an address, it may be a guest's token or a phone number.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from http import HTTPMethod, HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# What pages ask for every second or two; shown only where something is wrong with it.
CHATTER = ("/simulator", "/assets", "/healthz")

METHODS = {str(method) for method in HTTPMethod}
OUR_ID = re.compile(r"[0-9a-f]{16}")
VARIABLE = re.compile(r"<(?:([^<>]+):)?(\w+)>")

log = structlog.get_logger("access")


class AccessLog:
    """Wraps an application. The answer's X-Request-Id is the request's.

    A new one each time: one that a client sent, or that a proxy hands through, could be anything.
    """

    def __init__(self, app: Flask) -> None:
        self._application, self._routes = app.wsgi_app, app.url_map

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """What the server calls for each request."""
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
            statuses.append(status)
            return start_response(status, [*headers, ("X-Request-Id", request_id)], exc_info)  # type: ignore[arg-type]

        def finish() -> None:
            method = environ["REQUEST_METHOD"]
            status = int(statuses[-1][:3]) if statuses else 500
            log.log(
                logging.DEBUG if _is_chatter(environ["PATH_INFO"], status) else logging.INFO,
                "request",
                method=method if method in METHODS else "?",
                path=_of_ours(self._routes, environ),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.clear_contextvars()

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return ClosingIterator(self._application(environ, start), finish)


def _of_ours(routes: Map, environ: "WSGIEnvironment") -> str:
    """The pattern of the request's route, with our ids in it; without a route, where it begins like one of ours."""
    try:
        rule, values = routes.bind_to_environ(environ).match(return_rule=True)
    except HTTPException:
        first = environ["PATH_INFO"].split("/")[1:2]
        return f"/{first[0]}/…" if first in [rule.rule.split("/")[1:2] for rule in routes.iter_rules()] else "…"

    def ours(variable: re.Match[str]) -> str:
        converter, name = variable.groups(default="")
        value = str(values[name])
        return value if OUR_ID.fullmatch(value) or converter.startswith("any(") else f"<{name}>"

    return VARIABLE.sub(ours, rule.rule)


def _is_chatter(path: str, status: int) -> bool:
    """Whether the line would only hide others: a page that asks whether anything is new, and nothing is."""
    return status == HTTPStatus.NOT_MODIFIED or (path.startswith(CHATTER) and status < HTTPStatus.BAD_REQUEST)
