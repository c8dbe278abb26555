"""What goes out to Telegram, and what its answers mean."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bots.channels import Outgoing, Refused, Retry, SendError, Throttled, Unreachable
from bots.messages import Button
from bots.telegram.sender import PAUSE, TelegramSender
from tests.bots.carriers import Answer, Carrier

TOKEN = "110201543:a-secret-token"
MESSAGE = Outgoing("telegram", "4711", "Your table is ready.")
YES = Answer(
    200,
    {
        "ok": True,
        "result": {"message_id": 42, "date": 1_700_000_000, "chat": {"id": 4711, "type": "private"}, "text": "x"},
    },
)


@pytest.fixture
def sender(carrier: Carrier) -> Iterator[TelegramSender]:
    """A sender for that carrier, with half a second of patience."""
    carrier.answer = YES
    telegram = TelegramSender(TOKEN, api_url=carrier.url + "/", timeout=0.5)
    yield telegram
    telegram.close()


def no(status: int, description: str, **parameters: Any) -> Answer:
    """An error as the Bot API puts it."""
    body = {"ok": False, "error_code": status, "description": description}
    return Answer(status, body | ({"parameters": parameters} if parameters else {}))


@pytest.mark.parametrize(
    ("outgoing", "form"),
    [
        (MESSAGE, {"text": "Your table is ready."}),
        (Outgoing("telegram", "4711", "José 🍺 <b>_*", sender=None), {"text": "José 🍺 <b>_*"}),
        (Outgoing("telegram", "4711", "Wait here. " * 500), {"text": ("Wait here. " * 372).rstrip()}),
        (
            Outgoing("telegram", "4711", "Sure?", buttons=((Button("Yes", "y"), Button("No", "n")),)),
            {
                "text": "Sure?",
                "reply_markup": {
                    "inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]
                },
            },
        ),
    ],
)
def test_a_message_is_sent(carrier: Carrier, sender: TelegramSender, outgoing: Outgoing, form: dict[str, Any]) -> None:
    assert sender.send(outgoing) == "42"
    (asked,) = carrier.asked
    assert (asked.method, asked.path) == ("POST", f"/bot{TOKEN}/sendMessage")
    read = {name: json.loads(value) if value.startswith("{") else value for name, value in asked.form.items()}
    assert read == {"chat_id": "4711", "link_preview_options": {"is_disabled": True}} | form


ERRORS: list[tuple[Answer, type[SendError], str]] = [
    (no(403, "Forbidden: bot was blocked by the user"), Unreachable, "forbidden"),
    (no(403, "Forbidden: user is deactivated"), Unreachable, "forbidden"),
    (no(400, "Bad Request: chat not found"), Unreachable, "chat-not-found"),
    (no(400, "Bad Request: PEER_ID_INVALID"), Unreachable, "chat-not-found"),
    (no(400, "Bad Request: message text is empty"), Refused, "bad-request"),
    (no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001), Refused, "chat-migrated"),
    (no(401, "Unauthorized"), Retry, "bad-token"),
    (no(404, "Not Found"), Retry, "bad-token"),
    (no(429, "Too Many Requests: retry after 7", retry_after=7), Throttled, "too-many-requests"),
    (no(429, "Too Many Requests: retry later"), Throttled, "too-many-requests"),
    (no(500, "Internal Server Error"), Retry, "no-connection"),
    (Answer(502, b"<html>Bad Gateway</html>"), Retry, "no-connection"),
    (Answer(0), Retry, "no-connection"),
    (Answer(200, b"not json"), Retry, "no-answer"),
    (Answer(200, {"ok": True, "result": True}), Retry, "no-answer"),
    (Answer(200, {"ok": True}), Retry, "no-answer"),
    (Answer(200, []), Retry, "no-answer"),
    (Answer(400, []), Retry, "no-answer"),
    (Answer(200, YES.body, after=1.0), Retry, "timeout"),
]


@pytest.mark.parametrize(("answer", "kind", "code"), ERRORS)
def test_what_telegrams_refusals_mean(
    carrier: Carrier, sender: TelegramSender, answer: Answer, kind: type[SendError], code: str
) -> None:
    carrier.answer = answer
    with pytest.raises(SendError) as raised:
        sender.send(MESSAGE)
    assert (type(raised.value), raised.value.code) == (kind, code)
    assert raised.value.sentence.strip()
    assert "secret" not in str(raised.value)
    assert len(carrier.asked) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (no(429, "Too Many Requests: retry after 7", retry_after=7), 7.0),
        (no(429, "Too Many Requests: retry later"), PAUSE),
    ],
)
def test_a_throttled_message_waits_as_long_as_telegram_says(
    carrier: Carrier, sender: TelegramSender, answer: Answer, seconds: float
) -> None:
    carrier.answer = answer
    with pytest.raises(Throttled) as raised:
        sender.send(MESSAGE)
    assert raised.value.retry_after == seconds


def test_when_nobody_listens_it_is_worth_another_try() -> None:
    nowhere = TelegramSender(TOKEN, api_url="http://127.0.0.1:9", timeout=0.5)
    with pytest.raises(Retry):
        nowhere.send(MESSAGE)
    nowhere.close()


def test_after_a_failure_the_same_sender_goes_on(carrier: Carrier, sender: TelegramSender) -> None:
    carrier.answer = Answer(200, YES.body, after=1.0)
    with pytest.raises(Retry):
        sender.send(MESSAGE)
    carrier.answer = YES
    assert sender.send(MESSAGE) == "42"


def running() -> set[threading.Thread]:
    """The threads of all senders."""
    return {thread for thread in threading.enumerate() if thread.name == "telegram"}


def test_threads_share_one_loop_and_its_connections(carrier: Carrier) -> None:
    before, carrier.answer = running(), YES
    sender = TelegramSender(TOKEN, api_url=carrier.url)
    for _ in range(5):
        sender.send(MESSAGE)
    assert len(carrier.connections) == 1
    sent: list[str] = []
    threads = [threading.Thread(target=lambda: sent.append(sender.send(MESSAGE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == ["42"] * 8
    assert len(running() - before) == 1
    sender.close()


def test_closing_ends_the_thread(carrier: Carrier) -> None:
    before = running()
    telegram = TelegramSender(TOKEN, api_url=carrier.url)
    telegram.close()
    assert running() == before


def test_the_token_stays_out_of_the_log(
    sender: TelegramSender, carrier: Carrier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sender.send(MESSAGE)
    carrier.answer = no(401, "Unauthorized")
    with pytest.raises(Retry):
        sender.send(MESSAGE)
    assert "a-secret-token" not in caplog.text
