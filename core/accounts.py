"""Staff accounts: register, verify, log in, reset."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from core.errors import EmailTaken, InvalidToken, InvalidValue, SignUpClosed, WrongCredentials
from core.passwords import Passwords
from core.storage.accounts import Account, AccountToken
from core.storage.records import Records, Transaction

SendMail = Callable[[str, str, str], None]
"""Sends a mail: to whom, subject, text. Raises OSError (smtplib's errors are) when the mail server did not take it."""

VERIFY_WITHIN = timedelta(hours=24)
RESET_WITHIN = timedelta(hours=1)
# A used link still does what it has done, for a button that is pressed twice and an answer that was lost.
REPEAT_WITHIN = timedelta(minutes=10)
# RFC 5322's dot-atom and a host name: what is left out could pass for two addresses in a mail's header.
EMAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LONGEST_EMAIL = 254


class MailUnavailable(Exception):
    """The mail server did not take the mail; asking again later may help."""


class AccountService:
    """The accounts. Safe for all threads. Mail is sent after the commit, with no transaction open."""

    def __init__(
        self,
        records: Records,
        send_mail: SendMail,
        public_url: str,
        *,
        open_sign_up: bool = True,
        passwords: Passwords | None = None,
    ) -> None:
        self._records = records
        self._send_mail = send_mail
        self._public_url = public_url
        self._passwords = passwords or Passwords()
        self.open_sign_up = open_sign_up

    def register(self, email: str, password: str) -> None:
        """Mail a link that makes the account. An address that has one is told so in its mail, and nowhere else.

        Raises SignUpClosed, InvalidValue, MailUnavailable.
        """
        if not self.open_sign_up:
            raise SignUpClosed
        email, password_hash = email_address(email), self._passwords.hash(password)
        token = secrets.token_urlsafe(24)

        def keep_token(tx: Transaction) -> bool:
            if tx.accounts.by_email(email) is not None:
                return False
            tx.accounts.insert_token(_token(token, "verify", email, password_hash, tx.now + VERIFY_WITHIN))
            return True

        if self._records.transaction(keep_token):
            text = VERIFY.format(email=email, link=f"{self._public_url}/verify?token={token}")
            self._mail(email, "Confirm your address", text)
        else:
            self._mail(email, "You have an account", HAS_ACCOUNT.format(email=email, link=self._public_url))

    def check_link(self, token: str, password: str) -> None:
        """Whether whoever opens a link to verify also chose its password: somebody else may have had it mailed.

        Raises WrongCredentials, InvalidToken.
        """
        with self._records.reading() as tx:
            kept = tx.accounts.token(_hash(token), "verify", tx.now)
        if kept is None:
            raise InvalidToken(purpose="verify")
        if not self._passwords.matches(kept.password_hash, password):
            raise WrongCredentials

    def verify(self, token: str) -> Account:
        """Make the account that a mailed link stands for, or give the one that it made up to ten minutes ago.

        Raises InvalidToken.
        """
        return self._records.transaction(lambda tx: self.verify_in(tx, token))

    def verify_in(self, tx: Transaction, token: str) -> Account:
        """`verify`, in a transaction of the caller's. Raises InvalidToken."""
        kept = tx.accounts.token(_hash(token), "verify", tx.now, lock=True)
        if kept is None or kept.password_hash is None:
            raise InvalidToken(purpose="verify")
        account = tx.accounts.by_email(kept.email)
        if account is None:
            _use(tx, kept, kept.password_hash)
            return _insert(tx, kept.email, kept.password_hash)
        if account.password_hash != kept.password_hash:
            raise InvalidToken(purpose="verify")
        return account

    def add(self, email: str, password: str) -> Account:
        """Make an account without asking its address, for whoever runs the service. Raises EmailTaken, InvalidValue."""
        email, password_hash = email_address(email), self._passwords.hash(password)

        def make(tx: Transaction) -> Account:
            if tx.accounts.by_email(email) is not None:
                raise EmailTaken(email=email)
            return _insert(tx, email, password_hash)

        return self._records.transaction(make)

    def ask_reset(self, email: str) -> None:
        """Mail a link that lets the account choose a new password; an address without one is told that it has none.

        Raises InvalidValue, MailUnavailable.
        """
        email = email_address(email)
        token = secrets.token_urlsafe(24)

        def keep_token(tx: Transaction) -> bool:
            if tx.accounts.by_email(email) is None:
                return False
            tx.accounts.insert_token(_token(token, "reset", email, None, tx.now + RESET_WITHIN))
            return True

        if self._records.transaction(keep_token):
            text = RESET.format(email=email, link=f"{self._public_url}/reset?token={token}")
            self._mail(email, "Choose a new password", text)
        else:
            self._mail(email, "No account", NO_ACCOUNT.format(email=email, link=self._public_url))

    def reset(self, token: str, password: str) -> Account:
        """Change the password through a mailed link, and end every session.

        For ten minutes the link goes on to give the account to whoever brings the same password again, and ends no
        session a second time. Raises InvalidToken, InvalidValue.
        """
        password_hash = self._passwords.hash(password)

        def change(tx: Transaction) -> Account:
            kept = tx.accounts.token(_hash(token), "reset", tx.now, lock=True)
            account = None if kept is None else tx.accounts.by_email(kept.email)
            if kept is None or account is None:
                raise InvalidToken(purpose="reset")
            if kept.password_hash == account.password_hash:
                return account
            if kept.password_hash is not None:
                raise InvalidToken(purpose="reset")
            _use(tx, kept, password_hash)
            tx.accounts.delete_others(kept)
            tx.accounts.set_password(account.id, password_hash)
            return replace(account, password_hash=password_hash, session_version=account.session_version + 1)

        account = self._records.transaction(change)
        if account.password_hash != password_hash and not self._passwords.matches(account.password_hash, password):
            raise InvalidToken(purpose="reset")
        return account

    def log_in(self, email: str, password: str) -> Account:
        """The account with this address and password. Raises WrongCredentials, as late for an unknown address."""
        with self._records.reading() as tx:
            account = tx.accounts.by_email(email.strip().lower())
        if not self._passwords.matches(None if account is None else account.password_hash, password):
            raise WrongCredentials
        assert account is not None
        return account

    def of_session(self, account_id: str, session_version: int) -> Account | None:
        """The account, as long as its sessions of this version have not been ended."""
        with self._records.reading() as tx:
            account = tx.accounts.get(account_id)
        return account if account is not None and account.session_version == session_version else None

    def _mail(self, to: str, subject: str, text: str) -> None:
        try:
            self._send_mail(to, subject, text)
        except OSError as error:
            raise MailUnavailable from error


def email_address(text: str) -> str:
    """The address in lower case, as accounts keep it. Raises InvalidValue."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise InvalidValue(field="email", reason="not-an-email-address")
    return email


def _insert(tx: Transaction, email: str, password_hash: str) -> Account:
    account = Account(secrets.token_hex(8), email, password_hash, session_version=1, created_at=tx.now)
    tx.accounts.insert(account)
    return account


def _use(tx: Transaction, token: AccountToken, password_hash: str) -> None:
    """Note that a link was used, and let it end soon."""
    tx.accounts.save_token(
        replace(token, password_hash=password_hash, expires_at=min(token.expires_at, tx.now + REPEAT_WITHIN))
    )


def _token(token: str, purpose: str, email: str, password_hash: str | None, expires_at: datetime) -> AccountToken:
    return AccountToken(_hash(token), purpose, email, password_hash, expires_at)


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
