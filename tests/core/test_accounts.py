"""Staff accounts: registered by a mailed link, logged in with a password, reset by another link."""

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from core.accounts import AccountService, AccountStore, MailUnavailable
from core.errors import EmailTaken, InvalidToken, InvalidValue, SignUpClosed, WrongCredentials
from core.passwords import Passwords
from core.storage.account_store import SqlAccountStore
from core.storage.accounts import Account
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from core.storage.tables import metadata
from tests.clocks import StillClock
from tests.databases import KINDS
from tests.servers import MiniStack

ADA, PASSWORD = "ada@example.com", "correct horse"
TOKEN = re.compile(r"https://queue\.example/(verify|reset)\?token=(\S+)")


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str

    @property
    def link(self) -> tuple[str, str]:
        """What the link in the mail is for, and its token."""
        [found] = TOKEN.findall(self.text)
        return found


class Office:
    """The accounts and the mail that they sent."""

    def __init__(self, store: AccountStore, *, open_sign_up: bool = True) -> None:
        self.store = store
        self.mails: list[Mail] = []
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.service = AccountService(
            store, self._send, "https://queue.example", open_sign_up=open_sign_up, passwords=quick
        )

    def _send(self, to: str, subject: str, text: str) -> None:
        # Would wait for ever, were a transaction of whoever asked for the mail still open.
        self.store.add(Account(secrets.token_hex(8), f"{len(self.mails)}-{to}", "no hash", 1, self.store.clock()))
        self.mails.append(Mail(to, subject, text))

    def has_account(self, email: str = ADA, password: str = PASSWORD) -> None:
        self.service.register(email, password)
        self.service.verify(self.mails.pop().link[1])


@pytest.fixture(params=[*KINDS, "dynamodb"])
def store(request: pytest.FixtureRequest, clock: StillClock) -> Iterator[AccountStore]:
    """Accounts in each of the places that they may be kept in."""
    if request.param == "dynamodb":
        aws: MiniStack = request.getfixturevalue("aws")
        customer, pre_customer = aws.account_tables()
        yield DynamoAccountStore(customer, pre_customer, clock, aws.resource("dynamodb"))
        return
    engine = open_engine(request.getfixturevalue(f"{request.param}_databases").migrated())
    yield SqlAccountStore(Records(engine, clock))
    engine.dispose()


@pytest.fixture
def office(store: AccountStore) -> Office:
    return Office(store)


def test_a_mailed_link_makes_the_account(office: Office) -> None:
    office.service.register(ADA, PASSWORD)

    with pytest.raises(WrongCredentials):
        office.service.log_in(ADA, PASSWORD)
    [mail] = office.mails
    purpose, token = mail.link
    account = office.service.verify(token)

    assert (mail.to, purpose, account.email) == (ADA, "verify", ADA)
    assert office.service.log_in(ADA, PASSWORD) == account


def test_links_make_one_account_however_often_they_are_used(office: Office) -> None:
    office.service.register(ADA, PASSWORD)
    office.service.register(ADA, PASSWORD)
    tokens = [mail.link[1] for mail in office.mails]

    def verify(token: str) -> str | None:
        try:
            return office.service.verify(token).id
        except InvalidToken:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(verify, tokens * 4))

    account = office.service.log_in(ADA, PASSWORD)
    assert Counter(made) == {account.id: 4, None: 4}


def test_a_used_link_gives_its_account_for_ten_minutes_more(office: Office, clock: StillClock) -> None:
    office.service.register(ADA, PASSWORD)
    token = office.mails[0].link[1]
    account = office.service.verify(token)

    clock.advance(timedelta(minutes=9, seconds=59))
    assert office.service.verify(token) == account
    clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        office.service.verify(token)


