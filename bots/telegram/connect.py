"""Sets the bot's webhook and its menus."""

from telegram import Bot, BotCommand
from telegram.error import InvalidToken, TelegramError

from bots.channels import CannotConnect
from bots.telegram.webhook import UPDATES
from core.settings import TELEGRAM_API_URL, Telegram

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


async def connect_telegram(public_url: str, telegram: Telegram) -> str:
    """Set the webhook with its secret and the kinds of update that we read, and the menus; a sentence on it.

    Raises CannotConnect.
    """
    webhook = f"{public_url}/webhooks/telegram"
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
