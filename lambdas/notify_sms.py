"""Tells guests by SMS and WhatsApp: the queue of the channel sms."""

from functools import cache
from typing import Any

from bots.sms.sender import TwilioSender
from lambdas.batches import each
from lambdas.notices import Teller
from lambdas.watching import watched
from lambdas.wiring import parts


@cache
def teller() -> Teller:
    """The container's own. Raises SettingsError."""
    here = parts()
    twilio = here.settings.twilio
    sender = TwilioSender(twilio.account_sid, twilio.auth_token, here.settings.public_url, api_url=twilio.api_url)
    return Teller(here, {"sms": sender, "whatsapp": sender})


@watched
def handle(event: dict[str, Any], context: Any) -> Any:
    """Send what is due; answers which messages failed."""
    return each(event, context, teller().tell)
