"""Twilio's webhook for texts, by SMS and WhatsApp: POST /webhooks/sms."""

from collections.abc import Mapping
from typing import Any

from lambdas.http import answered
from lambdas.texts import webhook
from lambdas.watching import watched


@watched
def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer a text in TwiML."""
    return answered(event, webhook().handle)
