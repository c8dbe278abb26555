"""Staff accounts: register, verify, log in, reset."""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from core.clock import Clock
from core.errors import EmailTaken, InvalidToken, InvalidValue, SignUpClosed, WrongCredentials
from core.passwords import Passwords
from core.storage.accounts import Account, AccountToken, LinkRequest

SendMail = Callable[[str, str, str], None]
"""Sends a mail: to whom, subject, text. Raises OSError (smtplib's errors are) when the mail server did not take it."""

# RFC 5322's dot-atom and a host name: what is left out could pass for two addresses in a mail's header.
EMAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LONGEST_EMAIL = 254


class MailUnavailable(Exception):
    """The mail server, or the queue before it, did not take the mail; asking again later may help."""


class AccountStore(Protocol):
    """Where accounts are kept, and what mailed links stand for: in SQL, or in DynamoDB.

    Each step is done whole or not at all. Raises RecordUnavailable, and OutcomeUnknown where it may have been done.
    """

    @property
    def clock(self) -> Clock:
        """The time that links expire by."""

    def get(self, account_id: str) -> Account | None:
        """The account with this id."""

    def by_email(self, email: str) -> Account | None:
        """The account with this address, which is in lower case."""

    def add(self, account: Account) -> bool:
        """Keep a new account; False where the address has one."""

    def keep_token(self, token: AccountToken) -> bool:
        """Keep what a link stands for; False where there is nothing to verify, or to reset."""

    def token(self, token_hash: str, purpose: str) -> AccountToken | None:
        """What an unexpired link stands for."""

    def verify(self, token_hash: str, account_id: str) -> Account | None:
        """Make the account of a link, or give the one that it made; None where it is worth nothing."""

    def reset(self, token_hash: str, password_hash: str) -> Account | None:
        """Change the password through a link, or give the account whose password it changed.

        With the change every session of the account ends, and every other link to reset is worth nothing. None for a
        link that is worth nothing.
        """


