"""Gives what rests in the dead-letter queues of a stage back to its queues, with all its tries.

python -m infra.redrive STAGE
"""

import sys
from dataclasses import replace
from typing import Any

from core.storage.account_queues import Mail
from core.storage.accounts import LinkRequest
from core.storage.fan_out import Nudge
from core.storage.queue_messages import MalformedMessage, UnknownVersion, read, written
from infra.stage import arguments_of, deployed, sentences, session

QUEUES: dict[str, type[Nudge | LinkRequest | Mail]] = {
    "sms-notices": Nudge,
    "telegram-notices": Nudge,
    "create-pre-customer": LinkRequest,
    "email-sender": Mail,
}
# Of the receipt: whatever is not deleted by then can be seen in the dead-letter queue again.
SECONDS = 60


def redrive(sqs: Any, stage: str) -> int:
    """Send each dead letter again and delete it; answers how many. Raises botocore's ClientError."""
    sent = 0
    for name in QUEUES:
        queue = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{name}")["QueueUrl"]
        failed = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{name}-failed")["QueueUrl"]
        # Those that are laid aside again meanwhile are left for another time.
        left = _count(sqs, failed)
        while left > 0 and (messages := _some(sqs, failed)):
            left -= len(messages)
            for message in messages:
                try:
                    body = _anew(name, message["Body"])
                except (MalformedMessage, UnknownVersion) as error:
                    print(f"Left in {failed}: {message['MessageId']}: {error!r}", file=sys.stderr)
                    continue
                sqs.send_message(QueueUrl=queue, MessageBody=body)
                sqs.delete_message(QueueUrl=failed, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
    return sent


def _anew(queue: str, body: str) -> str:
    """The same message, of the kind that is in this queue; a nudge gives the notices all their tries back."""
    message = read(QUEUES[queue], body)
    return written(replace(message, again=True) if isinstance(message, Nudge) else message)


def _count(sqs: Any, queue: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name])


def _some(sqs: Any, queue: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=SECONDS, WaitTimeSeconds=1)
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def main() -> None:
    """The command."""
    stage = arguments_of("redrive", "Send dead letters again.").stage
    with sentences():
        aws = session()
        deployed(aws, stage)
        print(f"{redrive(aws.client('sqs'), stage)} sent again.")


if __name__ == "__main__":
    main()
