"""The API as it is served, on real databases."""

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import Flask

from core.accounts import AccountService, SendMail
from core.contacts import ContactBook
from core.passwords import Passwords
from core.queues import QueueService
from core.storage.account_store import SqlAccountStore
from core.storage.records import Records
from core.storage.view import Positions
from core.venues import VenueService
from core.walk_ins import WalkIns
from tests.web.api.callers import PASSWORD, Caller, Mails
from web.services import Health, JoinLinks, Services

KEY = "a key for the tokens of tests, long enough"


@pytest.fixture
def mails() -> Mails:
    return Mails()


@pytest.fixture
def services(records: Records, mails: Mails) -> Services:
    return make_services(records, mails)


@pytest.fixture
def app(shared_app: Callable[[Services], Flask], services: Services) -> Flask:
    return shared_app(services)


@pytest.fixture
def anybody(app: Flask) -> Caller:
    """Somebody without a token."""
    return Caller(app)


@pytest.fixture
def staff_of(app: Flask, services: Services) -> Callable[[str], Caller]:
    """Makes an account of this name and logs it in."""

    def make(name: str) -> Caller:
        services.accounts.add(f"{name}@example.com", PASSWORD)
        caller = Caller(app)
        caller.log_in(f"{name}@example.com")
        return caller

    return make


@pytest.fixture
def ann(staff_of: Callable[[str], Caller]) -> Caller:
    return staff_of("ann")


@pytest.fixture
def bob(staff_of: Callable[[str], Caller]) -> Caller:
    return staff_of("bob")


def make_services(
    records: Records, mails: SendMail, positions: Positions | None = None, *, open_sign_up: bool = True
) -> Services:
    """All parts on this record."""
    queues, contacts = QueueService(), ContactBook(b"a key for tests")
    venues = VenueService(queues)
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Services(
        records=records,
        queues=queues,
        venues=venues,
        accounts=AccountService(
            SqlAccountStore(records), mails, "https://queue.example", open_sign_up=open_sign_up, passwords=quick
        ),
        walk_ins=WalkIns(queues, venues, contacts),
        positions=positions or Positions(records, None),
        contacts=contacts,
        public_url="https://queue.example",
        token_key=KEY,
        join_links=lambda _: JoinLinks(None, None, None, None),
        health=lambda: Health(True, True, None, None),
    )
