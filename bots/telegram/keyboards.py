"""Buttons, as Telegram shows them under a message (https://core.telegram.org/bots/api#inlinekeyboardmarkup)."""

from collections.abc import Sequence
from typing import Any

from bots.messages import Button

LONGEST_DATA = 64


def keyboard(rows: Sequence[Sequence[Button]]) -> dict[str, Any] | None:
    """The rows as a keyboard, None without any button; raises ValueError for data that Telegram would refuse."""
    shown = [[_button(button) for button in row] for row in rows if row]
    return {"inline_keyboard": shown} if shown else None


def _button(button: Button) -> dict[str, Any]:
    size = len(button.data.encode())
    if not 1 <= size <= LONGEST_DATA:
        raise ValueError(f"The data of the button {button.label!r} has {size} bytes, not 1 to {LONGEST_DATA}.")
    return {"text": button.label, "callback_data": button.data}
