"""What passes between the conversation and a channel's adapter, and nothing else does."""

from dataclasses import dataclass
from typing import Literal

CarrierWord = Literal["stop", "start", "help"]


@dataclass(frozen=True, slots=True)
class Message:
    """What a guest said, whatever the channel.

    channel: the name of a channel in `bots.channels`: "sms", "whatsapp", "telegram".
    address: "+5511987654321", or a Telegram chat id as text.
    carrier_id: Twilio's MessageSid, or Telegram's update_id as text: the key against repeats, unique in its
        channel.
    text: what was written; "" when a button was pressed, or when only a picture, voice or sticker came.
        Telegram's "/start CODE" arrives here as it is.
    button: the data of the pressed button.
    to: the number that was texted (E.164, without "whatsapp:"); None on Telegram.
    language: the carrier's hint, a BCP 47 tag.
    name: the name that the carrier gives (Telegram's first name, WhatsApp's profile name).
    carrier_word: one of the carriers' own words was sent, as the whole message.
    carrier_answers: the carrier itself answers that word; a second answer from us would be one too many.
    """

    channel: str
    address: str
    carrier_id: str
    text: str
    button: str | None = None
    to: str | None = None
    language: str | None = None
    name: str | None = None
    carrier_word: CarrierWord | None = None
    carrier_answers: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a text. `data` comes back as `Message.button`: at most 64 bytes in UTF-8."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered on the spot.

    text: None is silence (a carrier's opt-out).
    buttons: rows of them; channels without buttons leave them out.
    """

    text: str | None
    buttons: tuple[tuple[Button, ...], ...] = ()
