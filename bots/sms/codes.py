"""Twilio's error codes: which of the closed set of send errors each one is, in a sentence for staff.

The same codes come back from the API, when a text is handed over, and in status callbacks, long after. Twilio
lists them all at https://www.twilio.com/docs/api/errors. Codes that are not here are `Refused`.
"""

from collections.abc import Mapping

from bots.channels import Refused, Retry, SendError, Throttled, Unreachable
from core.notice_kinds import OPTED_OUT

PAUSE = 5.0
"""Seconds to wait when Twilio says "too many" without saying for how long."""

STOPPED = "21610"
"""The guest has sent STOP to the number that the text came from; Twilio keeps that, as we do, by sender."""

UNREACHABLE: Mapping[str, str] = {
    "21211": "This is not a phone number.",
    "21614": "This number can't receive texts.",
    "21635": "This is a landline and can't receive texts.",
    "30004": "The guest's phone or carrier blocks our texts.",
    "30005": "This number is unknown or no longer in service.",
    "30006": "This is a landline, or its carrier takes no texts.",
    "63003": "This number is not on WhatsApp.",
    "63014": "The guest has blocked us on WhatsApp.",
    "63024": "This number can't receive WhatsApp messages.",
}

WORTH_ANOTHER_TRY: Mapping[str, str] = {
    "30001": "Twilio's queue was too full to send the text.",
    "30003": "The phone is off or out of reach.",
    "30008": "The carrier could not deliver the text and did not say why.",
    "30022": "The carrier takes fewer texts from this number than were sent.",
}

TOO_MANY: Mapping[str, str] = {
    "20429": "Twilio takes no more requests for the moment.",
    "21611": "Too many texts are waiting to go out from this number.",
}

CREDENTIALS: Mapping[str, str] = {
    "20003": "Twilio does not accept our credentials: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
}
"""For the operator to mend: nothing is wrong with the notice, which is tried again and rests as a dead letter."""

REFUSED: Mapping[str, str] = {
    "canceled": "The text was canceled before it was sent.",
    "21408": "The Twilio account may not text to this country: enable it under Geo permissions.",
    "21606": "The sending number can't send texts to this guest: check the venue's phone number.",
    "21608": "A Twilio trial account texts verified numbers only.",
    "21609": "Twilio can't reach our address for status reports: check PUBLIC_URL.",
    "21612": "Twilio can't text this guest from the venue's number.",
    "21659": "The venue's phone number does not belong to the Twilio account.",
    "30007": "The carrier filtered the text because of its content.",
    "30036": "The text waited longer than it was worth and was not sent.",
    "30460": "The registration of the sending number was refused: see Twilio's console.",
    "30875": "The registration of the sending number was refused: see Twilio's console.",
    "30893": "The registration of the sending number was refused: see Twilio's console.",
    "30910": "The sending number may not text about alcohol without an age gate: see Twilio's console.",
    "63016": "WhatsApp allows free text only within 24 hours of the guest's last message.",
}


def error_for(code: str, http_status: int = 400, retry_after: float = PAUSE) -> SendError:
    """The send error that a code means. `http_status` is that of the API's answer, where there is one."""
    if code == STOPPED:
        return Unreachable(OPTED_OUT, "The guest has sent STOP and can't be texted from this number.")
    if code in UNREACHABLE:
        return Unreachable(code, UNREACHABLE[code])
    if code in TOO_MANY or http_status == 429:
        return Throttled(code, TOO_MANY.get(code, TOO_MANY["20429"]), retry_after)
    if code in WORTH_ANOTHER_TRY:
        return Retry(code, WORTH_ANOTHER_TRY[code])
    if http_status >= 500:
        return Retry(code, f"Twilio has trouble of its own (HTTP {http_status}).")
    if code in CREDENTIALS or (http_status in (401, 403) and code not in REFUSED):
        return Retry(code, CREDENTIALS["20003"])
    unknown = f"Twilio refused the text with error {code}: see https://www.twilio.com/docs/api/errors/{code}"
    return Refused(code, REFUSED.get(code, unknown))
