"""The accounts of staff, for the functions that have to do with them."""

import os
from collections.abc import Callable

from bots.email.sender import no_mail
from core.accounts import AccountService, SendMail
from core.storage.accounts import LinkRequest
from core.storage.dynamodb_accounts import DynamoAccountStore
from lambdas.wiring import parts


def accounts(*, ask: Callable[[LinkRequest], None] | None = None, send_mail: SendMail = no_mail) -> AccountService:
    """The accounts in DynamoDB; `ask` and `send_mail` as AccountService has them. Raises SettingsError."""
    here = parts()
    return AccountService(
        DynamoAccountStore(os.environ["CUSTOMER"], os.environ["PRE_CUSTOMER"], here.records.clock),
        send_mail,
        here.settings.public_url,
        ask=ask,
        # Who registers has to get a mail.
        open_sign_up=here.settings.open_sign_up and here.settings.mail_server is not None,
    )
