"""Telegram's webhook: an update comes in, and one method of the Bot API is the answer (https://core.telegram.org/bots/api).

What is answered 200 does not come again; anything else does, for a day, and the guest's next messages wait for it.

The few fields that matter are read as they come: the carrier's library would be a third of a function's start.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bots.channels import Answer, WebhookAnswer, header, shortened
from bots.messages import Message, Reply
from bots.telegram.keyboards import keyboard

UPDATES = ("message", "callback_query", "my_chat_member")
"""The kinds of update that we read."""

LARGEST_BODY = 1024 * 1024

LONGEST_TEXT, LONGEST_ALERT = 4096, 200

NO_PREVIEW = {"is_disabled": True}
"""For a preview, Telegram's servers would open the link to the guest's page, which is the guest's alone."""

_UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading raises for values of other types than the Bot API's."""


@dataclass(frozen=True, slots=True)
class _Update:
    """What concerns us of an update.

    message: what the guest said or pressed in a private chat. press: the id of a button's press, which has to be
    answered. block: whose chat it is, and whether the guest has blocked the bot or let it in again.
    """

    id: str
    message: Message | None
    press: str | None
    block: tuple[str, bool] | None


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
        except _UNREADABLE:
            return WebhookAnswer(400, body=b"This is not an update of the Bot API.")
        if update.block is not None:
            self._blocked(*update.block, update.id)
        reply = Reply(None) if update.message is None else self._answer(update.message)
        return _method(_answer_to(update, reply))


def _update(body: bytes) -> _Update:
    """Raises one of _UNREADABLE.

    Edited messages are not said again. Groups and channels are not where a guest waits: there, several people
    would share one place, and the bot would speak into their talk. Other bots could answer us for ever.
    """
    data = json.loads(body)
    # bool is an int to Python.
    if type(data["update_id"]) is not int:
        raise TypeError(data["update_id"])
    update_id = str(data["update_id"])
    said, press, change = (data.get(kind) for kind in UPDATES)
    message = None
    if said is not None:
        message = _said(update_id, said)
    elif press is not None:
        message = _pressed(update_id, press)
    return _Update(
        update_id,
        message,
        None if press is None else _id_of(press),
        None if change is None else _block(change),
    )


def _said(update_id: str, said: dict[str, Any]) -> Message | None:
    sender = said.get("from")
    if not _is_private(said["chat"]) or sender is None or sender["is_bot"]:
        return None
    return Message(
        channel="telegram",
        address=_address(said["chat"]),
        carrier_id=update_id,
        # A sticker, a voice message or a place is a text without words.
        text=_clean(said.get("text") or said.get("caption")) or "",
        language=_clean(sender.get("language_code")),
        name=_clean(sender["first_name"]),
    )


def _pressed(update_id: str, press: dict[str, Any]) -> Message | None:
    sender, card, data = press["from"], press.get("message"), _clean(press.get("data"))
    language, name = _clean(sender.get("language_code")), _clean(sender["first_name"])
    if card is None or not _is_private(card["chat"]) or not data:
        return None
    return Message(
        channel="telegram",
        address=_address(card["chat"]),
        carrier_id=update_id,
        text="",
        button=data,
        language=language,
        name=name,
    )


def _id_of(press: dict[str, Any]) -> str:
    if type(press["id"]) is not str:
        raise TypeError(press["id"])
    return press["id"]


def _block(change: dict[str, Any]) -> tuple[str, bool] | None:
    if not _is_private(change["chat"]):
        return None
    return _address(change["chat"]), change["new_chat_member"]["status"] == "kicked"


def _is_private(chat: dict[str, Any]) -> bool:
    return bool(chat["type"] == "private")


def _address(chat: dict[str, Any]) -> str:
    # The Bot API promises 52 bits; JSON promises nothing.
    if type(chat["id"]) is not int or abs(chat["id"]) >= 2**63:
        raise TypeError(chat["id"])
    return str(chat["id"])


def _clean(value: object) -> str | None:
    """The text without half characters, which JSON can express and no database or carrier takes."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(value)
    return value.encode("utf-8", "replace").decode()


def _answer_to(update: _Update, reply: Reply) -> dict[str, Any] | None:
    if update.press is not None:
        # Also without anything to say: the button spins until it is answered.
        return _alert(update.press, reply)
    if update.message is not None and reply.text:
        return _text(update.message, reply)
    return None


def _text(said: Message, reply: Reply) -> dict[str, Any]:
    buttons = keyboard(reply.buttons)
    return {
        "method": "sendMessage",
        "chat_id": int(said.address),
        "text": shortened(reply.text or "", LONGEST_TEXT),
        "link_preview_options": NO_PREVIEW,
        **({"reply_markup": buttons} if buttons else {}),
    }


def _alert(press: str, reply: Reply) -> dict[str, Any]:
    """An alert over the chat. It has no buttons, so those of the reply are left out."""
    text = shortened(reply.text or "", LONGEST_ALERT)
    return {
        "method": "answerCallbackQuery",
        "callback_query_id": press,
        **({"text": text, "show_alert": True} if text else {}),
    }


def _method(call: dict[str, Any] | None) -> WebhookAnswer:
    if call is None:
        return WebhookAnswer(200)
    return WebhookAnswer(200, "application/json", json.dumps(call).encode())
