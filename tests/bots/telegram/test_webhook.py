"""Telegram's updates, raw, and what we answer."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.channels import WebhookAnswer
from bots.messages import Button, Message, Reply
from bots.telegram.webhook import TelegramWebhook

SECRET = "a-secret_token"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
PATH = "/webhooks/telegram"

ANA = {"id": 4711, "is_bot": False, "first_name": "Ana", "language_code": "pt-br"}
PRIVATE = {"id": 4711, "type": "private", "first_name": "Ana"}
GROUP = {"id": -100, "type": "group", "title": "Friends"}
SUPERGROUP = {"id": -1001, "type": "supergroup", "title": "Friends"}
CHANNEL = {"id": -1002, "type": "channel", "title": "News"}
STICKER = {
    "file_id": "f",
    "file_unique_id": "u",
    "type": "regular",
    "width": 1,
    "height": 1,
    "is_animated": False,
    "is_video": False,
}
VOICE = {"file_id": "f", "file_unique_id": "u", "duration": 1}
PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]

THIRD = Reply("You are 3rd.")


def update(**content: Any) -> dict[str, Any]:
    return {"update_id": 100} | content


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 1, "date": 1_700_000_000, "chat": PRIVATE, "from": ANA} | content


def text(words: Any = "JOIN DEMO", **content: Any) -> dict[str, Any]:
    return update(message=message(text=words, **content))


def press(**content: Any) -> dict[str, Any]:
    query = {"id": "77", "from": ANA, "chat_instance": "c", "message": message(text="card"), "data": "leave"}
    return update(callback_query={name: value for name, value in (query | content).items() if value is not None})


def member(status: str, chat: dict[str, Any] = PRIVATE) -> dict[str, Any]:
    bot = {"id": 1, "is_bot": True, "first_name": "Line"}
    now = {"user": bot, "status": status, **({"until_date": 0} if status == "kicked" else {})}
    before = {"user": bot, "status": "left"}
    return update(
        my_chat_member={
            "chat": chat,
            "from": ANA,
            "date": 1_700_000_000,
            "old_chat_member": before,
            "new_chat_member": now,
        }
    )


@dataclass
class Line:
    """The webhook under test, with what it told the conversation."""

    reply: Reply = THIRD
    messages: list[Message] = field(default_factory=list)
    blocks: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.webhook = TelegramWebhook(SECRET, self._answer, blocked=self._block)

    def _block(self, address: str, blocked: bool, update_id: str) -> None:
        assert update_id.isdigit()
        self.blocks.append((address, blocked))

    def _answer(self, said: Message) -> Reply:
        self.messages.append(said)
        return self.reply

    def update(self, content: Any) -> WebhookAnswer:
        return self.webhook.handle(PATH, HEADERS, json.dumps(content).encode())


def method(answer: WebhookAnswer) -> dict[str, Any]:
    assert (answer.status, answer.content_type) == (200, "application/json")
    return dict(json.loads(answer.body))


SAID = Message("telegram", "4711", "100", "JOIN DEMO", language="pt-br", name="Ana")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text(), "JOIN DEMO"),
        (text("/start DEMO"), "/start DEMO"),
        (text("José 🍺 <b>&\"'"), "José 🍺 <b>&\"'"),
        (text("half \ud83c"), "half ?"),
        (update(message=message(photo=PHOTO, caption="JOIN DEMO")), "JOIN DEMO"),
        (update(message=message(sticker=STICKER)), ""),
        (update(message=message(voice=VOICE)), ""),
        (update(message=message(photo=PHOTO)), ""),
        (update(message=message(something_new={"a": 1})), ""),
    ],
)
def test_whatever_is_sent_in_a_private_chat_is_answered_with_a_text(content: dict[str, Any], expected: str) -> None:
    line = Line()
    assert method(line.update(content)) == {
        "method": "sendMessage",
        "chat_id": 4711,
        "text": "You are 3rd.",
        "link_preview_options": {"is_disabled": True},
    }
    assert [said.text for said in line.messages] == [expected]


def test_a_message_brings_the_guests_address_name_and_language() -> None:
    line = Line()
    line.update(text())
    line.update(text() | {"message": message(text="JOIN DEMO") | {"from": ANA | {"language_code": None}}})
    assert line.messages == [SAID, Message("telegram", "4711", "100", "JOIN DEMO", name="Ana")]


def test_buttons_come_as_rows_under_the_text() -> None:
    line = Line(reply=Reply("How many?", ((Button("1", "size:1"), Button("2", "size:2")), (), (Button("Sair", "l"),))))
    assert method(line.update(text()))["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "1", "callback_data": "size:1"}, {"text": "2", "callback_data": "size:2"}],
            [{"text": "Sair", "callback_data": "l"}],
        ]
    }


@pytest.mark.parametrize("size", [0, 65])
def test_data_that_telegram_would_refuse_is_a_fault_of_ours(size: int) -> None:
    line = Line(reply=Reply("?", ((Button("x", "é" * (size // 2) + "x" * (size % 2)),),)))
    with pytest.raises(ValueError, match="bytes"):
        line.update(text())


def test_data_of_64_bytes_is_fine() -> None:
    assert Line(reply=Reply("?", ((Button("x", "é" * 32),),))).update(text()).status == 200


@pytest.mark.parametrize(
    ("reply", "sent"), [("Wait here. " * 500, ("Wait here. " * 372).rstrip()), ("x" * 5000, "x" * 4095 + "…")]
)
def test_a_reply_longer_than_telegram_allows_is_cut(reply: str, sent: str) -> None:
    assert method(Line(reply=Reply(reply)).update(text()))["text"] == sent


@pytest.mark.parametrize("silent", [None, ""])
def test_silence_is_an_empty_answer(silent: str | None) -> None:
    assert Line(reply=Reply(silent)).update(text()) == WebhookAnswer(200)


INACCESSIBLE = {"chat": PRIVATE, "message_id": 1, "date": 0}


@pytest.mark.parametrize("content", [press(), press(message=INACCESSIBLE)])
def test_a_press_is_answered_with_an_alert(content: dict[str, Any]) -> None:
    line = Line()
    assert method(line.update(content)) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "77",
        "text": "You are 3rd.",
        "show_alert": True,
    }
    assert line.messages == [Message("telegram", "4711", "100", "", button="leave", language="pt-br", name="Ana")]


LONG = "You are 3rd in line at the bar, so please do not go far away: we will tell you when you are next. "


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (Reply(LONG + "Thank you! " * 20), (LONG + "Thank you! " * 9).rstrip()),
        (Reply("x" * 300), "x" * 199 + "…"),
        (Reply("x" * 200), "x" * 200),
        (Reply("Sure?", ((Button("Leave", "leave"),),)), "Sure?"),
    ],
)
def test_an_alert_has_at_most_200_characters_and_no_buttons(reply: Reply, shown: str) -> None:
    answer = method(Line(reply=reply).update(press()))
    assert (answer["text"], "reply_markup" in answer) == (shown, False)


@pytest.mark.parametrize(
    "content",
    [
        press(message=message(text="card", chat=GROUP)),
        press(message=None, inline_message_id="i"),
        press(data=None, game_short_name="g"),
    ],
)
def test_a_press_that_means_nothing_to_us_stops_spinning_all_the_same(content: dict[str, Any]) -> None:
    line = Line()
    assert method(line.update(content)) == {"method": "answerCallbackQuery", "callback_query_id": "77"}
    assert line.messages == []


def test_a_press_answered_with_silence_stops_spinning_all_the_same() -> None:
    answer = method(Line(reply=Reply(None)).update(press()))
    assert answer == {"method": "answerCallbackQuery", "callback_query_id": "77"}


BOT = {"id": 9, "is_bot": True, "first_name": "Bot"}

UNWANTED = {
    "an edited message": update(edited_message=message(text="JOIN")),
    "a group": text(chat=GROUP),
    "a supergroup": text(chat=SUPERGROUP),
    "a channel post": update(channel_post={"message_id": 1, "date": 1, "chat": CHANNEL, "text": "JOIN"}),
    "an edited channel post": update(edited_channel_post={"message_id": 1, "date": 1, "chat": CHANNEL}),
    "another bot": update(message=message(text="JOIN") | {"from": BOT}),
    "an inline query": update(inline_query={"id": "1", "from": ANA, "query": "x", "offset": ""}),
    "a poll answer": update(poll_answer={"poll_id": "1", "user": ANA, "option_ids": [0]}),
    "a reaction": update(
        message_reaction={"chat": PRIVATE, "message_id": 1, "date": 1, "old_reaction": [], "new_reaction": []}
    ),
    "a kind of tomorrow": update(brain_wave={"hz": 12}),
    "nothing": update(),
}


@pytest.mark.parametrize("content", UNWANTED.values(), ids=UNWANTED)
def test_an_update_that_is_not_for_us_is_taken_in_silence(content: dict[str, Any]) -> None:
    line = Line()
    assert line.update(content) == WebhookAnswer(200)
    assert (line.messages, line.blocks) == ([], [])


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        (member("kicked"), [("4711", True)]),
        (member("member"), [("4711", False)]),
        (member("kicked", GROUP), []),
        (member("left", SUPERGROUP), []),
    ],
)
def test_a_guest_who_blocks_the_bot_is_noted(content: dict[str, Any], blocks: list[tuple[str, bool]]) -> None:
    line = Line()
    assert line.update(content) == WebhookAnswer(200)
    assert (line.blocks, line.messages) == (blocks, [])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Telegram-Bot-Api-Secret-Token": ""},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET + "x"},
        {"X-Telegram-Bot-Api-Secret-Token": "né"},
        {"Authorization": SECRET},
    ],
)
@pytest.mark.parametrize("body", [json.dumps(text()).encode(), b"", b"not json"])
def test_without_the_secret_nothing_is_read(headers: dict[str, str], body: bytes) -> None:
    line = Line()
    assert line.webhook.handle(PATH, headers, body).status == 403
    assert line.messages == []


def test_the_secrets_header_may_be_spelled_in_any_case() -> None:
    headers = {"x-telegram-bot-api-secret-token": SECRET}
    assert Line().webhook.handle(PATH, headers, json.dumps(text()).encode()).status == 200


MALFORMED = {
    "nothing": b"",
    "no JSON": b"not json",
    "no UTF-8": b"\xff\xfe\xff",
    "a list": b"[]",
    "null": b"null",
    "no update_id": b"{}",
    "a text for update_id": b'{"update_id": "1"}',
    "true for update_id": b'{"update_id": true}',
    "an endless number": b'{"update_id": ' + b"9" * 5000 + b"}",
    "a text for message": b'{"update_id": 1, "message": "x"}',
    "an empty message": b'{"update_id": 1, "message": {"chat": {}}}',
    "deep brackets": b"[" * 100_000,
    "1 MB": b'{"update_id": 1, "x": "' + b"x" * 2**20 + b'"}',
    "a number for text": json.dumps(text(5)).encode(),
    "a number for language": json.dumps(update(message=message() | {"from": ANA | {"language_code": 5}})).encode(),
    "a list for chat id": json.dumps(text(chat=PRIVATE | {"id": [1]})).encode(),
    "an endless chat id": json.dumps(text(chat=PRIVATE | {"id": 10**300})).encode(),
    "a text for chat": json.dumps(text(chat="x")).encode(),
    "a number for a press's id": json.dumps(press(id=77)).encode(),
    "no sender of a press": json.dumps(press() | {"callback_query": {"id": "77", "from": "x"}}).encode(),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_update_gets_400(body: bytes) -> None:
    line = Line()
    answer = line.webhook.handle(PATH, HEADERS, body)
    assert (answer.status, line.messages) == (400, [])
    assert answer.body.decode().endswith(".")


def test_without_a_secret_nothing_is_served() -> None:
    with pytest.raises(ValueError):
        TelegramWebhook("", lambda _: THIRD, blocked=lambda *_: None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = ["message", "callback_query", "my_chat_member", "edited_message", "channel_post", "poll", "inline_query"]
FIELDS = ["chat", "from", "text", "caption", "date", "id", "data", "message", "new_chat_member", "entities", "photo"]


@given(
    whole=st.dictionaries(st.sampled_from(PLACES), JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)),
    part=st.tuples(st.sampled_from(FIELDS), JSON),
    kind=st.sampled_from([text(), press(), member("kicked")]),
)
def test_whatever_an_update_holds_nothing_breaks(whole: dict[str, Any], part: tuple[str, Any], kind: Any) -> None:
    ((place, content),) = [(name, value) for name, value in kind.items() if name != "update_id"]
    for odd in (update(**whole), update(**{place: content | {part[0]: part[1]}})):
        assert Line().update(odd).status in (200, 400)
