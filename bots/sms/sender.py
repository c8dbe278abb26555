"""Sends texts through Twilio's own client, by SMS and on WhatsApp.

The client's library is heavy: import this module where texts are sent only, not in a webhook.
"""

import logging
import math
from datetime import timedelta
from typing import Any

from requests import RequestException, Response, Timeout
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bots.channels import Outgoing, Refused, Retry, shortened
from bots.sms.codes import PAUSE, error_for
from bots.sms.segments import LONGEST_TEXT, fit

SHORTEST_VALIDITY, LONGEST_VALIDITY = timedelta(seconds=5), timedelta(hours=10)
"""Twilio's own limits are 1 s and 10 h; in less than a few seconds hardly any text leaves its queue."""

# It writes the form of every request, and with it the guest's number.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)


class TwilioSender:
    """A `Sender` for the channels "sms" and "whatsapp"; threads share its pool of connections.

    public_url: where the carrier reports what became of a text ("https://line.example.com").
    api_url: another host in place of Twilio's ("http://127.0.0.1:8000/simulator/twilio"); None for Twilio's
        own, which also follows TWILIO_REGION and TWILIO_EDGE.
    timeout: seconds that a connection, and then the answer, may take.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        public_url: str,
        *,
        api_url: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._status_callback = public_url.rstrip("/") + "/webhooks/sms/status"
        http = TwilioHttpClient(timeout=timeout, request_hooks={"response": _stop_when_throttled})
        # The client rewrites even a host of our own for a region or an edge: with `api_url`, none is set.
        regions = {"TWILIO_REGION": "", "TWILIO_EDGE": ""} if api_url else None
        self._client = Client(account_sid, auth_token, http_client=http, environment=regions)
        if api_url:
            self._client.api.base_url = api_url.rstrip("/")

    def send(self, outgoing: Outgoing) -> str:
        """Hand a text to Twilio, and return its MessageSid; raises a SendError.

        A `Retry` may mean that Twilio has taken the text and its yes was lost: the guest then gets it twice,
        which is better than not at all.
        """
        if outgoing.sender is None:
            raise Refused("no-sender", "The venue has no phone number to send from.")
        parameters = self._parameters(outgoing, outgoing.sender)
        try:
            message = self._client.messages.create(**parameters)
        except (TwilioRestException, TwilioServiceException) as error:
            raise error_for(str(error.code or error.status), error.status) from error
        except Timeout as error:
            raise Retry("timeout", "Twilio did not answer in time.") from error
        except RequestException as error:
            raise Retry("no-connection", "Twilio could not be reached.") from error
        except (AttributeError, TypeError, ValueError) as error:
            # The library takes any yes for a message in JSON.
            raise Retry("no-answer", "Twilio's answer could not be read.") from error
        if not message.sid:
            raise Retry("no-answer", "Twilio's answer could not be read.")
        return str(message.sid)

    def _parameters(self, outgoing: Outgoing, sender: str) -> dict[str, Any]:
        sms = outgoing.channel == "sms"
        prefix = "" if sms else f"{outgoing.channel}:"
        parameters: dict[str, Any] = {
            "to": prefix + outgoing.address,
            "from_": prefix + sender,
            "body": shortened(fit(outgoing.text) if sms else outgoing.text, LONGEST_TEXT),
            "status_callback": self._status_callback,
        }
        if outgoing.valid_for is not None:
            valid_for = max(SHORTEST_VALIDITY, min(LONGEST_VALIDITY, outgoing.valid_for))
            parameters["validity_period"] = int(valid_for.total_seconds())
        return parameters


def _stop_when_throttled(response: Response, **_: Any) -> None:
    """A hook of the HTTP client's: the library's own errors have lost the answer's headers."""
    if response.status_code != 429:
        return
    try:
        code = str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        code = "20429"
    raise error_for(code, 429, _seconds(response.headers.get("Retry-After")))


def _seconds(retry_after: str | None) -> float:
    """The header's value, unless it is missing, a date, or no time that one could wait."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return PAUSE
    return seconds if math.isfinite(seconds) and seconds >= 0 else PAUSE
