"""Tells the carriers with real credentials where this server is, so that they call its webhooks."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

from bots.channels import CannotConnect
from bots.sms.connect import connect_twilio
from bots.telegram.connect import connect_telegram
from local.application import Parts


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
        yield from connect_twilio(settings.public_url, settings.twilio, list(numbers))
    if settings.telegram.connected:
        yield asyncio.run(connect_telegram(settings.public_url, settings.telegram))
