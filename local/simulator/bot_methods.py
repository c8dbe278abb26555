"""What the Telegram bot may do: the Bot API's methods, carried out on the simulated chats.

Shapes, limits and errors follow https://core.telegram.org/bots/api.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, Field, Json, ValidationError

from local.simulator.settings import SimulatorSettings
from local.simulator.state import Button, Conversation, Entry, Full, Gone, Popup, State

# Chats that an earlier run of the simulator made still stand in the database: they come back when written to.
OWN_CHATS = range(7_001_000_000, 7_002_000_000)
BOT_ID = 7_000_000_001
LONGEST_TEXT = 4096
LONGEST_BUTTON_DATA = 64
LONGEST_CALLBACK_ANSWER = 200
RETRY_AFTER_SECONDS = 5


class BotError(Exception):
    """An error of the API: its code is also the HTTP status."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.retry_after = retry_after


class InlineButton(BaseModel):
    text: str = Field(min_length=1)
    callback_data: str | None = None
    url: str | None = None


class Keyboard(BaseModel):
    inline_keyboard: list[list[InlineButton]]


class SendMessage(BaseModel):
    chat_id: int
    text: str
    parse_mode: str | None = None
    reply_markup: Json[Keyboard] | Keyboard | None = None


class EditMessageText(SendMessage):
    message_id: int


class EditMessageReplyMarkup(BaseModel):
    chat_id: int
    message_id: int
    reply_markup: Json[Keyboard] | Keyboard | None = None


class AnswerCallbackQuery(BaseModel):
    callback_query_id: str
    text: str = ""
    show_alert: bool = False


class BotCommand(BaseModel):
    command: str = Field(pattern=r"^[a-z0-9_]{1,32}$")
    description: str = Field(min_length=1, max_length=256)


class SetMyCommands(BaseModel):
    commands: Json[list[BotCommand]] | list[BotCommand]
    language_code: str = Field("", pattern=r"^([a-z]{2})?$")


class SetWebhook(BaseModel):
    url: str
    secret_token: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,256}$")
    allowed_updates: Json[list[str]] | list[str] | None = None


