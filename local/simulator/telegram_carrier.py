"""Telegram's network: carries what is typed and pressed in the chats to the webhook, and its answer back."""

import asyncio
import re
import secrets
from collections import defaultdict
from typing import Any

import httpx

from local.simulator.bot_methods import LONGEST_TEXT, BotError, BotMethods, chat, user
from local.simulator.network import Busy, Network
from local.simulator.state import Conversation, Impossible, State

TRIES = 3
COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(?!\S)")
MOST_WAITING_PRESSES = 20


class TelegramCarrier:
    """From the guest to the bot. The public methods answer at once; the way takes its time."""

    def __init__(self, state: State, network: Network, methods: BotMethods) -> None:
        self._state = state
        self._network = network
        self._methods = methods
        self._update_id = secrets.randbelow(1_000_000_000) + 1
        # Only touched on the network's loop: one update of a chat at a time, first come, first served.
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def text(self, conversation_id: str, text: str) -> None:
        """The guest writes to the bot. Raises Gone, Impossible."""
        if len(text) > LONGEST_TEXT:
            raise Impossible(f"A message has at most {LONGEST_TEXT} characters.")
        self._check(conversation_id)
        entry = self._state.add_entry(conversation_id, "guest", text, status="sending")
        conversation = self._state.conversation(conversation_id)
        message = self._methods.message(conversation, entry)
        command = COMMAND.match(text)
        if command:
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": command.end()}]
        try:
            self._network.start(self._bring(conversation_id, {"message": message}, entry.id))
        except Busy:
            self._state.mark(conversation_id, entry.id, "failed")
            raise Impossible("Too many messages are under way.") from None

    def press(self, conversation_id: str, message_id: int, data: str) -> None:
        """The guest presses a button. Raises Gone, Impossible."""
        self._check(conversation_id)
        with self._state.changing(conversation_id) as conversation:
            entry = conversation.entry(message_id)
            if entry is None or all(button.data != data for row in entry.buttons for button in row):
                raise Impossible("This button is not there any more.")
            if len(conversation.pressed) >= MOST_WAITING_PRESSES:
                raise Impossible("Too many presses wait for their answer.")
            query_id = str(secrets.randbits(62))
            conversation.pressed[query_id] = message_id
            query = {
                "id": query_id,
                "from": user(conversation),
                "message": self._methods.message(conversation, entry),
                "chat_instance": conversation.address,
                "data": data,
            }
        try:
            self._network.start(self._bring(conversation_id, {"callback_query": query}, None))
        except Busy:
            raise Impossible("Too many messages are under way.") from None

    def block(self, conversation_id: str, blocked: bool) -> None:
        """Tells the bot that the guest blocked it, or lifted the block. Raises Gone, Busy."""
        conversation = self._state.conversation(conversation_id)
        states = [self._membership("member"), self._membership("kicked")]
        change = {
            "chat": chat(conversation),
            "from": user(conversation),
            "date": int(self._state.now().timestamp()),
            "old_chat_member": states[not blocked],
            "new_chat_member": states[blocked],
        }
        self._network.start(self._bring(conversation_id, {"my_chat_member": change}, None))

    def _check(self, conversation_id: str) -> None:
        if self._state.switched(conversation_id, "off"):
            raise Impossible("This phone is off.")
        if self._state.switched(conversation_id, "blocked"):
            raise Impossible("This guest has blocked the bot.")

    def _membership(self, status: str) -> dict[str, Any]:
        membership: dict[str, Any] = {"user": self._methods.bot_user(), "status": status}
        return membership | ({"until_date": 0} if status == "kicked" else {})

    async def _bring(self, conversation_id: str, content: dict[str, Any], entry_id: int | None) -> None:
        """Brings an update, a few times if need be (Telegram goes on for a day); carries out the answer."""
        allowed = self._methods.allowed_updates
        if allowed and not content.keys() <= set(allowed):
            return  # setWebhook left this kind of update out
        self._update_id += 1
        update = {"update_id": self._update_id, **content}
        async with self._turns[conversation_id]:
            conversation = self._state.conversation(conversation_id)
            response = await self._call(conversation, update)
            if entry_id is not None:
                self._state.mark(conversation_id, entry_id, "sent" if response else "failed")
            if response:
                self._carry_out(conversation, response)
            self._forget_press(conversation_id, content, answered=response is not None)

    async def _call(self, conversation: Conversation, update: dict[str, Any]) -> httpx.Response | None:
        headers = (
            {"X-Telegram-Bot-Api-Secret-Token": self._methods.secret_token} if (self._methods.secret_token) else {}
        )
        trouble = ""
        for one in range(TRIES):
            await self._network.pause(one * 2)
            try:
                response = await self._network.post(self._methods.webhook_url, headers, json=update)
            except httpx.HTTPError as error:
                trouble = f"gave no answer ({type(error).__name__})"
                continue
            if response.is_success:
                return response
            trouble = f"answered {response.status_code}"
        self._state.add_entry(
            conversation.id, "note", f"The webhook {trouble}, {TRIES} times. (Telegram tries for a day.)"
        )
        return None

    def _carry_out(self, conversation: Conversation, response: httpx.Response) -> None:
        """Does what the webhook's answer asks for. Telegram drops an error silently: the page shows it."""
        if not response.content.strip():
            return
        try:
            answer = response.json()
        except ValueError:
            return  # any text is a fine answer, and asks for nothing
        if not isinstance(answer, dict) or "method" not in answer:
            return
        try:
            self._methods.call(str(answer["method"]), answer)
        except BotError as error:
            note = f"Error {error.code} to the webhook's answer: {error}."
            self._state.add_entry(conversation.id, "note", note)

    def _forget_press(self, conversation_id: str, content: dict[str, Any], answered: bool) -> None:
        """A press not answered at once may be answered by a call; one that was lost spins no longer."""
        query = content.get("callback_query")
        if query and not answered:
            with self._state.changing(conversation_id) as conversation:
                conversation.pressed.pop(query["id"], None)
