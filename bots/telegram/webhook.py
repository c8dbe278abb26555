"""Telegram's webhook: an update comes in, and one method of the Bot API is the answer (https://core.telegram.org/bots/api).

What is answered 200 does not come again; anything else does, for a day, and the guest's next messages wait for it.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from telegram import CallbackQuery, Chat, LinkPreviewOptions, Update
from telegram import Message as TelegramMessage
from telegram.constants import CallbackQueryLimit, ChatMemberStatus, ChatType, MessageLimit

from bots.channels import Answer, WebhookAnswer, header, shortened
from bots.messages import Message, Reply
from bots.telegram.keyboards import keyboard

UPDATES = ("message", "callback_query", "my_chat_member")
"""The kinds of update that we read; of the rest, the library need not know the newest shape."""

LARGEST_BODY = 1024 * 1024

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""For a preview, Telegram's servers would open the link to the guest's page, which is the guest's alone."""

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What the library raises for values of other types than the Bot API's."""


class TelegramWebhook:
    """The webhook of one bot.

    secret: what was given to setWebhook as secret_token.
    answer: the conversation; called for every text and press in a private chat, on the caller's thread. What it
        raises passes through.
    blocked: told an address, True when its guest has blocked the bot or False when that is taken back, and the
        update's id, which is the key against repeats.
    """

    def __init__(self, secret: str, answer: Answer, *, blocked: Callable[[str, bool, str], None]) -> None:
        if not secret:
            raise ValueError("The webhook's secret is empty: anybody could send updates")
        self._secret = secret.encode()
        self._answer = answer
        self._blocked = blocked

    def handle(self, path_and_query: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Answer an update: 200 with a method or nothing, 403 to a wrong secret, 400 to what is no update."""
        secret = header(headers, "X-Telegram-Bot-Api-Secret-Token") or ""
        if not hmac.compare_digest(secret.encode(), self._secret):
            return WebhookAnswer(403, body=b"X-Telegram-Bot-Api-Secret-Token is missing or wrong.")
        if len(body) > LARGEST_BODY:
            return WebhookAnswer(400, body=b"The update is larger than 1 MB.")
        try:
            update = _update(body)
            message = message_in(update)
            block = block_in(update)
        except _UNREADABLE:
            return WebhookAnswer(400, body=b"This is not an update of the Bot API.")
        if block is not None:
            self._blocked(*block, str(update.update_id))
        reply = Reply(None) if message is None else self._answer(message)
        return _method(_answer_to(update, reply))


def message_in(update: Update) -> Message | None:
    """What the guest said or pressed in a private chat; None for every other update.

    Edited messages are not said again. Groups and channels are not where a guest waits: there, several people
    would share one place, and the bot would speak into their talk. Other bots could answer us for ever.
    """
    if update.message is not None:
        return _said(update.update_id, update.message)
    if update.callback_query is not None:
        return _pressed(update.update_id, update.callback_query)
    return None


def block_in(update: Update) -> tuple[str, bool] | None:
    """Whose chat it is, and whether the guest has blocked the bot or let it in again; None for other updates."""
    change = update.my_chat_member
    if change is None or change.chat.type != ChatType.PRIVATE:
        return None
    return _address(change.chat), change.new_chat_member.status == ChatMemberStatus.BANNED


def _said(update_id: int, said: TelegramMessage) -> Message | None:
    sender = said.from_user
    if said.chat.type != ChatType.PRIVATE or sender is None or sender.is_bot:
        return None
    return Message(
        channel="telegram",
        address=_address(said.chat),
        carrier_id=str(update_id),
        # A sticker, a voice message or a place is a text without words.
        text=_clean(said.text or said.caption) or "",
        language=_clean(sender.language_code),
        name=_clean(sender.first_name),
    )


def _pressed(update_id: int, press: CallbackQuery) -> Message | None:
    if press.message is None or press.message.chat.type != ChatType.PRIVATE or not press.data:
        return None
    return Message(
        channel="telegram",
        address=_address(press.message.chat),
        carrier_id=str(update_id),
        text="",
        button=_clean(press.data),
        language=_clean(press.from_user.language_code),
        name=_clean(press.from_user.first_name),
    )


def _update(body: bytes) -> Update:
    data = json.loads(body)
    # bool is an int to Python, and the library checks no types.
    if not isinstance(data, dict) or type(data.get("update_id")) is not int:
        raise ValueError("no update_id")
    return Update.de_json({name: value for name, value in data.items() if name == "update_id" or name in UPDATES})


def _address(chat: Chat) -> str:
    # The Bot API promises 52 bits; JSON promises nothing.
    if type(chat.id) is not int or abs(chat.id) >= 2**63:
        raise TypeError(chat.id)
    return str(chat.id)


def _clean(value: object) -> str | None:
    """The text without half characters, which JSON can express and no database or carrier takes."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(value)
    return value.encode("utf-8", "replace").decode()


def _answer_to(update: Update, reply: Reply) -> dict[str, Any] | None:
    if update.callback_query is not None:
        # Also without anything to say: the button spins until it is answered.
        return _callback_answer(update.callback_query, reply)
    if update.message is not None and reply.text:
        return _text_answer(update.message, reply)
    return None


def _text_answer(said: TelegramMessage, reply: Reply) -> dict[str, Any]:
    buttons = keyboard(reply.buttons)
    return {
        "method": "sendMessage",
        "chat_id": said.chat.id,
        "text": shortened(reply.text or "", MessageLimit.MAX_TEXT_LENGTH),
        "link_preview_options": NO_PREVIEW.to_dict(),
        **({"reply_markup": buttons.to_dict()} if buttons else {}),
    }


def _callback_answer(press: CallbackQuery, reply: Reply) -> dict[str, Any]:
    """An alert over the chat. It has no buttons, so those of the reply are left out."""
    text = shortened(reply.text or "", CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
    return {
        "method": "answerCallbackQuery",
        "callback_query_id": press.id,
        **({"text": text, "show_alert": True} if text else {}),
    }


def _method(call: dict[str, Any] | None) -> WebhookAnswer:
    if call is None:
        return WebhookAnswer(200)
    return WebhookAnswer(200, "application/json", json.dumps(call).encode())