def test_a_used_link_gives_no_account_whose_password_was_changed_since(office: Office) -> None:
    office.service.register(ADA, PASSWORD)
    first = office.mails.pop().link[1]
    office.service.verify(first)
    office.service.ask_reset(ADA)
    second = office.mails.pop().link[1]
    office.service.reset(second, "a new password")
    office.service.ask_reset(ADA)
    office.service.reset(office.mails.pop().link[1], PASSWORD)

    with pytest.raises(InvalidToken):
        office.service.verify(first)
    with pytest.raises(InvalidToken):
        office.service.reset(second, "a new password")


def test_a_stranger_who_registers_with_somebodys_address_first_does_not_choose_their_password(office: Office) -> None:
    office.service.register(ADA, "the stranger's password")
    office.service.register(ADA, PASSWORD)
    strangers, adas = (mail.link[1] for mail in office.mails)
    assert all("If it wasn't you, do nothing: then no account is made." in mail.text for mail in office.mails)
    with pytest.raises(WrongCredentials):
        office.service.check_link(strangers, PASSWORD)
    office.service.check_link(adas, PASSWORD)

    account = office.service.verify(adas)
    with pytest.raises(InvalidToken):
        office.service.verify(strangers)

    assert office.service.log_in(ADA, PASSWORD) == account
    with pytest.raises(WrongCredentials):
        office.service.log_in(ADA, "the stranger's password")


def test_a_reset_takes_an_account_back_from_a_stranger_whose_link_was_pressed(office: Office) -> None:
    office.has_account(ADA, "the stranger's password")
    stranger = office.service.log_in(ADA, "the stranger's password")

    office.service.ask_reset(ADA)
    office.service.reset(office.mails.pop().link[1], PASSWORD)

    assert office.service.of_session(stranger.id, stranger.session_version) is None
    assert office.service.log_in(ADA, PASSWORD).id == stranger.id
    with pytest.raises(WrongCredentials):
        office.service.log_in(ADA, "the stranger's password")


def test_an_address_is_the_same_in_capitals(office: Office) -> None:
    office.has_account("Ada@Example.COM")

    assert office.service.log_in(" ADA@example.com ", PASSWORD).email == ADA


def test_the_link_is_worth_a_day(office: Office, clock: StillClock) -> None:
    office.service.register(ADA, PASSWORD)
    clock.advance(timedelta(hours=24))

    with pytest.raises(InvalidToken) as refused:
        office.service.verify(office.mails[0].link[1])

    assert refused.value.details == {"purpose": "verify"}


def test_an_address_with_an_account_learns_so_by_mail_only(office: Office) -> None:
    office.has_account()

    office.service.register(ADA, "another password")

    [mail] = office.mails
    assert mail.to == ADA
    assert "There is one already" in mail.text
    assert not TOKEN.search(mail.text)
    with pytest.raises(WrongCredentials):
        office.service.log_in(ADA, "another password")


