"""An OpenSearch on loopback, as far as we speak to it: keeps what it is given, and refuses what it is told to."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.stand_ins import on_loopback


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


class OpenSearch:
    """`documents` by index and id; `refused`: what becomes of the document with this id instead, or of the requests
    to this path, as a status and its error; `policies` as they were put, with how often."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.refused: dict[str, tuple[int, Any]] = {}
        self.policies: dict[str, int] = {}
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """What it says: a status, and what becomes JSON."""
        if asked.path in self.refused:
            return self.refused[asked.path]
        if asked.path == "/_bulk":
            return 200, self._indexed(asked.body.decode())
        if asked.path.startswith("/_plugins/_ism/policies/"):
            return self._policy(asked)
        if asked.path == "/_dashboards/api/saved_objects/_import":
            return 200, {"success": True, "successCount": 6}
        return 200, {"acknowledged": True}

    def _indexed(self, body: str) -> dict[str, Any]:
        lines = [json.loads(line) for line in body.removesuffix("\n").split("\n")]
        items = []
        for action, fields in zip(lines[::2], lines[1::2], strict=True):
            index, identifier = action["index"]["_index"], action["index"]["_id"]
            status, error = self.refused.get(identifier, (201, None))
            if error is None:
                status = 200 if (index, identifier) in self.documents else 201
                self.documents[index, identifier] = fields
            items.append({"index": {"_index": index, "_id": identifier, "status": status, "error": error}})
        return {"took": 1, "errors": any(item["index"]["error"] for item in items), "items": items}

    def _policy(self, asked: Asked) -> tuple[int, Any]:
        """A policy that is there is replaced only by who names its version.

        https://docs.opensearch.org/latest/im-plugin/ism/api/#update-policy
        """
        version = self.policies.get(asked.path)
        if asked.method == "GET":
            return (404, {"error": "not found"}) if version is None else (200, {"_seq_no": version, "_primary_term": 1})
        named = {} if version is None else {"if_seq_no": str(version), "if_primary_term": "1"}
        if asked.query != named:
            return 409, {"error": "version conflict"}
        self.policies[asked.path] = (version or 0) + 1
        return 200, {"_version": self.policies[asked.path]}

    @contextmanager
    def serving(self) -> Iterator[Self]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_PUT(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body)
                index.asked.append(asked)
                status, answer = index.answer(asked)
                written = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

            def log_message(self, *args: object) -> None:
                """Nothing on the screen."""

        with on_loopback(Handler) as self.url:
            yield self
