"""Accounts in DynamoDB while it is away, has too much to do, or is not as the template has it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.errors import EmailTaken, OutcomeUnknown, RecordUnavailable
from core.storage.accounts import Account, AccountToken
from core.storage.dynamodb_accounts import PASSING, TRIES, DynamoAccountStore
from tests.clocks import StillClock
from tests.dynamodb import WRITE, Between, cancelled, dynamodb_at, error
from tests.servers import MiniStack, free_port

ADA, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
def between(aws: MiniStack) -> Iterator[Between]:
    with Between(aws.url).serving() as between:
        yield between


@pytest.fixture
def store(aws: MiniStack, between: Between, clock: StillClock) -> DynamoAccountStore:
    return DynamoAccountStore(*aws.account_tables(), clock, dynamodb_at(between.url))


@pytest.fixture
def account(clock: StillClock) -> Account:
    return Account("a1", ADA, "a hash", 1, clock.now)


@pytest.fixture
def token(clock: StillClock) -> AccountToken:
    """What a link to verify stands for."""
    return AccountToken("t1", "verify", ADA, "a hash", clock.now + timedelta(hours=1))


def code(failed: pytest.ExceptionInfo[RecordUnavailable]) -> str:
    """What AWS calls the error that is the cause."""
    cause = failed.value.__cause__
    assert isinstance(cause, ClientError)
    return str(cause.response["Error"]["Code"])


Step = Callable[[DynamoAccountStore, Account, AccountToken], object]
STEPS: dict[str, Step] = {
    "get": lambda store, _account, _token: store.get("a1"),
    "by_email": lambda store, _account, _token: store.by_email(ADA),
    "add": lambda store, account, _token: store.add(account),
    "keep_token": lambda store, _account, token: store.keep_token(token),
    "token": lambda store, _account, _token: store.token("t1", "verify"),
    "verify": lambda store, _account, _token: store.verify("t1", "a1"),
    "reset": lambda store, _account, _token: store.reset("t1", "another hash"),
}
each_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def test_an_account_that_the_index_does_not_have_yet_is_found(
    store: DynamoAccountStore, between: Between, account: Account
) -> None:
    store.add(account)
    between.says["Query"] = [(200, {"Items": [], "Count": 0, "ScannedCount": 0})] * 2

    assert store.get(account.id) == account


@pytest.fixture
def away(clock: StillClock) -> DynamoAccountStore:
    return DynamoAccountStore("c", "p", clock, dynamodb_at(f"http://127.0.0.1:{free_port()}"))


@pytest.mark.parametrize("name", sorted(STEPS.keys() - {"add"}))
def test_a_step_says_that_dynamodb_is_away(
    name: str, away: DynamoAccountStore, account: Account, token: AccountToken
) -> None:
    with pytest.raises(RecordUnavailable) as failed:
        STEPS[name](away, account, token)

    assert isinstance(failed.value.__cause__, EndpointConnectionError)


def test_that_no_account_was_added_is_not_said_where_dynamodb_may_have_had_it(
    away: DynamoAccountStore, account: Account
) -> None:
    """boto3 asks more than once, and tells what became of the last time: the first may have been done."""
    with pytest.raises(OutcomeUnknown):
        away.add(account)


@each_step
def test_a_table_that_is_missing_is_named_as_the_cause(
    step: Step, account: Account, token: AccountToken, aws: MiniStack, clock: StillClock
) -> None:
    with pytest.raises(RecordUnavailable) as failed:
        step(DynamoAccountStore("no-table", "nor-this", clock, aws.resource("dynamodb")), account, token)

    assert code(failed) == "ResourceNotFoundException"


def test_a_link_that_may_not_be_kept_is_told_of(
    store: DynamoAccountStore, between: Between, token: AccountToken
) -> None:
    between.says = {"PutItem": [(400, error("AccessDeniedException"))]}

    with pytest.raises(RecordUnavailable) as failed:
        store.keep_token(token)

    assert code(failed) == "AccessDeniedException"
    assert store.token("t1", "verify") is None


@pytest.mark.parametrize("reason", sorted(PASSING))
def test_an_account_is_added_as_soon_as_dynamodb_has_time_for_it(
    store: DynamoAccountStore, between: Between, account: Account, reason: str
) -> None:
    between.says = {WRITE: [(400, cancelled(reason))] * 2}

    assert store.add(account)

    assert store.by_email(ADA) == account
    assert between.asked.count(WRITE) == 3


@pytest.mark.parametrize("reason", sorted(PASSING))
def test_no_address_is_called_taken_because_dynamodb_has_no_time(
    store: DynamoAccountStore, between: Between, reason: str
) -> None:
    between.says = {WRITE: [(400, cancelled(reason))] * TRIES}
    service = AccountService(store, no_mail, "https://queue.example")

    with pytest.raises(RecordUnavailable):
        service.add(ADA, PASSWORD)

    assert not between.says[WRITE]
    assert store.by_email(ADA) is None
    service.add(ADA, PASSWORD)
    with pytest.raises(EmailTaken):
        service.add(ADA, PASSWORD)


def test_an_address_that_is_taken_is_seen_at_once_whatever_else_happens(
    store: DynamoAccountStore, between: Between, account: Account
) -> None:
    between.says = {WRITE: [(400, cancelled("ConditionalCheckFailed", "TransactionConflict"))]}

    assert not store.add(account)

    assert between.asked == [WRITE]


def test_a_transaction_that_no_patience_helps_is_tried_once(
    store: DynamoAccountStore, between: Between, account: Account
) -> None:
    between.says = {WRITE: [(400, cancelled("ValidationError"))]}

    with pytest.raises(RecordUnavailable) as failed:
        store.add(account)

    assert "ValidationError" in str(failed.value.__cause__)
    assert between.asked == [WRITE]


@pytest.mark.parametrize("reasons", [("TransactionConflict", "None"), ("None", "ThrottlingError")])
def test_a_link_is_good_although_its_transaction_met_another(
    store: DynamoAccountStore, between: Between, token: AccountToken, reasons: tuple[str, str]
) -> None:
    store.keep_token(token)
    between.says = {WRITE: [(400, cancelled(*reasons))]}
    made = store.verify("t1", "a1")
    assert made == store.by_email(ADA)
    store.keep_token(replace(token, token_hash="t2", purpose="reset", password_hash=None))
    between.says = {WRITE: [(400, cancelled(*reasons))]}

    changed = store.reset("t2", "another hash")

    assert changed == store.by_email(ADA)
    assert changed is not None
    assert (changed.password_hash, changed.session_version) == ("another hash", 2)
    assert between.asked.count(WRITE) == 4


@pytest.mark.parametrize("how", ["lost", "InternalServerError", "TransactionInProgressException"])
def test_a_change_that_may_have_been_made_is_not_said_to_have_failed(
    store: DynamoAccountStore, between: Between, token: AccountToken, how: str
) -> None:
    store.keep_token(token)
    if how == "lost":
        between.loses = WRITE
    else:
        between.says = {WRITE: [(500 if how == "InternalServerError" else 400, error(how))] * 3}

    with pytest.raises(OutcomeUnknown):
        store.verify("t1", "a1")

    assert (store.by_email(ADA) is not None) is (how == "lost")
    between.loses = None
    assert store.verify("t1", "a2") == store.by_email(ADA), "the same link tells"


def test_what_only_looks_has_no_outcome_that_could_be_unknown(store: DynamoAccountStore, between: Between) -> None:
    between.loses = "GetItem"

    with pytest.raises(RecordUnavailable):
        store.by_email(ADA)
