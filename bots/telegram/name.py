"""The bot's user name, which its links start with."""

import httpx
import structlog

from core.settings import TELEGRAM_API_URL

TIMEOUT_SECONDS = 5.0

log = structlog.get_logger(__name__)


def bot_name(token: str, api_url: str | None = None) -> str | None:
    """What Telegram calls the bot of this token; None where it does not say. `api_url` is None for Telegram's own."""
    try:
        answer = httpx.post(f"{api_url or TELEGRAM_API_URL}/bot{token}/getMe", timeout=TIMEOUT_SECONDS)
        return str(answer.raise_for_status().json()["result"]["username"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        log.warning("telegram did not say the bot's name: links to it are left out", error=type(error).__name__)
        return None
