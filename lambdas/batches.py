"""Messages of a queue, each by itself: one that fails does not take the others along.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from collections.abc import Callable
from typing import Any

import structlog
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

log = structlog.get_logger(__name__)


def each(event: dict[str, Any], context: Any, handle: Callable[[SQSRecord], None]) -> Any:
    """The function's answer: which of the messages are to come again. The log has why."""

    def handle_or_log(record: SQSRecord) -> None:
        try:
            handle(record)
        except Exception:
            # The processor tells nobody.
            log.exception("a message of the queue failed", sqs_message=record.message_id)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=handle_or_log, processor=processor, context=context)
