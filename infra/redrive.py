"""Gives what rests in the dead-letter queues of a stage back to its queues, with all its tries.

python -m infra.redrive STAGE
"""

import argparse
import json
from typing import Any

import boto3

from core.storage.fan_out import nudge

QUEUES = ("sms-notices", "telegram-notices", "create-pre-customer", "email-sender")
# Of the receipt: whatever is not deleted by then can be seen in the dead-letter queue again.
SECONDS = 60


def redrive(sqs: Any, stage: str) -> int:
    """Send each dead letter again and delete it; answers how many. Raises botocore's ClientError."""
    sent = 0
    for name in QUEUES:
        queue = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{name}")["QueueUrl"]
        failed = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{name}-failed")["QueueUrl"]
        while messages := _some(sqs, failed):
            for message in messages:
                sqs.send_message(QueueUrl=queue, MessageBody=_anew(message["Body"]))
                sqs.delete_message(QueueUrl=failed, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
    return sent


def _anew(body: str) -> str:
    """The same message; a nudge gives the ticket's notices all their tries back."""
    ticket_id = json.loads(body).get("ticket_id")
    return body if ticket_id is None else nudge(ticket_id, again=True)


def _some(sqs: Any, queue: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=SECONDS, WaitTimeSeconds=1)
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.redrive", description="Send dead letters again.")
    parser.add_argument("stage")
    print(f"{redrive(boto3.client('sqs'), parser.parse_args().stage)} sent again.")


if __name__ == "__main__":
    main()