class AccountService:
    """The accounts. Safe for all threads. Mail is sent after what it is about was kept.

    ask: takes on whoever wants a link, and has it made by `mail_link` later, perhaps elsewhere; raises OSError when it
    can't. Without it the link is made and mailed on the spot.
    """

    def __init__(
        self,
        store: AccountStore,
        send_mail: SendMail,
        public_url: str,
        *,
        ask: Callable[[LinkRequest], None] | None = None,
        open_sign_up: bool = True,
        passwords: Passwords | None = None,
    ) -> None:
        self._store = store
        self._send_mail = send_mail
        self._public_url = public_url
        self._ask = ask or self.mail_link
        self._passwords = passwords or Passwords()
        self.open_sign_up = open_sign_up

    def register(self, email: str, password: str) -> None:
        """Mail a link that makes the account. An address that has one is told so in its mail, and nowhere else.

        Raises SignUpClosed, InvalidValue, MailUnavailable.
        """
        if not self.open_sign_up:
            raise SignUpClosed
        self._want(LinkRequest("verify", email_address(email), self._passwords.hash(password)))

    def check_link(self, token: str, password: str) -> None:
        """Whether whoever opens a link to verify also chose its password: somebody else may have had it mailed.

        Raises WrongCredentials, InvalidToken.
        """
        kept = self._store.token(_hash(token), "verify")
        if kept is None:
            raise InvalidToken(purpose="verify")
        if not self._passwords.matches(kept.password_hash, password):
            raise WrongCredentials

    def verify(self, token: str) -> Account:
        """Make the account that a mailed link stands for, or give the one that it made up to ten minutes ago.

        Raises InvalidToken.
        """
        account = self._store.verify(_hash(token), _new_id())
        if account is None:
            raise InvalidToken(purpose="verify")
        return account

    def add(self, email: str, password: str) -> Account:
        """Make an account without asking its address, for whoever runs the service. Raises EmailTaken, InvalidValue."""
        email, password_hash = email_address(email), self._passwords.hash(password)
        account = Account(_new_id(), email, password_hash, session_version=1, created_at=self._store.clock())
        if not self._store.add(account):
            raise EmailTaken(email=email)
        return account

    def ask_reset(self, email: str) -> None:
        """Mail a link that lets the account choose a new password; an address without one is told that it has none.

        Raises InvalidValue, MailUnavailable.
        """
        self._want(LinkRequest("reset", email_address(email)))

    def mail_link(self, request: LinkRequest) -> None:
        """Keep what a new link stands for and mail it, or mail why there is none. Raises OSError."""
        within, subject, text, otherwise, other_text = MAILS[request.purpose]
        token = secrets.token_urlsafe(24)
        expires_at = self._store.clock() + within
        kept = AccountToken(_hash(token), request.purpose, request.email, request.password_hash, expires_at)
        if self._store.keep_token(kept):
            link = f"{self._public_url}/{request.purpose}?token={token}"
            self._send_mail(request.email, subject, text.format(email=request.email, link=link))
        else:
            self._send_mail(request.email, otherwise, other_text.format(email=request.email, link=self._public_url))

    def reset(self, token: str, password: str) -> Account:
        """Change the password through a mailed link, and end every session.

        For ten minutes the link goes on to give the account to whoever brings the same password again, and ends no
        session a second time. Raises InvalidToken, InvalidValue.
        """
        password_hash = self._passwords.hash(password)
        account = self._store.reset(_hash(token), password_hash)
        if account is None:
            raise InvalidToken(purpose="reset")
        if account.password_hash != password_hash and not self._passwords.matches(account.password_hash, password):
            raise InvalidToken(purpose="reset")
        return account

    def log_in(self, email: str, password: str) -> Account:
        """The account with this address and password. Raises WrongCredentials, as late for an unknown address."""
        email = email.strip().lower()
        # What is too long to be an address is too long for a key of DynamoDB too.
        account = self._store.by_email(email) if len(email) <= LONGEST_EMAIL else None
        if not self._passwords.matches(None if account is None else account.password_hash, password):
            raise WrongCredentials
        assert account is not None
        return account

    def of_session(self, account_id: str, session_version: int) -> Account | None:
        """The account, as long as its sessions of this version have not been ended."""
        account = self._store.get(account_id)
        return account if account is not None and account.session_version == session_version else None

    def _want(self, request: LinkRequest) -> None:
        try:
            self._ask(request)
        except OSError as error:
            raise MailUnavailable from error


def email_address(text: str) -> str:
    """The address in lower case, as accounts keep it. Raises InvalidValue."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise InvalidValue(field="email", reason="not-an-email-address")
    return email


def _new_id() -> str:
    return secrets.token_hex(8)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


VERIFY = """\
Somebody, we hope you, wants a Queue Manager account for {email}, and has chosen its password.

If it was you, open this page within 24 hours and give that password once more:
{link}

If it wasn't you, do nothing: then no account is made.
"""
HAS_ACCOUNT = """\
Somebody, we hope you, wanted a Queue Manager account for {email}. There is one already.

Log in, or choose a new password if you forgot yours:
{link}

If it wasn't you, do nothing: nothing has changed.
"""
RESET = """\
Somebody, we hope you, wants a new password for the Queue Manager account of {email}.

Open this page within an hour and choose one:
{link}

If it wasn't you, do nothing: your password stays as it is.
"""
NO_ACCOUNT = """\
Somebody, we hope you, wants a new password for {email}. There is no Queue Manager account for this address.

Perhaps you registered with another address, or not yet:
{link}

If it wasn't you, do nothing.
"""
MAILS: Final = {
    "verify": (timedelta(hours=24), "Confirm your address", VERIFY, "You have an account", HAS_ACCOUNT),
    "reset": (timedelta(hours=1), "Choose a new password", RESET, "No account", NO_ACCOUNT),
}
"""For each purpose: how long the link is good for, its mail, and the mail where there is nothing to verify or reset."""
