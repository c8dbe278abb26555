"""The bodies of messages in the queues of the AWS edition."""

import pytest

from core.storage.account_queues import Mail
from core.storage.accounts import LinkRequest
from core.storage.fan_out import Nudge
from core.storage.queue_messages import MalformedMessage, UnknownVersion, read, written


@pytest.mark.parametrize(
    "message",
    [
        Nudge("T1"),
        Nudge("T1", again=True),
        LinkRequest("verify", "a@example.com", "hash"),
        LinkRequest("reset", "a@example.com"),
        Mail("a@example.com", "Olá", "…"),
    ],
)
def test_a_message_is_read_as_it_was_written(message: Nudge | LinkRequest | Mail) -> None:
    assert read(type(message), written(message)) == message


@pytest.mark.parametrize(("version", "named"), [("2", "2"), ("0", "0"), ('"1"', "'1'"), ("null", "None")])
def test_an_unknown_version_is_named(version: str, named: str) -> None:
    with pytest.raises(UnknownVersion, match=named):
        read(Nudge, f'{{"version": {version}, "ticket_id": "T1"}}')
    with pytest.raises(UnknownVersion, match="None"):
        read(Nudge, '{"ticket_id": "T1"}')


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no JSON object"),
        ('{"Type": "Notification", "TopicArn": "…", "Message": "…"}', "an envelope of SNS"),
        ('{"version": 1}', "other fields"),
        ('{"version": 1, "ticket_id": "T1", "more": 1}', "other fields"),
        ('{"version": 1, "ticket_id": 7}', "ticket_id of another type"),
        ('{"version": 1, "ticket_id": "T1", "again": "yes"}', "again of another type"),
    ],
)
def test_what_is_no_message_is_refused_with_what_is_wrong(body: str, wrong: str) -> None:
    with pytest.raises(MalformedMessage, match=wrong):
        read(Nudge, body)
