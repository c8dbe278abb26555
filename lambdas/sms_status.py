"""Twilio's webhook for what became of our texts: POST /webhooks/sms/status."""

from collections.abc import Mapping
from typing import Any

from lambdas.http import answered
from lambdas.texts import webhook
from lambdas.watching import watched


@watched
def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Take note of a delivery report."""
    return answered(event, webhook().handle_status)
