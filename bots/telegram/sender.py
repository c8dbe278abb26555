"""Sends messages through python-telegram-bot.

The library is heavy: import this module where messages are sent only, not in a webhook.
"""

import asyncio
import logging
import os
from datetime import timedelta
from threading import Thread

from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bots.channels import Outgoing, Refused, Retry, SendError, Throttled, Unreachable, shortened
from bots.telegram.keyboards import keyboard
from bots.telegram.webhook import LONGEST_TEXT, NO_PREVIEW

CONNECTIONS = 8

PAUSE = 5.0
"""Seconds to wait when Telegram says "too many" without saying for how long."""

# Otherwise the library warns each time that RetryAfter.retry_after is read.
os.environ.setdefault("PTB_TIMEDELTA", "1")

# These write the URL of every request, and with it the bot's token.
for _name in ("httpx", "httpcore", "telegram"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class TelegramSender:
    """A `Sender` for the channel "telegram", for any number of threads.

    The library is asynchronous and its connections belong to one event loop: so there is one, in a thread of its
    own, for as long as this object lives. `close` ends it.

    api_url: where the Bot API is ("https://api.telegram.org", "http://127.0.0.1:8000/simulator/telegram").
    timeout: seconds that a call may take in all.
    """

    def __init__(self, token: str, *, api_url: str, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._http = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            connect_timeout=timeout,
            read_timeout=timeout,
            write_timeout=timeout,
            pool_timeout=timeout,
        )
        base_url = api_url.rstrip("/") + "/bot"
        self._bot = Bot(token, base_url=base_url, request=self._http, get_updates_request=self._http)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="telegram", daemon=True)
        self._thread.start()

    def send(self, outgoing: Outgoing) -> str:
        """Send a message, and return its message_id; raises a SendError.

        A `Retry` after a time-out may mean that Telegram has sent it and its yes was lost: the guest then gets it
        twice, which is better than not at all.
        """
        return asyncio.run_coroutine_threadsafe(self._send(outgoing), self._loop).result()

    def close(self) -> None:
        """Close the connections and end the thread. Nothing can be sent afterwards."""
        asyncio.run_coroutine_threadsafe(self._http.shutdown(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _send(self, outgoing: Outgoing) -> str:
        buttons = keyboard(outgoing.buttons)
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._bot.send_message(
                    chat_id=outgoing.address,
                    text=shortened(outgoing.text, LONGEST_TEXT),
                    reply_markup=None if buttons is None else InlineKeyboardMarkup.de_json(buttons),
                    link_preview_options=LinkPreviewOptions.de_json(NO_PREVIEW),
                )
                return str(message.message_id)
        except TelegramError as error:
            raise error_for(error) from error
        except TimeoutError as error:
            raise error_for(TimedOut()) from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # The library takes any yes for a message in JSON.
            raise Retry("no-answer", "Telegram's answer could not be read.") from error


def error_for(error: TelegramError) -> SendError:
    """The send error that an error of the library's means."""
    match error:
        case RetryAfter():
            wait = error.retry_after
            seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
            return Throttled("too-many-requests", "Telegram takes no more messages for the moment.", seconds)
        case ChatMigrated():
            return Refused("chat-migrated", "This chat has become a group with another id.")
        case Forbidden():
            return Unreachable("forbidden", "The guest has blocked the bot, or left Telegram.")
        case InvalidToken():
            # For the operator to mend: what is not sent by then rests as a dead letter.
            return Retry("bad-token", "Telegram does not accept the bot's token: check TELEGRAM_BOT_TOKEN.")
        case BadRequest() if any(text in error.message.lower() for text in _NO_SUCH_CHAT):
            return Unreachable("chat-not-found", "Telegram knows no such chat.")
        case BadRequest():
            # Before NetworkError, which is its base class: a bad request is as bad the next time.
            return Refused("bad-request", f"Telegram refused the message: {error.message}.")
        case TimedOut():
            return Retry("timeout", "Telegram did not answer in time.")
        case NetworkError() if "too many requests" in error.message.lower():
            return Throttled("too-many-requests", "Telegram takes no more messages for the moment.", PAUSE)
        case NetworkError():
            return Retry("no-connection", "Telegram could not be reached, or has trouble of its own.")
    return Retry("no-answer", "Telegram's answer could not be read.")


_NO_SUCH_CHAT = ("chat not found", "user not found", "peer_id_invalid")
