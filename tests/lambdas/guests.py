"""Guests of the deployed stacks: what they send by their carriers, and what their carriers are asked to tell them."""

import secrets

import httpx

from tests.bots.bars import NUMBER
from tests.bots.carriers import Carrier
from tests.lambdas.conftest import Deployed


def phone() -> str:
    """A number that nobody else has."""
    return f"+551198{secrets.randbelow(10**7):07}"


def chat() -> int:
    """A chat with the bot that nobody else has."""
    return secrets.randbelow(10**9)


def text(deployed: Deployed, number: str, body: str, *, to: str = NUMBER, sid: str | None = None) -> str:
    """A text from this number, as Twilio signs it; the answer. `sid` is what Twilio calls it, new unless given."""
    form = {"MessageSid": sid or f"SM{secrets.token_hex(16)}", "From": number, "To": to, "Body": body}
    return deployed.text("/webhooks/sms", form).text


def write(deployed: Deployed, chat_id: int, body: str) -> httpx.Response:
    """A message in this chat, with the secret that Telegram was given; the answer."""
    who = {"id": chat_id, "is_bot": False, "first_name": "Tess", "language_code": "en"}
    message = {
        "message_id": 1,
        "date": 1764000000,
        "chat": {"id": chat_id, "type": "private"},
        "from": who,
        "text": body,
    }
    return deployed.update({"update_id": secrets.randbelow(10**9), "message": message})


def heard(carrier: Carrier, address: str) -> list[str]:
    """What the carrier was asked to tell this address."""
    return [asked.form.get("Body") or asked.form.get("text", "") for asked in carrier.asked if asked.to == address]
