"""Staff accounts and the tokens that were mailed to them, in SQL."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from core.storage.columns import row_of
from core.storage.tables import account_tokens, accounts

# A used link still does what it has done, for a button that is pressed twice and an answer that was lost.
REPEAT_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Account:
    """A staff account. `session_version` rises when every session of it must end."""

    id: str
    email: str
    password_hash: str
    session_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Somebody wants a link mailed. `purpose`: verify, with the hash of the password chosen, or reset, without one."""

    purpose: str
    email: str
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class AccountToken:
    """What a mailed link stands for, kept under the token's hash. `purpose`: verify or reset.

    `password_hash` is the password that a link to verify brings, and that a link to reset has set.
    """

    token_hash: str
    purpose: str
    email: str
    password_hash: str | None
    expires_at: datetime

    def used(self, password_hash: str, now: datetime) -> "AccountToken":
        """The token after its use: it knows the password that it set, and ends soon."""
        return replace(self, password_hash=password_hash, expires_at=min(self.expires_at, now + REPEAT_WITHIN))


class Accounts:
    """The accounts, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, account_id: str) -> Account | None:
        """The account with this id."""
        row = self._connection.execute(select(accounts).where(accounts.c.id == account_id)).first()
        return None if row is None else Account(*row)

    def by_email(self, email: str) -> Account | None:
        """The account with this address, which is kept in lower case."""
        row = self._connection.execute(select(accounts).where(accounts.c.email == email)).first()
        return None if row is None else Account(*row)

    def insert(self, account: Account) -> None:
        """Add an account. Raises IntegrityError where the address has one."""
        self._connection.execute(insert(accounts), row_of(account))

    def set_password(self, account_id: str, password_hash: str) -> None:
        """Change the password and end every session of the account."""
        self._connection.execute(
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(password_hash=password_hash, session_version=accounts.c.session_version + 1)
        )

    def insert_token(self, token: AccountToken) -> None:
        """Keep a token's hash."""
        self._connection.execute(insert(account_tokens), row_of(token))

    def token(self, token_hash: str, purpose: str, now: datetime, *, lock: bool = False) -> AccountToken | None:
        """The unexpired token with this hash."""
        query = select(account_tokens).where(
            account_tokens.c.token_hash == token_hash, account_tokens.c.purpose == purpose
        )
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        token = None if row is None else AccountToken(*row)
        return token if token is not None and token.expires_at > now else None

    def save_token(self, token: AccountToken) -> None:
        """Write what a use changed: the password that it set, and how long it is worth something."""
        self._connection.execute(
            update(account_tokens)
            .where(account_tokens.c.token_hash == token.token_hash)
            .values(password_hash=token.password_hash, expires_at=token.expires_at)
        )

    def delete_others(self, token: AccountToken) -> None:
        """Make every other token of this purpose that was mailed to the same address worthless."""
        self._connection.execute(
            delete(account_tokens).where(
                account_tokens.c.email == token.email,
                account_tokens.c.purpose == token.purpose,
                account_tokens.c.token_hash != token.token_hash,
            )
        )

    def delete_expired_tokens(self, now: datetime) -> None:
        """Delete the tokens that are past their time."""
        self._connection.execute(delete(account_tokens).where(account_tokens.c.expires_at <= now))
