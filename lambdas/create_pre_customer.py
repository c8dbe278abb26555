"""Makes the links that staff asked for: the queue `create-pre-customer`."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core.accounts import AccountService
from core.storage.account_queues import AccountQueue
from core.storage.accounts import LinkRequest
from core.storage.queue_messages import read
from lambdas.batches import each
from lambdas.staff import accounts
from lambdas.watching import watched


@cache
def service() -> AccountService:
    """The container's own; its mails wait in the next queue. Raises SettingsError."""
    return accounts(send_mail=AccountQueue(os.environ["EMAIL_SENDER"]).put_mail)


@watched
def handle(event: dict[str, Any], context: Any) -> Any:
    """Keep what each link stands for, and hand its mail on; answers which messages failed."""

    def make(record: SQSRecord) -> None:
        service().mail_link(read(LinkRequest, record.body))

    return each(event, context, make)
