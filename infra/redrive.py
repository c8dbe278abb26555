"""Gives what rests in the dead-letter queues of a stage back to its channels, with all its tries.

python -m infra.redrive STAGE
"""

import argparse
import json
from typing import Any

import boto3

from core.storage.fan_out import nudge

CHANNELS = ("sms", "telegram")
# Of the receipt: whatever is not deleted by then can be seen in the dead-letter queue again.
SECONDS = 60


def redrive(sqs: Any, stage: str) -> int:
    """Send each dead letter's nudge again and delete it; answers how many. Raises botocore's ClientError."""
    sent = 0
    for channel in CHANNELS:
        queue = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{channel}-notices")["QueueUrl"]
        failed = sqs.get_queue_url(QueueName=f"queue-manager-{stage}-{channel}-notices-failed")["QueueUrl"]
        while messages := _some(sqs, failed):
            for message in messages:
                ticket_id = json.loads(message["Body"])["ticket_id"]
                sqs.send_message(QueueUrl=queue, MessageBody=nudge(ticket_id, again=True))
                sqs.delete_message(QueueUrl=failed, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
    return sent


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
