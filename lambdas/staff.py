"""The accounts of staff, for the functions that have to do with them."""

import os
from functools import cache

from bots.email.sender import MailSender, no_mail
from core.accounts import AccountService
from core.storage.dynamodb_accounts import DynamoAccountStore
from lambdas.wiring import parts


@cache
def accounts() -> AccountService:
    """The container's own. Raises SettingsError."""
    here = parts()
    server = here.settings.mail_server
    return AccountService(
        DynamoAccountStore(os.environ["CUSTOMER"], os.environ["PRE_CUSTOMER"], here.records.clock),
        no_mail if server is None else MailSender.through(server).send,
        here.settings.public_url,
        # Who registers has to get a mail.
        open_sign_up=here.settings.open_sign_up and server is not None,
    )
