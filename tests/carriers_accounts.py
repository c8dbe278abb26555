"""What the carriers' accounts are asked when they are told where we are: numbers at Twilio, a bot at Telegram."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs

from tests.stand_ins import on_loopback

NUMBER = "+15550100001"


class CarriersAccounts:
    """Both, on loopback at `url`; `told` has what was POSTed: the last part of the path, and the form."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[Self]:
        handler = type("Handler", (_Handler,), {"told": self.told})
        with on_loopback(handler) as self.url:
            yield self


class _Handler(BaseHTTPRequestHandler):
    told: list[tuple[str, dict[str, Any]]]

    def do_GET(self) -> None:
        number = {"sid": "PN1", "phone_number": NUMBER, "uri": "/x"}
        self._answer({"incoming_phone_numbers": [number], "next_page_uri": None})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.told.append((self.path.rpartition("/")[2], {name: value[0] for name, value in parse_qs(body).items()}))
        bot = {"id": 1, "is_bot": True, "first_name": "Line", "username": "TheLineBot"}
        self._answer({"ok": True, "result": bot if self.path.endswith("getMe") else True, "sid": "PN1"})

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""
