"""Twilio's network: carries texts from the phones to the webhook, and ours to the phones."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import httpx
import phonenumbers
from twilio.request_validator import RequestValidator

from bots.sms.segments import segments
from local.simulator.network import Busy, Network
from local.simulator.settings import SimulatorSettings
from local.simulator.state import Conversation, Impossible, State
from local.simulator.twiml import LONGEST_MESSAGE, TwimlError, read_twiml

STOP_WORDS = frozenset(("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"))
START_WORDS = frozenset(("START", "YES", "UNSTOP"))
HELP_WORDS = frozenset(("HELP", "INFO"))

CARRIER_REPLIES = {
    "STOP": "You are unsubscribed: no more texts come from this number. Reply START to subscribe again.",
    "START": "You are subscribed to this number's texts again. Reply HELP for help, STOP to unsubscribe.",
    "HELP": "Reply STOP to unsubscribe. Message and data rates may apply.",
}
LONGEST_VALIDITY = timedelta(hours=10)
WHATSAPP_WINDOW = timedelta(hours=24)


@dataclass(slots=True)
class Text:
    """One of our messages on its way to a phone. Numbers without `whatsapp:`."""

    conversation_id: str
    number: str
    body: str
    status_callback: str | None
    valid_for: timedelta = LONGEST_VALIDITY
    template: bool = False
    sid: str = field(default_factory=lambda: "SM" + secrets.token_hex(16))


def keyword(text: str) -> Literal["STOP", "START", "HELP"] | None:
    """Which of the carrier's own words a whole message is, if any."""
    word = text.strip().upper()
    if word in STOP_WORDS:
        return "STOP"
    if word in START_WORDS:
        return "START"
    return "HELP" if word in HELP_WORDS else None


