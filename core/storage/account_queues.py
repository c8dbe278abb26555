"""The way of an account's mail in the AWS edition: who asks for a link waits in one queue, the mails in another.

Each message may come twice: then a second link, or the same mail again, is sent.
"""

from dataclasses import dataclass

import boto3

from core.storage.accounts import LinkRequest
from core.storage.aws import IMPATIENT, QueueUnavailable, asking
from core.storage.queue_messages import written


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that waits to be sent."""

    to: str
    subject: str
    text: str


class AccountQueue:
    """A queue of LinkRequests, or of Mails, as whoever puts one in needs it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sqs = boto3.client("sqs", config=IMPATIENT)

    def put(self, message: LinkRequest | Mail) -> None:
        """Raises QueueUnavailable."""
        with asking(QueueUnavailable):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=written(message))

    def put_mail(self, to: str, subject: str, text: str) -> None:
        """Let somebody else send a mail. Raises QueueUnavailable."""
        self.put(Mail(to, subject, text))
