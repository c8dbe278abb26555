"""The way of notices in the AWS edition: a topic that says whose guest is to be told, and a queue for each channel.

A message is only a nudge, `{"version": 1, "ticket_id": …}`: what is to be said, and whether it still is, stands in the
record. One that is lost is made up for by the sweep, and one that comes twice finds nothing to do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import boto3
import structlog
from botocore.exceptions import BotoCoreError, ClientError

from core.storage.aws import IMPATIENT, PATIENT, QueueUnavailable, asking
from core.storage.queue_messages import written
from core.storage.records import Transaction

# https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
A_CALL = 10
# By the function that committed, which has an answer to give; the sweep has the others.
MOST_AT_ONCE = 50
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
LONGEST_DELAY = timedelta(minutes=15)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Nudge:
    """Whose guest is to be told; `again` gives the dead letters of the ticket all their tries back."""

    ticket_id: str
    again: bool = False


class Topic:
    """Says whose guests are to be told. Called after a commit with its transaction; for one thread."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._sns = boto3.client("sns", config=IMPATIENT)

    def __call__(self, tx: Transaction) -> None:
        """Publish what the transaction tells; what can't be published, or is too much, is left to the sweep."""
        if tx.told:
            self.publish(dict(islice(tx.told.items(), MOST_AT_ONCE)))

    def publish(self, told: Mapping[str, str]) -> None:
        """Publish these tickets, each with its channel. What fails is logged, and stays in the record."""
        waiting = iter(told.items())
        while tickets := list(islice(waiting, A_CALL)):
            try:
                answer = self._sns.publish_batch(
                    TopicArn=self._arn,
                    PublishBatchRequestEntries=[_entry(ticket_id, channel) for ticket_id, channel in tickets],
                )
            except (BotoCoreError, ClientError) as error:
                log.warning("notices wait for the sweep: the topic is away", error=str(error))
                return
            for failed in answer.get("Failed", ()):
                log.warning("a notice waits for the sweep", ticket=failed["Id"], code=failed["Code"])


class ChannelQueue:
    """One channel's queue, as whoever reads from it may need it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sqs = boto3.client("sqs", config=PATIENT)

    def put_back(self, ticket_id: str, delay: timedelta) -> None:
        """Nudge again after the delay, as a message that nobody has tried yet. Raises QueueUnavailable."""
        seconds = math.ceil(min(delay, LONGEST_DELAY).total_seconds())
        with asking(QueueUnavailable):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=written(Nudge(ticket_id)), DelaySeconds=seconds)

    def show_again(self, receipt_handle: str, delay: timedelta) -> None:
        """Let a message that failed come again after the delay. Raises QueueUnavailable."""
        seconds = math.ceil(delay.total_seconds())
        with asking(QueueUnavailable):
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )


def _entry(ticket_id: str, channel: str) -> dict[str, object]:
    return {
        "Id": ticket_id,
        "Message": written(Nudge(ticket_id)),
        "MessageAttributes": {"channel": {"DataType": "String", "StringValue": channel}},
    }
