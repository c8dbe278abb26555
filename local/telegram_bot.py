"""The bot's user name, which its links start with."""

import httpx
import structlog

from core.settings import TELEGRAM_API_URL, Settings

TIMEOUT_SECONDS = 5.0

log = structlog.get_logger(__name__)


def bot_name(settings: Settings) -> str | None:
    """TELEGRAM_BOT_NAME, or what Telegram calls the bot; None where nobody knows now, or there is none."""
    telegram = settings.telegram
    if not telegram.connected or telegram.bot_name:
        return telegram.bot_name
    url = f"{telegram.api_url or TELEGRAM_API_URL}/bot{telegram.bot_token}/getMe"
    try:
        answer = httpx.post(url, timeout=TIMEOUT_SECONDS)
        return str(answer.raise_for_status().json()["result"]["username"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        log.warning("telegram did not say the bot's name: links to it are left out", error=str(error))
        return None
