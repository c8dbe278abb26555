"""The venue that a first start makes, so that there is a line to try."""

import secrets

from argon2 import PasswordHasher

from core.passwords import Passwords
from core.storage.accounts import Account
from core.storage.records import Transaction
from core.venues import VenueService
from local.application import Parts

EMAIL = "demo@example.com"
NUMBER = "+15550100001"
JOIN_CODE = "DEMO"


def make_demo(parts: Parts) -> str | None:
    """Make the demo venue and its account where there is neither an account of it nor any queue yet.

    The password is DEMO_PASSWORD whenever that is set. Without it, the first start makes one up; it is answered once,
    to be shown: the record keeps its hash only.
    """
    given = parts.settings.demo_password
    with parts.records.reading() as tx:
        account = tx.accounts.by_email(EMAIL)
        first_start = account is None and not tx.queues.all_at_venues(1)
    if first_start:
        password = given or secrets.token_urlsafe(9)
        password_hash = _hash(password)
        parts.records.transaction(lambda tx: _make(tx, parts, password_hash))
        return None if given else password
    if account is not None and given is not None and not Passwords().matches(account.password_hash, given):
        account_id, password_hash = account.id, _hash(given)
        parts.records.transaction(lambda tx: tx.accounts.set_password(account_id, password_hash))
    return None


def demo_account_exists(parts: Parts) -> bool:
    """Whether there is still somebody to log in as."""
    with parts.records.reading() as tx:
        return tx.accounts.by_email(EMAIL) is not None


def make_venue(tx: Transaction, venues: VenueService, account_id: str) -> None:
    """The venue itself, with its queue, for this account."""
    venue = venues.create(tx, account_id, name="The Demo Bar", time_zone="UTC", phone_number=NUMBER)
    venues.create_queue(tx, account_id, venue.id, name="Tables", join_code=JOIN_CODE)


def _make(tx: Transaction, parts: Parts, password_hash: str) -> None:
    account = Account(secrets.token_hex(8), EMAIL, password_hash, session_version=1, created_at=tx.now)
    tx.accounts.insert(account)
    make_venue(tx, parts.venues, account.id)


def _hash(password: str) -> str:
    """Without the rule on its length: on this machine, that is the operator's own choice."""
    return PasswordHasher().hash(password)