class BotMethods:
    """Carries methods out, for the API's endpoint and for what the webhook answers."""

    def __init__(self, settings: SimulatorSettings, state: State) -> None:
        self._settings = settings
        self._state = state
        self.webhook_url = settings.public_url.rstrip("/") + "/webhooks/telegram"
        self.secret_token = settings.telegram_webhook_secret
        self.allowed_updates: list[str] = []  # empty: all that a chat with a bot brings
        self.commands: dict[str, list[BotCommand]] = {}  # by language, "" for all others
        self._methods: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "getme": self._get_me,
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message_text,
            "editmessagereplymarkup": self._edit_message_reply_markup,
            "answercallbackquery": self._answer_callback_query,
            "setmycommands": self._set_my_commands,
            "setwebhook": self._set_webhook,
        }

    def call(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """The method's result, ready for JSON; names in any case, as Telegram takes them. Raises BotError."""
        carry_out = self._methods.get(method.lower())
        if carry_out is None:
            raise BotError(404, "Not Found")
        try:
            return carry_out(parameters)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise BotError(400, f"Bad Request: {where}: {fault['msg']}") from error

    def refuse_if_switched(self, parameters: Mapping[str, Any]) -> None:
        """Raises the BotError that a switch of the chat asks for on calls of the API."""
        chat_id = str(parameters.get("chat_id", ""))
        try:
            switches = self._state.conversation(f"telegram:{chat_id}").switches
        except Gone:
            return
        if "throttled" in switches:
            raise BotError(
                429, f"Too Many Requests: retry after {RETRY_AFTER_SECONDS}", retry_after=RETRY_AFTER_SECONDS
            )
        if "failing" in switches:
            raise BotError(500, "Internal Server Error")

    def bot_user(self) -> dict[str, Any]:
        """The bot itself, as messages name it."""
        return {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Queue",
            "username": self._settings.telegram_bot_name,
        }

    def message(self, conversation: Conversation, entry: Entry) -> dict[str, Any]:
        """A bubble as Telegram's Message object."""
        bot = entry.side == "line"
        message: dict[str, Any] = {
            "message_id": entry.id,
            "date": int(entry.at.timestamp()),
            "chat": chat(conversation),
            "from": self.bot_user() if bot else user(conversation),
            "text": entry.text,
        }
        if entry.edited_at:
            message["edit_date"] = int(entry.edited_at.timestamp())
        if entry.buttons:
            rows = [
                [
                    {"text": button.label, "url": button.url}
                    if button.url
                    else {"text": button.label, "callback_data": button.data}
                    for button in row
                ]
                for row in entry.buttons
            ]
            message["reply_markup"] = {"inline_keyboard": rows}
        return message

    def _get_me(self, _parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self.bot_user() | {
            "can_join_groups": False,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def _send_message(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        call = SendMessage.model_validate(parameters)
        text = _text(call)
        buttons = _buttons(call.reply_markup)
        conversation = self._chat(call.chat_id)
        entry = self._state.add_entry(
            conversation.id, "line", text, buttons=buttons, held="off" in conversation.switches
        )
        return self.message(conversation, entry)

    def _edit_message_text(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        call = EditMessageText.model_validate(parameters)
        return self._edit(call.chat_id, call.message_id, _text(call), _buttons(call.reply_markup))

    def _edit_message_reply_markup(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        call = EditMessageReplyMarkup.model_validate(parameters)
        return self._edit(call.chat_id, call.message_id, None, _buttons(call.reply_markup))

    def _edit(self, chat_id: int, message_id: int, text: str | None, buttons: list[list[Button]]) -> dict[str, Any]:
        with self._state.changing(self._chat(chat_id).id) as conversation:
            entry = conversation.entry(message_id)
            if entry is None or entry.side != "line":
                raise BotError(400, "Bad Request: message to edit not found")
            if (text is None or entry.text == text) and entry.buttons == buttons:
                raise BotError(
                    400,
                    "Bad Request: message is not modified: specified new message content and reply markup "
                    "are exactly the same as a current content and reply markup of the message",
                )
            entry.text = entry.text if text is None else text
            entry.buttons = buttons
            entry.edited_at = self._state.now()
            return self.message(conversation, entry)

    def _answer_callback_query(self, parameters: Mapping[str, Any]) -> bool:
        call = AnswerCallbackQuery.model_validate(parameters)
        if len(call.text) > LONGEST_CALLBACK_ANSWER:
            raise BotError(400, "Bad Request: MESSAGE_TOO_LONG")
        conversation_id = self._state.asked_in(call.callback_query_id)
        if conversation_id is None:
            raise BotError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        with self._state.changing(conversation_id) as conversation:
            conversation.pressed.pop(call.callback_query_id, None)
            if call.text:
                conversation.popup = Popup(self._state.next_id(), call.text, call.show_alert)
        return True

    def _set_my_commands(self, parameters: Mapping[str, Any]) -> bool:
        call = SetMyCommands.model_validate(parameters)
        self.commands[call.language_code] = list(call.commands)
        return True

    def _set_webhook(self, parameters: Mapping[str, Any]) -> bool:
        call = SetWebhook.model_validate(parameters)
        if not self._settings.reachable(call.url):
            raise BotError(400, "Bad Request: bad webhook: the simulator calls this server's own URLs only")
        self.webhook_url = call.url
        self.secret_token = call.secret_token or ""
        if call.allowed_updates is not None:
            self.allowed_updates = list(call.allowed_updates)
        return True

    def _chat(self, chat_id: int) -> Conversation:
        """The chat that may be written to. Raises BotError."""
        try:
            conversation = self._state.conversation(f"telegram:{chat_id}")
        except Gone:
            conversation = self._come_back(chat_id)
        if "blocked" in conversation.switches:
            raise BotError(403, "Forbidden: bot was blocked by the user")
        return conversation

    def _come_back(self, chat_id: int) -> Conversation:
        if chat_id not in OWN_CHATS:
            raise BotError(400, "Bad Request: chat not found")
        try:
            name = f"Chat {chat_id}"
            conversation_id = self._state.add_conversation("telegram", str(chat_id), name, "en", added_by_hand=False)
        except Full:
            raise BotError(400, "Bad Request: chat not found") from None
        return self._state.conversation(conversation_id)


def user(conversation: Conversation) -> dict[str, Any]:
    """The guest as Telegram's User object."""
    guest: dict[str, Any] = {
        "id": int(conversation.address),
        "is_bot": False,
        "first_name": conversation.name,
    }
    return guest | ({"language_code": conversation.language} if conversation.language else {})


def chat(conversation: Conversation) -> dict[str, Any]:
    """The chat with the guest as Telegram's Chat object."""
    return {"id": int(conversation.address), "first_name": conversation.name, "type": "private"}


def _text(call: SendMessage) -> str:
    if call.parse_mode:
        raise BotError(400, "Bad Request: the simulator shows plain text only, without parse_mode")
    if not call.text.strip():
        raise BotError(400, "Bad Request: message text is empty")
    if len(call.text) > LONGEST_TEXT:
        raise BotError(400, "Bad Request: message is too long")
    return call.text


def _buttons(keyboard: Keyboard | None) -> list[list[Button]]:
    rows = keyboard.inline_keyboard if keyboard else []
    for button in (button for row in rows for button in row):
        if bool(button.url) == (button.callback_data is not None):
            raise BotError(400, "Bad Request: a button has either callback_data or url")
        if button.callback_data is not None:
            size = len(button.callback_data.encode())
            if not 1 <= size <= LONGEST_BUTTON_DATA:
                raise BotError(400, "Bad Request: BUTTON_DATA_INVALID")
        elif not re.match(r"(?:https?|tg)://", button.url or ""):
            raise BotError(400, "Bad Request: BUTTON_URL_INVALID")
    return [[Button(button.text, button.callback_data, button.url) for button in row] for row in rows if row]
