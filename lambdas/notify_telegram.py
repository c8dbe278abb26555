"""Tells guests on Telegram: the queue of the channel telegram."""

from functools import cache
from typing import Any

from bots.telegram.sender import TelegramSender
from core.settings import TELEGRAM_API_URL
from lambdas.batches import each
from lambdas.notices import Teller
from lambdas.watching import watched
from lambdas.wiring import parts


@cache
def teller() -> Teller:
    """The container's own. Raises SettingsError."""
    here = parts()
    telegram = here.settings.telegram
    return Teller(here, {"telegram": TelegramSender(telegram.bot_token, api_url=telegram.api_url or TELEGRAM_API_URL)})


@watched
def handle(event: dict[str, Any], context: Any) -> Any:
    """Send what is due; answers which messages failed."""
    return each(event, context, teller().tell)
