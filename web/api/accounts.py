"""Staff accounts: register, confirm the address, log in, choose a new password."""

from contextlib import AbstractContextManager

from flask import Blueprint, Response
from pydantic import BaseModel

from core.storage.accounts import Account
from web import limits, tokens
from web.api.answers import AccountShape, MailedShape, SessionShape
from web.api.operations import answered, operation, shown
from web.api.requests import Login, Registration, Reset, ResetRequest, Verification
from web.idempotency import Change, make_by_itself, make_the_same_again
from web.services import current

accounts = Blueprint("accounts", __name__)


@accounts.post("/accounts")
@operation(MailedShape, "Accounts", status=202, takes=Registration, anyone=True, repeatable=True, refusals=(403, 429))
def register(body: Registration) -> Response:
    """Register.

    A link is mailed, which makes the account. An address that has one gets the same answer, and another mail.
    """

    def work() -> Change:
        limits.register(body.email, body.password)
        return _change(202, MailedShape(email=body.email))

    return answered(make_by_itself(work, lambda: limits.registering(body.email, body.password)))


@accounts.post("/accounts/verify")
@operation(AccountShape, "Accounts", status=201, takes=Verification, anyone=True, repeatable=True, refusals=(429,))
def verify(body: Verification) -> Response:
    """Make the account that a mailed link stands for.

    A link that was used up to ten minutes ago gives the account that it made.
    """
    with limits.links_counted("verify link"):
        return answered(
            make_the_same_again(lambda: _change(201, AccountShape.of(current().accounts.verify(body.token))))
        )


@accounts.post("/accounts/reset")
@operation(
    AccountShape, "Accounts", takes=Reset, anyone=True, repeatable=True, refusals=(429,), also={202: MailedShape}
)
def reset(body: Reset) -> Response:
    """Ask for a new password, or choose one.

    With an address a link is mailed (202). With the link's token and a password the password is changed and every
    session of the account ends (200).
    """
    asked = body.root

    def guard() -> AbstractContextManager[None]:
        return limits.asking_reset(asked.email) if isinstance(asked, ResetRequest) else limits.resetting()

    def work() -> Change:
        if isinstance(asked, ResetRequest):
            limits.ask_reset(asked.email)
            return _change(202, MailedShape(email=asked.email))
        return _change(200, AccountShape.of(current().accounts.reset(asked.token, asked.password)))

    return answered(make_by_itself(work, guard))


@accounts.get("/accounts/me")
@operation(AccountShape, "Accounts")
def show_account(account: Account) -> Response:
    """The account that the token was issued to."""
    return shown(AccountShape.of(account))


@accounts.post("/login")
@operation(SessionShape, "Accounts", takes=Login, anyone=True, refusals=(401, 429))
def log_in(body: Login) -> Response:
    """Log in. The token lasts an hour."""
    account = limits.log_in(body.email, body.password)
    token, expires_at = tokens.issue(account, current().token_key, current().clock())
    return shown(SessionShape(token=token, expires_at=expires_at))


def _change(status: int, answer: BaseModel) -> Change:
    return Change(status, answer.model_dump(mode="json"))
