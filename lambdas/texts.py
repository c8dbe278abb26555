"""The webhooks of the Twilio account, for the two functions that have one each."""

from functools import cache

from bots.sms.webhook import SmsWebhook
from lambdas.wiring import parts


@cache
def webhook() -> SmsWebhook:
    """The container's own. Raises SettingsError."""
    here = parts()
    twilio = here.settings.twilio
    return SmsWebhook(
        twilio.auth_token,
        here.settings.public_url,
        here.conversation.answer,
        delivery=here.reports.delivery,
        keywords="carrier" if twilio.carrier_answers else "own",
    )
