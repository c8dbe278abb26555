"""Telegram's webhook: POST /webhooks/telegram."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from bots.telegram.webhook import TelegramWebhook
from lambdas.guests import conversation, reports
from lambdas.http import answered
from lambdas.watching import watched
from lambdas.wiring import parts


@cache
def webhook() -> TelegramWebhook:
    """The container's own. Raises SettingsError."""
    secret = parts().settings.telegram.webhook_secret
    return TelegramWebhook(secret, conversation().answer, blocked=reports().telegram_blocked)


@watched
def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer an update with a method of the Bot API, or with nothing."""
    return answered(event, webhook().handle)
