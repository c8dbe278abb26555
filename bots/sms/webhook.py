"""Twilio's webhooks, for SMS and WhatsApp: texts come in as forms and are answered in TwiML; what became of our
own texts is reported.

https://www.twilio.com/docs/messaging/twiml and https://www.twilio.com/docs/usage/security for the signature.
"""

from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from bots.channels import (
    Answer,
    DeliveryState,
    DeliveryStatus,
    Retry,
    SendError,
    Throttled,
    WebhookAnswer,
    header,
    shortened,
)
from bots.messages import CarrierWord, Message, Reply
from bots.sms.codes import error_for
from bots.sms.segments import LONGEST_TEXT, fit
from bots.words import CARRIER_HELP, CARRIER_START, CARRIER_STOP, plain

LARGEST_BODY = 64 * 1024
LONGEST_ADDRESS, LONGEST_NUMBER, LONGEST_SID, LONGEST_CODE = 254, 20, 64, 32
"""What the record has room for: of the carrier, a number has 16, a MessageSid 34 and a code 5 characters."""

_CARRIER_WORDS: Mapping[str, CarrierWord] = {
    **dict.fromkeys(CARRIER_STOP, "stop"),
    **dict.fromkeys(CARRIER_START, "start"),
    **dict.fromkeys(CARRIER_HELP, "help"),
}
_STATES: Mapping[str, DeliveryState] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


class _Form(dict[str, list[str]]):
    """What Twilio's validator takes for a MultiDict, so that every value of a repeated parameter counts."""

    def getlist(self, name: str) -> list[str]:
        return self[name]

    def first(self, name: str) -> str:
        return self.get(name, [""])[0]


class _Malformed(ValueError):
    """The request came from Twilio, or could have, but can't be read. The text says why."""


class SmsWebhook:
    """Both webhooks of one Twilio account.

    public_url: what the carrier calls us by ("https://line.example.com"): part of what it signs.
    answer: the conversation; called for every text, on the caller's thread. What it raises passes through.
    keywords: "carrier" if Twilio itself answers STOP, START and HELP on SMS, its default; "own" where the
        account's replies are switched off. On WhatsApp nobody but us answers them.
    delivery: told of every report on a text of ours; may be told twice, and in any order.
    """

    def __init__(
        self,
        auth_token: str,
        public_url: str,
        answer: Answer,
        *,
        delivery: Callable[[DeliveryStatus], None],
        keywords: Literal["carrier", "own"] = "carrier",
    ) -> None:
        if not auth_token:
            raise ValueError("Twilio's auth token is empty: anybody could sign")
        self._validator = RequestValidator(auth_token)
        self._public_url = public_url.rstrip("/")
        self._answer = answer
        self._delivery = delivery
        self._keywords = keywords

    def handle(self, path_and_query: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Answer a text: 200 with TwiML, 403 to a wrong signature, 400 to a form that can't be read.

        path_and_query: as it stood in the request ("/webhooks/sms?x=%20"), not decoded.
        body: as it came, with a gateway's base64 already taken off.
        """
        form = self._signed_form(path_and_query, headers, body)
        if isinstance(form, WebhookAnswer):
            return form
        try:
            message = self._message(form)
        except _Malformed as error:
            return _bad_request(error)
        return _twiml(message, self._answer(message))

    def handle_status(self, path_and_query: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Take note of a delivery report: 204, else 403 or 400 as in `handle`."""
        form = self._signed_form(path_and_query, headers, body)
        if isinstance(form, WebhookAnswer):
            return form
        try:
            status = _delivery_status(form)
        except _Malformed as error:
            return _bad_request(error)
        if status is not None:
            self._delivery(status)
        return WebhookAnswer(204)

    def _signed_form(self, path_and_query: str, headers: Mapping[str, str], body: bytes) -> _Form | WebhookAnswer:
        """The form, if Twilio signed it, else the refusal."""
        signature = header(headers, "X-Twilio-Signature")
        if not signature:
            return WebhookAnswer(403, body=b"X-Twilio-Signature is missing.")
        try:
            form = _form(body)
        except _Malformed as error:
            return _bad_request(error)
        if not self._validator.validate(self._public_url + path_and_query, form, signature):
            return WebhookAnswer(403, body=b"X-Twilio-Signature does not match.")
        return form

    def _message(self, form: _Form) -> Message:
        channel, address = _channel_and_number(form.first("From"))
        carrier_id = form.first("MessageSid")
        to = _channel_and_number(form.first("To"))[1]
        if not carrier_id or not address:
            raise _Malformed("MessageSid and From are needed.")
        if len(address) > LONGEST_ADDRESS or len(to) > LONGEST_NUMBER:
            raise _Malformed("From or To is too long for an address.")
        # A picture, a voice message or a place has an empty Body, and is a text without words.
        text = form.first("Body")
        obeyed_by_carrier = channel == "sms" and self._keywords == "carrier"
        word = _carrier_word(form.first("OptOutType"), text if obeyed_by_carrier else plain(text))
        return Message(
            channel=channel,
            address=address,
            carrier_id=carrier_id,
            text=text,
            to=to or None,
            name=form.first("ProfileName") or None,
            carrier_word=word,
            # After START Twilio only says that texts come again: the place in line is worth a second text.
            carrier_answers=word in ("stop", "help") and obeyed_by_carrier,
        )


def _form(body: bytes) -> _Form:
    if len(body) > LARGEST_BODY:
        raise _Malformed(f"The form is larger than {LARGEST_BODY} bytes.")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=500,
        )
    except ValueError as error:
        raise _Malformed("The body is not a form in UTF-8.") from error
    form = _Form()
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _channel_and_number(address: str) -> tuple[str, str]:
    """("whatsapp", "+55…") for "whatsapp:+55…", ("sms", "+55…") for "+55…"."""
    channel, colon, number = address.strip().rpartition(":")
    if colon and channel != "whatsapp":
        raise _Malformed(f"Messages from {channel!r} are not served.")
    return channel or "sms", number


