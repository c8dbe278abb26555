"""Queues and topics of AWS that take nothing: whoever asks is told so in our words, and the log has AWS's."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from structlog.testing import capture_logs

from core.accounts import AccountService, MailUnavailable
from core.storage.account_queues import AccountQueue
from core.storage.accounts import LinkRequest
from core.storage.aws import QueueUnavailable
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.fan_out import ChannelQueue, Topic
from tests.clocks import StillClock
from tests.servers import MiniStack, free_port

HALF_A_MINUTE = timedelta(seconds=30)
QUEUE = "http://127.0.0.1/000000000000/no-queue"
TOPIC = "arn:aws:sns:sa-east-1:000000000000:no-topic"

CALLS: dict[str, Callable[[], None]] = {
    "a link is asked for": lambda: AccountQueue(QUEUE).put(LinkRequest("reset", "ada@example.com")),
    "a mail is handed on": lambda: AccountQueue(QUEUE).put_mail("ada@example.com", "Hello", "Text"),
    "a nudge is put back": lambda: ChannelQueue(QUEUE).put_back("T1", HALF_A_MINUTE),
    "a message is to come again": lambda: ChannelQueue(QUEUE).show_again("a handle", HALF_A_MINUTE),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def here(aws: MiniStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS stands, without what is asked for."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS does not answer."""
    for name, value in MiniStack.environment_at(f"http://127.0.0.1:{free_port()}").items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("here")
@each_call
def test_a_queue_that_is_missing_is_named_as_the_cause(call: Callable[[], None]) -> None:
    with pytest.raises(QueueUnavailable) as failed:
        call()

    assert isinstance(failed.value.__cause__, ClientError)
    assert "NonExistentQueue" in str(failed.value.__cause__)


@pytest.mark.usefixtures("away")
@each_call
def test_a_queue_that_is_away_is_told_of(call: Callable[[], None]) -> None:
    with pytest.raises(QueueUnavailable) as failed:
        call()

    assert isinstance(failed.value.__cause__, EndpointConnectionError)


@pytest.mark.usefixtures("here")
def test_the_log_has_aws_own_word_for_why_notices_wait() -> None:
    with capture_logs() as logged:
        Topic(TOPIC).publish({"T1": "sms"})

    [line] = logged
    assert line["event"] == "notices wait for the sweep: the topic is away"
    assert "(NotFound)" in line["error"]


@pytest.mark.usefixtures("here")
def test_who_asks_for_a_link_hears_that_no_mail_can_be_sent(aws: MiniStack, clock: StillClock) -> None:
    store = DynamoAccountStore(*aws.account_tables(), clock, aws.resource("dynamodb"))
    service = AccountService(store, lambda *_: None, "https://queue.example", ask=AccountQueue(QUEUE).put)

    with pytest.raises(MailUnavailable):
        service.ask_reset("ada@example.com")
