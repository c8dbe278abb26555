"""Twilio's REST API as far as our sender uses it: POST …/Accounts/{sid}/Messages.json."""

import re
import secrets
from datetime import timedelta
from email.utils import format_datetime

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from bots.sms.segments import segments
from local.simulator.network import Busy
from local.simulator.settings import SimulatorSettings
from local.simulator.sms_carrier import LONGEST_VALIDITY, SmsCarrier, Text
from local.simulator.state import Channel, Full, State
from local.simulator.twiml import LONGEST_MESSAGE

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class TwilioError(Exception):
    """An error of the API: an HTTP status, one of Twilio's codes, and its message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def register_twilio_api(blueprint: Blueprint, settings: SimulatorSettings, state: State, carrier: SmsCarrier) -> None:
    """Adds the route to the simulator's blueprint."""

    @blueprint.post("/twilio/2010-04-01/Accounts/<account_sid>/Messages.json")
    def create_message(account_sid: str) -> ResponseReturnValue:
        try:
            _authenticate(settings, account_sid)
            text = _read_message(settings, state)
            carrier.accept(text)
        except TwilioError as error:
            return _refusal(error)
        except Busy:
            return _refusal(TwilioError(429, 20429, "Too Many Requests"))
        return jsonify(_resource(settings, state, text)), 201


def _authenticate(settings: SimulatorSettings, account_sid: str) -> None:
    given = request.authorization
    username, password = (given.username or "", given.password or "") if given else ("", "")
    right = secrets.compare_digest(
        f"{username}:{password}".encode(),
        f"{settings.twilio_account_sid}:{settings.twilio_auth_token}".encode(),
    )
    if not right or account_sid != settings.twilio_account_sid:
        raise TwilioError(401, 20003, "Authenticate")


def _read_message(settings: SimulatorSettings, state: State) -> Text:
    """The message of the request. Raises TwilioError, as the real call would at once."""
    form = request.form
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    template = bool(form.get("ContentSid"))
    if not to:
        raise TwilioError(400, 21604, "A 'To' phone number is required.")
    if not sender:
        raise TwilioError(400, 21603, "A 'From' phone number is required.")
    if not body and not template:
        raise TwilioError(400, 21602, "Message body is required.")
    if len(body) > LONGEST_MESSAGE:
        raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    channel, address, number = _ends(settings, to, sender)
    callback = form.get("StatusCallback")
    if callback and not settings.reachable(callback):
        raise TwilioError(400, 21609, f"The StatusCallback URL {callback} is not a valid URL.")
    return Text(
        conversation_id=_reach(state, channel, address, number),
        number=number,
        body=body or f"[template {form['ContentSid']}]",
        status_callback=callback,
        valid_for=_validity(form.get("ValidityPeriod")),
        template=template,
    )


def _ends(settings: SimulatorSettings, to: str, sender: str) -> tuple[Channel, str, str]:
    """Channel, the guest's number and the venue's, both without `whatsapp:`."""
    channel: Channel = "whatsapp" if to.startswith("whatsapp:") else "sms"
    address, number = to.removeprefix("whatsapp:"), sender.removeprefix("whatsapp:")
    if not E164.fullmatch(address):
        raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if number not in {known for _, known in settings.numbers()}:
        raise TwilioError(400, 21606, f"The 'From' phone number {sender} is not one of this account's.")
    if sender.startswith("whatsapp:") != (channel == "whatsapp"):
        raise TwilioError(400, 63007, "Twilio could not find a Channel with the specified From address")
    return channel, address, number


def _reach(state: State, channel: Channel, address: str, number: str) -> str:
    """The phone's id, put on the page if it is new. Raises TwilioError for one that refuses at the call."""
    try:
        conversation_id = state.add_conversation(channel, address, address, added_by_hand=False)
    except Full:
        raise TwilioError(429, 20429, "The simulator's page has no room for another phone.") from None
    if state.switched(conversation_id, "throttled"):
        raise TwilioError(429, 20429, "Too Many Requests")
    if state.switched(conversation_id, "failing"):
        raise TwilioError(500, 20500, "Internal Server Error")
    if number in state.conversation(conversation_id).opted_out_of:
        raise TwilioError(400, 21610, "Attempt to send to unsubscribed recipient")
    return conversation_id


def _validity(given: str | None) -> timedelta:
    if given is None:
        return LONGEST_VALIDITY
    if not given.isdecimal() or not 1 <= int(given) <= LONGEST_VALIDITY.total_seconds():
        raise TwilioError(400, 90007, "ValidityPeriod is not a number of seconds from 1 to 36000.")
    return timedelta(seconds=int(given))


def _refusal(error: TwilioError) -> tuple[Response, int]:
    body = {
        "code": error.code,
        "message": str(error),
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status,
    }
    return jsonify(body), error.status


def _resource(settings: SimulatorSettings, state: State, text: Text) -> dict[str, object]:
    """The Message resource as the API answers it right after the call."""
    uri = f"/2010-04-01/Accounts/{settings.twilio_account_sid}/Messages/{text.sid}"
    now = format_datetime(state.now())
    return {
        "account_sid": settings.twilio_account_sid,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": request.form["From"],
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments(text.body)),
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "tags": None,
        "to": request.form["To"],
        "uri": f"{uri}.json",
    }
