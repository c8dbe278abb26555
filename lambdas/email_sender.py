"""Sends the mails of accounts, over SMTP: the queue `email-sender`."""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bots.email.sender import MailSender, no_mail
from core.storage.account_queues import Mail
from core.storage.queue_messages import read
from lambdas.batches import each
from lambdas.watching import watched
from lambdas.wiring import parts

if TYPE_CHECKING:
    from core.accounts import SendMail


@cache
def send_mail() -> "SendMail":
    """The container's own. Raises SettingsError."""
    server = parts().settings.mail_server
    return no_mail if server is None else MailSender.through(server).send


@watched
def handle(event: dict[str, Any], context: Any) -> Any:
    """Send each mail; answers which messages failed."""

    def send(record: SQSRecord) -> None:
        mail = read(Mail, record.body)
        send_mail()(mail.to, mail.subject, mail.text)

    return each(event, context, send)
