"""Points an account's numbers on Twilio at our webhook."""

from collections.abc import Iterator, Sequence

from requests import RequestException
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bots.channels import CannotConnect
from core.settings import Twilio

TIMEOUT_SECONDS = 15.0
# Try three times when the connection fails, the answer does not come, or is a 5xx: by default a text is lost.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
TRY_AGAIN = "#rc=3&rp=ct,rt,5xx"


def webhook_of(public_url: str) -> str:
    """What stands in Twilio's console at a number, under "a message comes in" and as its fallback."""
    return f"{public_url}/webhooks/sms{TRY_AGAIN}"


def connect_twilio(public_url: str, twilio: Twilio, numbers: Sequence[str]) -> Iterator[str]:
    """Point each of these numbers at our webhook, with itself as the fallback; a sentence on each.

    Raises CannotConnect.
    """
    client = Client(twilio.account_sid, twilio.auth_token, http_client=TwilioHttpClient(timeout=TIMEOUT_SECONDS))
    if twilio.api_url:
        client.api.base_url = twilio.api_url
    webhook = webhook_of(public_url)
    try:
        owned = {str(number.phone_number): number for number in client.incoming_phone_numbers.list()}
        for number in numbers:
            if number not in owned:
                yield f"Twilio: {number} is not a number of this account."
                continue
            owned[number].update(
                sms_url=webhook, sms_method="POST", sms_fallback_url=webhook, sms_fallback_method="POST"
            )
            yield f"Twilio: texts to {number} come to {webhook}."
    except (TwilioException, RequestException) as error:
        raise CannotConnect(f"Twilio was not told everything: {error}") from error
    unused = sorted(set(owned) - set(numbers))
    if unused:
        yield f"Twilio: no venue has {', '.join(unused)}; set a venue's phone number and connect again."
