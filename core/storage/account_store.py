"""Accounts in SQL, step by step: each is a transaction of its own."""

from core.clock import Clock
from core.storage.accounts import Account, AccountToken
from core.storage.records import Records, Transaction


class SqlAccountStore:
    """An `AccountStore` in the record. Its methods raise RecordUnavailable and OutcomeUnknown."""

    def __init__(self, records: Records) -> None:
        self._records = records

    @property
    def clock(self) -> Clock:
        """The record's."""
        return self._records.clock

    def get(self, account_id: str) -> Account | None:
        """The account with this id."""
        with self._records.reading() as tx:
            return tx.accounts.get(account_id)

    def by_email(self, email: str) -> Account | None:
        """The account with this address."""
        with self._records.reading() as tx:
            return tx.accounts.by_email(email)

    def add(self, account: Account) -> bool:
        """Keep a new account; False where the address has one."""

        def work(tx: Transaction) -> bool:
            if tx.accounts.by_email(account.email) is not None:
                return False
            tx.accounts.insert(account)
            return True

        return self._records.transaction(work)

    def keep_token(self, token: AccountToken) -> bool:
        """Keep what a link stands for; False where there is nothing to verify, or to reset."""

        def work(tx: Transaction) -> bool:
            if (tx.accounts.by_email(token.email) is None) is not (token.purpose == "verify"):
                return False
            tx.accounts.insert_token(token)
            return True

        return self._records.transaction(work)

    def token(self, token_hash: str, purpose: str) -> AccountToken | None:
        """What an unexpired link stands for."""
        with self._records.reading() as tx:
            return tx.accounts.token(token_hash, purpose, tx.now)

    def verify(self, token_hash: str, account_id: str) -> Account | None:
        """Make the account of a link, or give the one that it made; None where it is worth nothing."""

        def work(tx: Transaction) -> Account | None:
            kept = tx.accounts.token(token_hash, "verify", tx.now, lock=True)
            if kept is None or kept.password_hash is None:
                return None
            account = tx.accounts.by_email(kept.email)
            if account is None:
                tx.accounts.save_token(kept.used(kept.password_hash, tx.now))
                account = Account(account_id, kept.email, kept.password_hash, 1, tx.now)
                tx.accounts.insert(account)
            return account if account.password_hash == kept.password_hash else None

        return self._records.transaction(work)

    def reset(self, token_hash: str, password_hash: str) -> Account | None:
        """Change the password through a link, or give the account whose password it changed.

        Every other link to reset is worth nothing then. None for a link that is worth nothing.
        """

        def work(tx: Transaction) -> Account | None:
            kept = tx.accounts.token(token_hash, "reset", tx.now, lock=True)
            account = None if kept is None else tx.accounts.by_email(kept.email)
            if kept is None or account is None:
                return None
            if kept.password_hash is not None:
                return account if kept.password_hash == account.password_hash else None
            tx.accounts.save_token(kept.used(password_hash, tx.now))
            tx.accounts.delete_others(kept)
            tx.accounts.set_password(account.id, password_hash)
            return tx.accounts.get(account.id)

        return self._records.transaction(work)