class SmsCarrier:
    """Both directions of SMS and WhatsApp. The public methods answer at once; the way takes its time."""

    def __init__(self, settings: SimulatorSettings, state: State, network: Network) -> None:
        self._settings = settings
        self._state = state
        self._network = network
        self._webhook = settings.public_url.rstrip("/") + "/webhooks/sms"
        self._validator = RequestValidator(settings.twilio_auth_token)
        # Only touched on the network's loop. asyncio's locks are first come, first served.
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._screens: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def text(self, conversation_id: str, text: str, number: str) -> None:
        """The guest texts a venue's number. Raises Gone, Impossible."""
        if len(text) > LONGEST_MESSAGE:
            raise Impossible(f"A text has at most {LONGEST_MESSAGE} characters.")
        if self._state.switched(conversation_id, "off"):
            raise Impossible("This phone is off.")
        with self._state.changing(conversation_id) as conversation:
            conversation.wrote_at = self._state.now()
        entry = self._state.add_entry(conversation_id, "guest", text, number=number, status="sending")
        try:
            self._network.start(self._bring(conversation_id, entry.id, text, number))
        except Busy:
            self._state.mark(conversation_id, entry.id, "failed")
            raise Impossible("Too many texts are under way.") from None

    def accept(self, text: Text) -> None:
        """Takes one of our messages, to deliver it. Raises Busy."""
        self._network.start(self._deliver(text))

    async def _bring(self, conversation_id: str, entry_id: int, text: str, number: str) -> None:
        async with self._turns[conversation_id]:
            conversation = self._state.conversation(conversation_id)
            listens = conversation.channel == "sms" and self._settings.carrier_keywords
            word = keyword(text) if listens else None
            if word:
                self._obey(conversation_id, word, number)
            parameters = self._inbound(conversation, text, number)
            if word and self._settings.advanced_opt_out:
                parameters["OptOutType"] = word
            try:
                response = await self._call(self._webhook, parameters)
                response.raise_for_status()
                replies = read_twiml(response.headers.get("content-type", ""), response.content)
            except (httpx.HTTPError, TwimlError) as error:
                self._lost(conversation_id, entry_id, error)
                return
            self._state.mark(conversation_id, entry_id, "sent")
            for reply in replies:
                self._network.start(self._deliver(Text(conversation_id, number, reply.text, reply.status_callback)))

    def _obey(self, conversation_id: str, word: str, number: str) -> None:
        """The carrier's own part in STOP, START and HELP: it blocks or lifts, and answers itself."""
        with self._state.changing(conversation_id) as conversation:
            if word == "STOP":
                conversation.opted_out_of.add(number)
            elif word == "START":
                conversation.opted_out_of.discard(number)
        self._state.add_entry(conversation_id, "carrier", CARRIER_REPLIES[word], number=number)

    def _lost(self, conversation_id: str, entry_id: int, error: httpx.HTTPError | TwimlError) -> None:
        """A failed webhook is not called again: the text is lost. The page says what its log would."""
        if isinstance(error, TwimlError):
            note = f"Error {error.code}: {error}."
        elif isinstance(error, httpx.HTTPStatusError):
            note = f"Error 11200: the webhook answered {error.response.status_code}."
        else:
            note = f"Error 11200: the webhook gave no answer ({type(error).__name__})."
        self._state.mark(conversation_id, entry_id, "failed")
        self._state.add_entry(conversation_id, "note", note)

    def _inbound(self, conversation: Conversation, text: str, number: str) -> dict[str, str]:
        """The form of an incoming message, with the fields that the carrier leaves empty."""
        sid = "SM" + secrets.token_hex(16)
        common = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self._settings.twilio_account_sid,
            "ApiVersion": "2010-04-01",
            "Body": text,
            "NumMedia": "0",
            "NumSegments": str(segments(text) if conversation.channel == "sms" else 1),
            "SmsStatus": "received",
        }
        if conversation.channel == "whatsapp":
            return common | {
                "From": f"whatsapp:{conversation.address}",
                "To": f"whatsapp:{number}",
                "ProfileName": conversation.name,
                "WaId": conversation.address.removeprefix("+"),
                "MessageType": "text",
                "ReferralNumMedia": "0",
            }
        return common | {
            "From": conversation.address,
            "FromCountry": country(conversation.address),
            "FromState": "",
            "FromCity": "",
            "FromZip": "",
            "To": number,
            "ToCountry": country(number),
            "ToState": "",
            "ToCity": "",
            "ToZip": "",
        }

    async def _deliver(self, text: Text) -> None:
        """Sent, then delivered, when the phone is on; or the reason why not."""
        conversation = self._state.conversation(text.conversation_id)
        if text.number in conversation.opted_out_of:
            # A reply in TwiML to someone who opted out; the API refuses such a message at the call.
            self._state.add_entry(conversation.id, "note", "Error 21610: opted out, the reply was not sent.")
            return
        await self._network.pause()
        if self._outside_window(text, conversation):
            await self._report(text, conversation, "failed", 63016)
            return
        await self._report(text, conversation, "sent")
        await self._network.pause()
        code = await self._show(text)
        if code:
            await self._report(text, conversation, "undelivered", code)
            return
        await self._report(text, conversation, "delivered")
        if conversation.channel == "whatsapp":
            await self._network.pause()
            await self._report(text, conversation, "read")

    def _outside_window(self, text: Text, conversation: Conversation) -> bool:
        """WhatsApp takes free text only for 24 hours after the guest last wrote.

        Who wrote before this start is not known here, so everybody counts as having written just then: a guest who
        joined before a restart is still called.
        """
        if conversation.channel != "whatsapp" or text.template:
            return False
        wrote_at = conversation.wrote_at or self._state.started_at
        return self._state.now() - wrote_at > WHATSAPP_WINDOW

    async def _show(self, text: Text) -> int | None:
        """Shows the text on the phone as soon as it is on, in order; or answers the code of the failure."""
        conversation_id = text.conversation_id
        for switch, code in (("landline", 30006), ("blocked", 63014)):
            if self._state.switched(conversation_id, switch):
                return code
        try:
            async with asyncio.timeout(text.valid_for.total_seconds()), self._screens[conversation_id]:
                while self._state.switched(conversation_id, "off"):
                    await self._network.pause(0.5)
        except TimeoutError:
            return 30036
        size = segments(text.body) if conversation_id.startswith("sms:") else 1
        self._state.add_entry(conversation_id, "line", text.body, number=text.number, segments=size)
        return None

    async def _report(self, text: Text, conversation: Conversation, status: str, code: int | None = None) -> None:
        """Calls the status callback, signed; one that fails is not called again."""
        if code:
            self._state.add_entry(conversation.id, "note", f"Not delivered: {status}, error {code}.")
        if not text.status_callback:
            return
        prefix = "whatsapp:" if conversation.channel == "whatsapp" else ""
        parameters = {
            "MessageSid": text.sid,
            "MessageStatus": status,
            "SmsSid": text.sid,
            "SmsStatus": status,
            "AccountSid": self._settings.twilio_account_sid,
            "ApiVersion": "2010-04-01",
            "From": prefix + text.number,
            "To": prefix + conversation.address,
        }
        if code:
            parameters["ErrorCode"] = str(code)
        try:
            response = await self._call(text.status_callback, parameters)
            response.raise_for_status()
        except httpx.HTTPError as error:
            self._state.add_entry(
                conversation.id, "note", f"The status callback ({status}) failed: {type(error).__name__}."
            )

    async def _call(self, url: str, parameters: Mapping[str, str]) -> httpx.Response:
        signature = self._validator.compute_signature(url, parameters)
        headers = {
            "X-Twilio-Signature": signature,
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "User-Agent": "TwilioProxy/1.1",
        }
        return await self._network.post(url, headers, data=parameters)


def country(number: str) -> str:
    """The two letters of an E.164 number's country, as the carrier gives them."""
    parsed = phonenumbers.parse(number)
    region = phonenumbers.region_code_for_number(parsed)
    return region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
