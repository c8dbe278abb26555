"""Ships the other functions' log lines to the log index, as a subscription of CloudWatch Logs hands them over.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
"""

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent

from core.storage.log_index import Document, LogIndex
from lambdas.watching import watched


@cache
def log_index() -> LogIndex:
    """The container's own."""
    return LogIndex(os.environ["LOG_INDEX"])


@watched
def handle(event: dict[str, Any], _context: object) -> None:
    """Index what was logged. Fails where LogIndex.put does: Lambda then calls again, twice, with the same event."""
    logged = CloudWatchLogsEvent(event).parse_logs_data()
    if logged.message_type != "DATA_MESSAGE":
        return  # CloudWatch only asks whether somebody is here
    _, _, stage, function = logged.log_group.split("/")
    origin = {"stage": stage, "function": function}
    log_index().put(_document(line.get_id, line.timestamp, line.message, origin) for line in logged.log_events)


def _document(identifier: str, milliseconds: int, message: str, origin: dict[str, str]) -> Document:
    """By the line's own time and id, so that a second delivery replaces the first."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    fields = _fields(message) | origin | {"@timestamp": at.isoformat(timespec="milliseconds")}
    return Document(f"queue-manager-{at:%Y.%m.%d}", identifier, fields)


def _fields(message: str) -> dict[str, Any]:
    """Those of a line of ours; of any other, such as Lambda's own, the text."""
    try:
        fields = json.loads(message)
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"message": message.rstrip()}
