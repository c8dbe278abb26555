"""What stands between the accounts and DynamoDB in tests: DynamoDB's troubles, which MiniStack does not have."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3

from core.storage.aws import PATIENT
from tests.servers import AWS
from tests.stand_ins import on_loopback

WRITE = "TransactWriteItems"


def dynamodb_at(url: str) -> Any:
    """DynamoDB as the functions ask it, at this address."""
    region, key = AWS.REGION, "test"
    return boto3.resource(
        "dynamodb",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=key,
        config=PATIENT,
    )


def cancelled(*reasons: str) -> dict[str, Any]:
    """What DynamoDB says of a transaction that it cancelled: why, for each of its changes."""
    return {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{reasons}]",
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }


def error(code: str, message: str = "No.") -> dict[str, Any]:
    """What DynamoDB says where it does not do what it is asked."""
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "Message": message}


class Between:
    """Passes on what DynamoDB is asked, and its answers.

    `says` has what is answered in its place to an operation, one after the other; an `error` or what is `cancelled`,
    with a status where it is not 400. `loses` an operation's answer: it is done, and the connection closed without a
    word. `asked` counts the requests of each operation.
    """

    def __init__(self, behind: str = "") -> None:
        self._behind = behind
        self.says: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.loses: str | None = None
        self.asked: list[str] = []
        self.url = ""

    def answer(self, operation: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        self.asked.append(operation)
        if self.says.get(operation):
            status, said = self.says[operation].pop(0)
            return status, json.dumps(said).encode()
        passed_on = urllib.request.Request(self._behind, body, headers)
        try:
            with urllib.request.urlopen(passed_on, timeout=30) as answered:
                return answered.status, answered.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    @contextmanager
    def serving(self) -> Iterator["Between"]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                operation = self.headers["X-Amz-Target"].partition(".")[2]
                names = ("X-Amz-Target", "Content-Type", "Authorization")
                status, answer = between.answer(operation, body, {name: self.headers[name] for name in names})
                if operation == between.loses:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        with on_loopback(Handler) as self.url:
            yield self
