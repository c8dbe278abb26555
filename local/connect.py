"""Tells the carriers with real credentials where this server is, so that they call its webhooks."""

import asyncio
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from requests import RequestException
from telegram import Bot, BotCommand
from telegram.error import InvalidToken, TelegramError
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bots.telegram.webhook import UPDATES
from core.settings import TELEGRAM_API_URL, Settings, Telegram, Twilio
from local.application import Parts

TIMEOUT_SECONDS = 15.0
# Try three times when the connection fails, the answer does not come, or is a 5xx: by default a text is lost.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
TRY_AGAIN = "#rc=3&rp=ct,rt,5xx"
# Telegram knows two letters here; the first menu is for everybody whose language has none.
MENUS = {
    "": {
        "join": "Get in line",
        "position": "Where am I in line?",
        "leave": "Leave the line",
        "help": "What I understand",
        "language": "Change the language",
    },
    "pt": {
        "join": "Entrar na fila",
        "position": "Qual é o meu lugar na fila?",
        "leave": "Sair da fila",
        "help": "O que eu entendo",
        "language": "Mudar o idioma",
    },
    "es": {
        "join": "Entrar en la fila",
        "position": "¿Qué lugar tengo en la fila?",
        "leave": "Salir de la fila",
        "help": "Lo que entiendo",
        "language": "Cambiar el idioma",
    },
}


class CannotConnect(Exception):
    """A carrier was not told, or there is none to tell; the sentence says why."""


def connect_carriers(parts: Parts) -> Iterator[str]:
    """Connect the carriers that have credentials, one after the other; a sentence on each. Raises CannotConnect."""
    settings = parts.settings
    if not settings.twilio.connected and not settings.telegram.connected:
        raise CannotConnect(
            "No carrier has credentials: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TELEGRAM_BOT_TOKEN."
        )
    if urlsplit(settings.public_url).scheme != "https":
        raise CannotConnect(
            f"Carriers can't reach {settings.public_url}: set PUBLIC_URL to the https address of the tunnel or proxy."
        )
    if settings.twilio.connected:
        with parts.records.reading() as tx:
            numbers = dict(tx.venues.numbers())
        yield from _connect_twilio(settings, settings.twilio, list(numbers))
    if settings.telegram.connected:
        yield asyncio.run(_connect_telegram(settings, settings.telegram))


def _connect_twilio(settings: Settings, twilio: Twilio, numbers: Sequence[str]) -> Iterator[str]:
    """Point each venue's number at our webhook, with three tries and itself as the fallback."""
    client = Client(twilio.account_sid, twilio.auth_token, http_client=TwilioHttpClient(timeout=TIMEOUT_SECONDS))
    if twilio.api_url:
        client.api.base_url = twilio.api_url
    webhook = f"{settings.public_url}/webhooks/sms{TRY_AGAIN}"
    try:
        owned = {str(number.phone_number): number for number in client.incoming_phone_numbers.list()}
        for number in numbers:
            if number not in owned:
                yield f"Twilio: {number} is not a number of this account."
                continue
            owned[number].update(
                sms_url=webhook, sms_method="POST", sms_fallback_url=webhook, sms_fallback_method="POST"
            )
            yield f"Twilio: texts to {number} come to {webhook}."
    except (TwilioException, RequestException) as error:
        raise CannotConnect(f"Twilio was not told everything: {error}") from error
    unused = sorted(set(owned) - set(numbers))
    if unused:
        yield f"Twilio: no venue has {', '.join(unused)}; set a venue's phone number and connect again."


async def _connect_telegram(settings: Settings, telegram: Telegram) -> str:
    """Set the bot's webhook with its secret and the kinds of update that we read, and its menus."""
    webhook = f"{settings.public_url}/webhooks/telegram"
    bot = Bot(telegram.bot_token, base_url=f"{telegram.api_url or TELEGRAM_API_URL}/bot")
    try:
        async with bot:
            await bot.set_webhook(
                webhook, secret_token=telegram.webhook_secret, allowed_updates=UPDATES, max_connections=10
            )
            for language, menu in MENUS.items():
                commands = [BotCommand(command, meaning) for command, meaning in menu.items()]
                await bot.set_my_commands(commands, language_code=language)
            return f"Telegram: messages to @{bot.username} come to {webhook}."
    except InvalidToken as error:
        # The library's own sentence has the token in it.
        raise CannotConnect("Telegram does not accept the bot's token: check TELEGRAM_BOT_TOKEN.") from error
    except TelegramError as error:
        raise CannotConnect(f"Telegram was not told everything: {error}.") from error
