"""The way of an account's mail in the AWS edition: who asks for a link waits in one queue, the mails in another.

Each message may come twice: then a second link, or the same mail again, is sent.
"""

from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from core.storage.accounts import LinkRequest
from core.storage.aws import IMPATIENT
from core.storage.queue_messages import written


class QueueUnavailable(OSError):
    """SQS did not take a message."""


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
        try:
            self._sqs.send_message(QueueUrl=self._url, MessageBody=written(message))
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(type(error).__name__) from error

    def put_mail(self, to: str, subject: str, text: str) -> None:
        """Let somebody else send a mail. Raises QueueUnavailable."""
        self.put(Mail(to, subject, text))
