"""The way of an account's mail in the AWS edition: who asks for a link waits in one queue, the mails in another.

Each message may come twice: then a second link, or the same mail again, is sent.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from core.storage.accounts import LinkRequest
from core.storage.queue_messages import read, written

# Whoever asked waits for it.
IMPATIENT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})


class QueueUnavailable(OSError):
    """SQS did not take a message."""


class _Queue:
    def __init__(self, url: str) -> None:
        self._url = url
        self._sqs = boto3.client("sqs", config=IMPATIENT)

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._sqs.send_message(QueueUrl=self._url, MessageBody=written(message))
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(type(error).__name__) from error


class LinkRequests(_Queue):
    """The queue `create-pre-customer`."""

    def put(self, request: LinkRequest) -> None:
        """Raises QueueUnavailable."""
        self._send(asdict(request))


class Mails(_Queue):
    """The queue `email-sender`."""

    def put(self, to: str, subject: str, text: str) -> None:
        """Raises QueueUnavailable."""
        self._send({"to": to, "subject": subject, "text": text})


def link_request(body: str) -> LinkRequest:
    """What a message of `create-pre-customer` asks for. Raises UnknownVersion, ValueError, TypeError."""
    return LinkRequest(**read(body))


def mail(body: str) -> tuple[str, str, str]:
    """To whom a message of `email-sender` goes, its subject and text. Raises UnknownVersion, ValueError, KeyError."""
    message = read(body)
    return message["to"], message["subject"], message["text"]
