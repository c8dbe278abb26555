"""A carrier's API on loopback: keeps what it is asked, and answers as it is told."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.stand_ins import on_loopback


@dataclass(frozen=True)
class Answer:
    """What the carrier says. `after` seconds of silence first, or `hangs` until this is set; `status` 0 hangs up
    without a word."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    hangs: Event | None = None


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: dict[str, str]

    @property
    def to(self) -> str:
        """Whom it is for: a number, or a chat."""
        return self.form.get("To") or self.form.get("chat_id", "")


class Carrier:
    """Answers every request with `answer`; `asked` has them all.

    What is for one of the addresses in `answers` gets that one's answers, one after the other; the last of them stays.
    """

    def __init__(self) -> None:
        self.answer = Answer()
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.connections: set[tuple[str, int]] = set()
        self.url = ""

    def answer_to(self, asked: Asked) -> Answer:
        """What it says next."""
        left = self.answers.get(asked.to, [self.answer])
        return left.pop(0) if len(left) > 1 else left[0]

    @contextmanager
    def serving(self) -> Iterator[Self]:
        carrier = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:
                    # Its client died over it: it was never asked.
                    self.close_connection = True
                    return
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                asked = Asked(self.command, self.path, dict(self.headers), form)
                carrier.asked.append(asked)
                carrier.connections.add(self.client_address)
                self._say(carrier.answer_to(asked))

            def _say(self, answer: Answer) -> None:
                time.sleep(answer.after)
                if answer.hangs is not None:
                    answer.hangs.wait(60)
                if answer.status == 0:
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing on the screen."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that gave up waiting is what some tests want."""

        with on_loopback(Handler, Server) as self.url:
            yield self
