"""The webhooks of the Twilio account, for the two functions that have one each."""

from functools import cache

from bots.sms.webhook import SmsWebhook
from lambdas.guests import conversation, reports
from lambdas.wiring import parts


@cache
def webhook() -> SmsWebhook:
    """The container's own. Raises SettingsError."""
    settings = parts().settings
    twilio = settings.twilio
    return SmsWebhook(
        twilio.auth_token,
        settings.public_url,
        conversation().answer,
        delivery=reports().delivery,
        keywords="carrier" if twilio.carrier_answers else "own",
    )
