"""Telegram: from the chat to the webhook, and from python-telegram-bot to the chat."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import telegram
from flask import Response, jsonify
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.local.simulator.house import (
    BOT_TOKEN,
    PUBLIC_URL,
    TELEGRAM_ANA,
    TELEGRAM_JOAO,
    Call,
    House,
    eventually,
)

ANA_ID, JOAO_ID = 7001000101, 7001000102
KEYS = InlineKeyboardMarkup(
    [[InlineKeyboardButton("Position", callback_data="position"), InlineKeyboardButton("Leave", callback_data="leave")]]
)


Answer = TypeVar("Answer")


def with_bot(house: House, use: Callable[[Bot], Awaitable[Answer]], token: str = BOT_TOKEN) -> Answer:
    async def whole() -> Answer:
        async with Bot(token, base_url=f"{house.base_url}/simulator/telegram/bot") as bot:
            return await use(bot)

    return asyncio.run(whole())


def send(house: House, text: str = "Your table is ready", chat_id: int = ANA_ID, **details: Any) -> Any:
    return with_bot(house, lambda bot: bot.send_message(chat_id, text, **details))


def updates(house: House) -> list[Update]:
    """What the webhook got, read by the library as our webhook reads it."""
    return [Update.de_json(dict(call), None) for call in house.called("/webhooks/telegram")]


def answering(**method: Any) -> Callable[[Call], Response]:
    return lambda _: jsonify(method)


# ---- from the chat -------------------------------------------------------------------------------------


def test_a_deep_link_reaches_the_webhook_as_a_start_command(house: House) -> None:
    house.write(TELEGRAM_JOAO, "/start DEMO")

    eventually(lambda: len(updates(house)), 1)
    [update] = updates(house)
    assert update.message is not None
    assert update.message.text == "/start DEMO"
    assert update.message.chat.id == JOAO_ID
    assert update.message.chat.type == "private"
    assert update.effective_user is not None
    assert update.effective_user.first_name == "João"
    assert update.effective_user.language_code == "pt-br"
    [entity] = update.message.entities
    assert (entity.type, entity.offset, entity.length) == ("bot_command", 0, len("/start"))
    assert house.refused == []


def test_ordinary_text_has_no_command_in_it(house: House) -> None:
    house.write(TELEGRAM_ANA, "join/leave")

    eventually(lambda: len(updates(house)), 1)
    assert updates(house)[0].message.entities == ()  # type: ignore[union-attr]


def test_each_update_has_the_next_id(house: House) -> None:
    house.write(TELEGRAM_ANA, "one")
    eventually(lambda: len(updates(house)), 1)
    house.write(TELEGRAM_JOAO, "two")
    eventually(lambda: len(updates(house)), 2)

    first, second = (update.update_id for update in updates(house))
    assert second == first + 1


def test_a_method_in_the_webhooks_answer_is_carried_out(house: House) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Leave", "callback_data": "leave"}]]}
    house.answers["/webhooks/telegram"] = answering(
        method="sendMessage", chat_id=ANA_ID, text="You are <b>3rd</b>", reply_markup=keyboard
    )

    house.write(TELEGRAM_ANA, "POSITION")

    eventually(lambda: house.shown(TELEGRAM_ANA), ["POSITION", "You are <b>3rd</b>"])
    answer = house.conversation(TELEGRAM_ANA)["entries"][1]
    assert answer["buttons"] == [[{"label": "Leave", "data": "leave", "url": None}]]


def test_a_method_that_telegram_would_refuse_is_shown_as_refused(house: House) -> None:
    house.answers["/webhooks/telegram"] = answering(method="sendMessage", chat_id=ANA_ID, text="")

    house.write(TELEGRAM_ANA, "POSITION")

    eventually(lambda: "text is empty" in "".join(house.shown(TELEGRAM_ANA, "note")), True)


def test_a_failing_webhook_is_called_again_with_the_same_update(house: House) -> None:
    answers = [Response(status=500), Response(status=502), Response()]
    house.answers["/webhooks/telegram"] = lambda _: answers.pop(0)

    house.write(TELEGRAM_ANA, "JOIN")
    house.write(TELEGRAM_ANA, "POSITION")

    answers.append(Response())
    eventually(lambda: len(updates(house)), 4)
    texts = [update.message.text for update in updates(house)]  # type: ignore[union-attr]
    assert texts == ["JOIN", "JOIN", "JOIN", "POSITION"]
    assert len({update.update_id for update in updates(house)}) == 2


def test_a_webhook_that_goes_on_failing_is_given_up(house: House) -> None:
    house.answers["/webhooks/telegram"] = lambda _: Response(status=500)

    house.write(TELEGRAM_ANA, "JOIN")

    eventually(lambda: "answered 500" in "".join(house.shown(TELEGRAM_ANA, "note")), True)
    assert len(updates(house)) == 3
    assert house.conversation(TELEGRAM_ANA)["entries"][0]["status"] == "failed"


# ---- buttons -------------------------------------------------------------------------------------------


def test_a_press_waits_until_it_is_answered_and_shows_the_alert(house: House) -> None:
    message = send(house, reply_markup=KEYS)

    assert house.press(TELEGRAM_ANA, message.message_id, "leave").status_code == 202

    eventually(lambda: len(updates(house)), 1)
    [update] = updates(house)
    query = update.callback_query
    assert query is not None
    assert (query.data, query.from_user.id) == ("leave", ANA_ID)
    assert query.message is not None
    assert query.message.message_id == message.message_id
    assert query.message.reply_markup == KEYS  # type: ignore[attr-defined]
    assert house.conversation(TELEGRAM_ANA)["pressed"] == [message.message_id]

    with_bot(house, lambda bot: bot.answer_callback_query(query.id, "Press again to leave", show_alert=True))

    after = house.conversation(TELEGRAM_ANA)
    assert after["pressed"] == []
    assert (after["popup"]["text"], after["popup"]["alert"]) == ("Press again to leave", True)


def test_a_press_is_answered_by_the_webhook_itself(house: House) -> None:
    message = send(house, reply_markup=KEYS)
    house.answers["/webhooks/telegram"] = lambda call: jsonify(
        method="answerCallbackQuery", callback_query_id=call.values["callback_query"]["id"], text="You are 2nd"
    )

    house.press(TELEGRAM_ANA, message.message_id, "position")

    eventually(lambda: (house.conversation(TELEGRAM_ANA)["popup"] or {}).get("text"), "You are 2nd")
    assert house.conversation(TELEGRAM_ANA)["pressed"] == []


def test_a_press_whose_webhook_fails_spins_no_longer(house: House) -> None:
    message = send(house, reply_markup=KEYS)
    house.answers["/webhooks/telegram"] = lambda _: Response(status=500)

    house.press(TELEGRAM_ANA, message.message_id, "position")

    eventually(lambda: len(house.shown(TELEGRAM_ANA, "note")), 1)
    eventually(lambda: house.conversation(TELEGRAM_ANA)["pressed"], [])


def test_a_button_that_is_gone_cannot_be_pressed(house: House) -> None:
    message = send(house, reply_markup=KEYS)
    with_bot(house, lambda bot: bot.edit_message_reply_markup(ANA_ID, message.message_id, reply_markup=None))

    assert house.press(TELEGRAM_ANA, message.message_id, "leave").status_code == 409
    assert house.calls == []


def test_a_query_is_answered_once(house: House) -> None:
    async def answer(bot: Bot) -> None:
        await bot.answer_callback_query("123456")

    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        with_bot(house, answer)


# ---- from our client -----------------------------------------------------------------------------------


def test_the_library_knows_its_bot(house: House) -> None:
    me = with_bot(house, lambda bot: bot.get_me())

    assert (me.is_bot, me.username) == (True, "queue_bot")


def test_a_message_of_the_library_shows_with_its_buttons(house: House) -> None:
    message = send(house, "Your turn! <script>", reply_markup=KEYS)

    assert message.text == "Your turn! <script>"
    assert message.chat.id == ANA_ID
    [entry] = house.conversation(TELEGRAM_ANA)["entries"]
    assert (entry["text"], entry["id"]) == ("Your turn! <script>", message.message_id)
    assert [button["label"] for button in entry["buttons"][0]] == ["Position", "Leave"]


def test_an_edit_changes_the_message_in_place(house: House) -> None:
    card = send(house, "You are 3rd", reply_markup=KEYS)

    edited = with_bot(
        house, lambda bot: bot.edit_message_text("You are 2nd", chat_id=ANA_ID, message_id=card.message_id)
    )

    assert isinstance(edited, telegram.Message)
    assert edited.edit_date is not None
    [entry] = house.conversation(TELEGRAM_ANA)["entries"]
    assert (entry["text"], entry["edited"], entry["buttons"]) == ("You are 2nd", True, [])


@pytest.mark.parametrize(("text", "known", "sentence"), [("same", True, "not modified"), ("new", False, "not found")])
def test_an_edit_without_effect_or_without_message_is_refused(
    house: House, text: str, known: bool, sentence: str
) -> None:
    card = send(house, "same")
    message_id = card.message_id if known else 1

    with pytest.raises(BadRequest, match=f"(?i){sentence}"):
        with_bot(house, lambda bot: bot.edit_message_text(text, chat_id=ANA_ID, message_id=message_id))


def test_a_chat_that_is_off_shows_its_messages_later(house: House) -> None:
    house.turn(TELEGRAM_ANA, "off", True)
    send(house, "one")
    send(house, "two")
    assert house.shown(TELEGRAM_ANA) == []
    assert house.write(TELEGRAM_ANA, "hello?").status_code == 409

    house.turn(TELEGRAM_ANA, "off", False)

    assert house.shown(TELEGRAM_ANA) == ["one", "two"]


def test_a_guest_who_blocked_the_bot_is_forbidden_and_the_bot_is_told(house: House) -> None:
    house.turn(TELEGRAM_ANA, "blocked", True)

    with pytest.raises(Forbidden, match="blocked by the user"):
        send(house)
    assert house.write(TELEGRAM_ANA, "hello?").status_code == 409
    house.turn(TELEGRAM_ANA, "blocked", False)
    send(house)

    eventually(lambda: len(updates(house)), 2)
    changes = [update.my_chat_member for update in updates(house)]
    assert [change.new_chat_member.status for change in changes if change] == ["kicked", "member"]
    assert house.shown(TELEGRAM_ANA) == ["Your table is ready"]


def test_a_throttled_chat_says_how_long_to_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    house.turn(TELEGRAM_ANA, "throttled", True)

    with pytest.raises(RetryAfter) as refused:
        send(house)

    assert refused.value.retry_after.total_seconds() == 5  # type: ignore[union-attr]
    send(house, chat_id=JOAO_ID)
    assert house.shown(TELEGRAM_JOAO) == ["Your table is ready"]


def test_a_failing_carrier_is_a_network_error(house: House) -> None:
    house.turn(TELEGRAM_ANA, "failing", True)

    with pytest.raises(NetworkError, match="Internal Server Error"):
        send(house)


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"text": " "}, "text is empty"),
        ({"text": "x" * 4097}, "too long"),
        ({"chat_id": 42}, "chat not found"),
        ({"parse_mode": "HTML"}, "plain text only"),
        ({"reply_markup": InlineKeyboardMarkup.from_button(InlineKeyboardButton("é", callback_data="é" * 33))},
         "BUTTON_DATA_INVALID"),
        ({"reply_markup": InlineKeyboardMarkup.from_button(InlineKeyboardButton("x", url="javascript:alert(1)"))},
         "BUTTON_URL_INVALID"),
    ],
)  # fmt: skip
def test_a_message_that_telegram_would_refuse_is_refused(house: House, details: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){sentence}"):
        send(house, **details)
    assert house.shown(TELEGRAM_ANA) == []


def test_a_wrong_token_is_unauthorized(house: House) -> None:
    with pytest.raises(InvalidToken):
        with_bot(house, lambda bot: bot.get_me(), token="7000000001:another")


def test_an_unknown_method_is_not_found(house: House) -> None:
    answer = house.client.post(f"/telegram/bot{BOT_TOKEN}/sendInvoice", json={"chat_id": ANA_ID})

    assert answer.status_code == 404
    assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


def test_a_json_body_works_as_well_as_a_form(house: House) -> None:
    answer = house.client.post(
        f"/telegram/bot{BOT_TOKEN}/sendMessage",
        json={"chat_id": ANA_ID, "text": "hi", "reply_markup": {"inline_keyboard": []}},
    )

    assert answer.json()["ok"] is True
    assert house.client.post(f"/telegram/bot{BOT_TOKEN}/sendMessage", json=[]).status_code == 400


def test_a_chat_of_an_earlier_run_comes_back_when_written_to(house: House) -> None:
    send(house, chat_id=7001555555)

    assert house.shown("telegram:7001555555") == ["Your table is ready"]


def test_the_bots_menu_is_kept_by_language(house: House) -> None:
    async def set_commands(bot: Bot) -> None:
        await bot.set_my_commands([BotCommand("position", "Where am I?")])
        await bot.set_my_commands([BotCommand("posicao", "Onde estou?")], language_code="pt")

    with_bot(house, set_commands)

    menus = house.client.get("/places").json()["menus"]
    assert menus["pt"] == [{"command": "posicao", "description": "Onde estou?"}]
    assert menus[""][0]["command"] == "position"


def test_a_webhook_set_by_the_library_gets_only_the_updates_it_asked_for(house: House) -> None:
    async def set_webhook(bot: Bot, secret: str) -> None:
        await bot.set_webhook(
            f"{PUBLIC_URL}/webhooks/telegram", secret_token=secret, allowed_updates=["message", "callback_query"]
        )

    with_bot(house, lambda bot: set_webhook(bot, "another"))
    house.turn(TELEGRAM_ANA, "blocked", True)
    house.turn(TELEGRAM_ANA, "blocked", False)
    house.write(TELEGRAM_ANA, "JOIN")

    eventually(lambda: house.refused, ["/webhooks/telegram"] * 3)
    with_bot(house, lambda bot: set_webhook(bot, "made-up-webhook-secret"))
    house.write(TELEGRAM_ANA, "JOIN")
    eventually(lambda: [update.message.text for update in updates(house) if update.message], ["JOIN"])


def test_a_webhook_elsewhere_is_never_called(house: House) -> None:
    with pytest.raises(BadRequest, match=r"(?i)bad webhook"):
        with_bot(house, lambda bot: bot.set_webhook("https://elsewhere.example/"))


def test_without_the_telegram_half_there_is_neither_api_nor_chat() -> None:
    with House(telegram=False).serving() as house:
        assert house.client.post(f"/telegram/bot{BOT_TOKEN}/getMe").status_code == 404
        assert {known["channel"] for known in house.state()["changed"]} == {"sms", "whatsapp"}
        new = {"channel": "telegram", "name": "Dora", "language": "en"}
        assert house.client.post("/conversations", json=new).status_code == 409