def _carrier_word(opt_out_type: str, text: str) -> CarrierWord | None:
    """Twilio says so itself where the account has words of its own; else the whole message is the word.

    Where the obeying is ours, the text is given without the punctuation around it: a "STOP!" is meant as one.
    """
    return _CARRIER_WORDS.get(opt_out_type.strip().lower()) or _CARRIER_WORDS.get(text.strip().lower())


def _delivery_status(form: _Form) -> DeliveryStatus | None:
    """None for the steps before a text has left Twilio, and for values that we don't know."""
    carrier_id = form.first("MessageSid")
    status = form.first("MessageStatus").lower()
    if not carrier_id or not status:
        raise _Malformed("MessageSid and MessageStatus are needed.")
    if len(carrier_id) > LONGEST_SID or len(form.first("ErrorCode")) > LONGEST_CODE:
        raise _Malformed("MessageSid or ErrorCode is too long.")
    state = _STATES.get(status)
    if state is None:
        return None
    return DeliveryStatus(
        channel=_channel_and_number(form.first("To"))[0],
        carrier_id=carrier_id,
        state=state,
        error=_delivery_error(form.first("ErrorCode"), status),
    )


def _delivery_error(code: str, status: str) -> SendError | None:
    if status not in ("undelivered", "failed", "canceled"):
        return None
    # 30008 is Twilio's own "unknown error".
    error = error_for(code.strip() or ("canceled" if status == "canceled" else "30008"))
    # It was taken and then not sent: another try is one.
    return Retry(error.code, error.sentence) if isinstance(error, Throttled) else error


def _twiml(message: Message, reply: Reply) -> WebhookAnswer:
    response = MessagingResponse()
    if reply.text:
        text = fit(reply.text) if message.channel == "sms" else reply.text
        response.message(_in_xml(shortened(text, LONGEST_TEXT)))
    return WebhookAnswer(200, "text/xml; charset=utf-8", response.to_xml().encode("utf-8"))


def _in_xml(text: str) -> str:
    """Without the control characters that XML can't hold, not even escaped: a guest's name may bring them."""
    return "".join(letter for letter in text if letter in "\t\n\r" or "\x20" <= letter not in "\ufffe\uffff")


def _bad_request(error: _Malformed) -> WebhookAnswer:
    return WebhookAnswer(400, body=str(error).encode())
