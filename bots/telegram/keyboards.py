"""Buttons, as Telegram shows them under a message."""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import InlineKeyboardButtonLimit

from bots.messages import Button


def keyboard(rows: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """The rows as a keyboard, None without any button; raises ValueError for data that Telegram would refuse."""
    shown = [[_button(button) for button in row] for row in rows if row]
    return InlineKeyboardMarkup(shown) if shown else None


def _button(button: Button) -> InlineKeyboardButton:
    size, limit = len(button.data.encode()), InlineKeyboardButtonLimit.MAX_CALLBACK_DATA
    if not 1 <= size <= limit:
        raise ValueError(f"The data of the button {button.label!r} has {size} bytes, not 1 to {limit}.")
    return InlineKeyboardButton(button.label, callback_data=button.data)