@pytest.mark.parametrize(
    ("email", "password", "details"),
    [
        (ADA, "too short", {"field": "password", "reason": "too-short", "at_least": 10}),
        (ADA, "x" * 201, {"field": "password", "reason": "too-long", "at_most": 200}),
        ("ada", PASSWORD, {"field": "email", "reason": "not-an-email-address"}),
        ("ada@localhost", PASSWORD, {"field": "email", "reason": "not-an-email-address"}),
        ("ada,eve@example.com", PASSWORD, {"field": "email", "reason": "not-an-email-address"}),
        ("ada@example.com\nBcc: eve@example.com", PASSWORD, {"field": "email", "reason": "not-an-email-address"}),
        (f"{'a' * 60}@{'b' * 200}.com", PASSWORD, {"field": "email", "reason": "not-an-email-address"}),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_mailed(
    office: Office, email: str, password: str, details: dict
) -> None:
    with pytest.raises(InvalidValue) as refused:
        office.service.register(email, password)

    assert refused.value.details == details
    assert office.mails == []


def test_by_invitation_nobody_registers_but_the_operator_adds(store: AccountStore) -> None:
    office = Office(store, open_sign_up=False)

    with pytest.raises(SignUpClosed):
        office.service.register(ADA, PASSWORD)
    account = office.service.add(ADA, PASSWORD)

    assert office.mails == []
    assert office.service.log_in(ADA, PASSWORD) == account
    with pytest.raises(EmailTaken):
        office.service.add(ADA.upper(), PASSWORD)


@pytest.mark.parametrize(
    ("email", "password"),
    [(ADA, "wrong password"), ("eve@example.com", PASSWORD), ("", ""), ("e" * 3000 + "@example.com", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(office: Office, email: str, password: str) -> None:
    office.has_account()

    with pytest.raises(WrongCredentials) as refused:
        office.service.log_in(email, password)

    assert refused.value.details == {}


def test_a_reset_changes_the_password_and_ends_every_session(office: Office) -> None:
    office.has_account()
    before = office.service.log_in(ADA, PASSWORD)
    assert office.service.of_session(before.id, before.session_version) == before

    office.service.ask_reset(ADA)
    purpose, token = office.mails[0].link
    after = office.service.reset(token, "a new password")

    assert purpose == "reset"
    assert office.service.of_session(before.id, before.session_version) is None
    assert office.service.of_session(after.id, after.session_version) == after
    assert office.service.log_in(ADA, "a new password") == after
    with pytest.raises(WrongCredentials):
        office.service.log_in(ADA, PASSWORD)


def test_a_link_resets_once_however_often_it_is_used(office: Office, clock: StillClock) -> None:
    office.has_account()
    office.service.ask_reset(ADA)
    token = office.mails[0].link[1]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: office.service.reset(token, "a new password"), range(8)))

    assert set(made) == {office.service.log_in(ADA, "a new password")}
    assert made[0].session_version == 2
    clock.advance(timedelta(minutes=10))
    with pytest.raises(InvalidToken):
        office.service.reset(token, "a new password")


def test_one_reset_makes_every_link_worthless(office: Office) -> None:
    office.has_account()
    office.service.ask_reset(ADA)
    office.service.ask_reset(ADA)
    first, second = (mail.link[1] for mail in office.mails)

    office.service.reset(second, "a new password")

    for token in (first, second):
        with pytest.raises(InvalidToken):
            office.service.reset(token, "yet another password")


def test_a_reset_is_worth_an_hour_and_is_no_verification(office: Office, clock: StillClock) -> None:
    office.has_account()
    office.service.ask_reset(ADA)
    token = office.mails[0].link[1]

    with pytest.raises(InvalidToken):
        office.service.verify(token)
    clock.advance(timedelta(hours=1))
    with pytest.raises(InvalidToken):
        office.service.reset(token, "a new password")
    assert office.service.log_in(ADA, PASSWORD).email == ADA


def test_a_short_new_password_leaves_the_link_usable(office: Office) -> None:
    office.has_account()
    office.service.ask_reset(ADA)
    token = office.mails[0].link[1]

    with pytest.raises(InvalidValue):
        office.service.reset(token, "short")

    assert office.service.reset(token, "long enough").email == ADA


def test_an_address_without_an_account_is_mailed_no_link(office: Office) -> None:
    office.service.ask_reset(ADA)

    [mail] = office.mails
    assert mail.to == ADA
    assert "There is no Queue Manager account" in mail.text
    assert not TOKEN.search(mail.text)


def test_a_mail_server_that_is_away_is_told_of(store: AccountStore) -> None:
    def refuse(to: str, subject: str, text: str) -> None:
        raise ConnectionRefusedError

    service = AccountService(store, refuse, "https://queue.example")

    with pytest.raises(MailUnavailable):
        service.register(ADA, PASSWORD)


def test_the_record_knows_neither_passwords_nor_tokens(records: Records, engine: Engine) -> None:
    office = Office(SqlAccountStore(records))
    office.has_account()
    office.service.register("eve@example.com", PASSWORD)
    office.service.ask_reset(ADA)
    tokens = [mail.link[1] for mail in office.mails]

    with engine.connect() as connection:
        kept = repr([connection.execute(select(table)).all() for table in metadata.sorted_tables])

    assert ADA in kept
    assert PASSWORD not in kept
    assert not any(token in kept for token in tokens)
