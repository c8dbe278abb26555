"""Twilio's requests, raw, and what we answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from bots.channels import DeliveryStatus, Refused, Retry, Unreachable, WebhookAnswer
from bots.messages import Button, Message, Reply
from bots.sms.segments import LONGEST_TEXT
from bots.sms.webhook import SmsWebhook

TOKEN = "a-secret-token"
PUBLIC_URL = "https://line.example.com:8443"
PATH = "/webhooks/sms"

Pairs = Sequence[tuple[str, str]]

TEXT: Pairs = (
    ("ToCountry", "US"),
    ("MessageSid", "SM1"),
    ("From", "+5511987654321"),
    ("To", "+15550100001"),
    ("Body", "JOIN DEMO"),
    ("NumMedia", "0"),
)


THIRD = Reply("You are 3rd.")


def changed(pairs: Pairs, **values: str | None) -> Pairs:
    """The form with these values instead, or without these names."""
    kept = [(name, values.pop(name, value)) for name, value in pairs]
    return [(name, value) for name, value in [*kept, *values.items()] if value is not None]


def encoded(pairs: Pairs) -> bytes:
    return urlencode(pairs).encode()


class _Multi(dict[str, list[str]]):
    def getlist(self, name: str) -> list[str]:
        return self[name]


def signature(pairs: Pairs, path_and_query: str = PATH, *, token: str = TOKEN, url: str = PUBLIC_URL) -> str:
    form = _Multi()
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return str(RequestValidator(token).compute_signature(url + path_and_query, form))


@dataclass
class Line:
    """The webhook under test, with what it told the conversation and the notices."""

    reply: Reply = THIRD
    keywords: Literal["carrier", "own"] = "carrier"
    public_url: str = PUBLIC_URL
    messages: list[Message] = field(default_factory=list)
    statuses: list[DeliveryStatus] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.webhook = SmsWebhook(
            TOKEN, self.public_url, self._answer, keywords=self.keywords, delivery=self.statuses.append
        )

    def _answer(self, message: Message) -> Reply:
        self.messages.append(message)
        return self.reply

    def text(self, pairs: Pairs) -> WebhookAnswer:
        return self.webhook.handle(PATH, {"X-Twilio-Signature": signature(pairs)}, encoded(pairs))

    def report(self, **values: str | None) -> WebhookAnswer:
        pairs = changed(
            [("MessageSid", "SM9"), ("MessageStatus", "sent"), ("To", "+5511987654321"), ("From", "+15550100001")],
            **values,
        )
        path = PATH + "/status"
        return self.webhook.handle_status(path, {"X-Twilio-Signature": signature(pairs, path)}, encoded(pairs))


def spoken(answer: WebhookAnswer) -> list[str | None]:
    """The texts in a TwiML answer."""
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "Response"
    return [message.text for message in root]


MESSAGES: list[tuple[dict[str, str | None], dict[str, Any]]] = [
    ({}, {}),
    ({"Body": "JOIN DEMO 2 José 🍺 <b>&\"'"}, {"text": "JOIN DEMO 2 José 🍺 <b>&\"'"}),
    ({"Body": "  JOIN  "}, {"text": "  JOIN  "}),
    ({"Body": "", "NumMedia": "1"}, {"text": ""}),
    ({"Body": None}, {"text": ""}),
    ({"To": None}, {"to": None}),
    (
        {"From": "whatsapp:+5511987654321", "To": "whatsapp:+15550100001", "ProfileName": "Ana"},
        {"channel": "whatsapp", "name": "Ana"},
    ),
    ({"Body": "STOP"}, {"text": "STOP", "carrier_word": "stop", "carrier_answers": True}),
    ({"Body": " stopall\n"}, {"text": " stopall\n", "carrier_word": "stop", "carrier_answers": True}),
    ({"Body": "Cancel"}, {"text": "Cancel", "carrier_word": "stop", "carrier_answers": True}),
    ({"Body": "OptOut"}, {"text": "OptOut", "carrier_word": "stop", "carrier_answers": True}),
    ({"Body": "help"}, {"text": "help", "carrier_word": "help", "carrier_answers": True}),
    ({"Body": "INFO"}, {"text": "INFO", "carrier_word": "help", "carrier_answers": True}),
    ({"Body": "START"}, {"text": "START", "carrier_word": "start"}),
    ({"Body": "yes"}, {"text": "yes", "carrier_word": "start"}),
    ({"Body": "stop it"}, {"text": "stop it"}),
    ({"Body": "STOP!"}, {"text": "STOP!"}),
    (
        {"Body": "SAIR", "OptOutType": "STOP"},
        {"text": "SAIR", "carrier_word": "stop", "carrier_answers": True},
    ),
    (
        {"Body": "STOP", "From": "whatsapp:+5511987654321", "To": "whatsapp:+15550100001"},
        {"text": "STOP", "channel": "whatsapp", "carrier_word": "stop", "carrier_answers": False},
    ),
    (
        {"Body": " ¡Stop! ", "From": "whatsapp:+5511987654321", "To": "whatsapp:+15550100001"},
        {"text": " ¡Stop! ", "channel": "whatsapp", "carrier_word": "stop", "carrier_answers": False},
    ),
    (
        {"Body": "stop please", "From": "whatsapp:+5511987654321", "To": "whatsapp:+15550100001"},
        {"text": "stop please", "channel": "whatsapp"},
    ),
]


@pytest.mark.parametrize(("values", "expected"), MESSAGES, ids=[str(row[0]) for row in MESSAGES])
def test_a_signed_form_becomes_a_message(values: dict[str, str | None], expected: dict[str, Any]) -> None:
    line = Line()
    answer = line.text(changed(TEXT, **values))
    assert (answer.status, answer.content_type, spoken(answer)) == (200, "text/xml; charset=utf-8", ["You are 3rd."])
    plain: dict[str, Any] = {
        "channel": "sms",
        "address": "+5511987654321",
        "carrier_id": "SM1",
        "text": "JOIN DEMO",
        "to": "+15550100001",
    }
    assert line.messages == [Message(**plain | expected)]


def test_where_the_accounts_own_replies_are_off_we_answer_the_carriers_words() -> None:
    line = Line(keywords="own")
    line.text(changed(TEXT, Body="STOP"))
    assert (line.messages[0].carrier_word, line.messages[0].carrier_answers) == ("stop", False)


LONG_SENTENCE = "Please wait near the bar. "


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (Reply("Olá, Ana & João <3 “ok” 🍺"), ["Olá, Ana & João <3 “ok” 🍺"]),
        (Reply(None), []),
        (Reply(""), []),
        (Reply("a\x00b\x0bc\ufffed\ne"), ["abcd\ne"]),
        (Reply("Sure?", ((Button("Leave", "leave"),),)), ["Sure?"]),
        (Reply("Você é o 3º. " * 8), ["Voce é o 3o. " * 8]),
        (Reply(LONG_SENTENCE * 100), [(LONG_SENTENCE * 61).rstrip()]),
    ],
)
def test_a_reply_is_twiml_and_silence_is_an_empty_response(reply: Reply, texts: list[str]) -> None:
    answer = Line(reply=reply).text(TEXT)
    assert answer.status == 200
    assert spoken(answer) == texts
    assert all(len(text) <= LONGEST_TEXT for text in texts)


def test_on_whatsapp_accents_cost_nothing_and_stay() -> None:
    line = Line(reply=Reply("Você é o 3º. " * 8))
    assert spoken(line.text(changed(TEXT, From="whatsapp:+5511987654321"))) == ["Você é o 3º. " * 8]


BODY = encoded(TEXT)
GOOD = signature(TEXT)
UNREADABLE = b"MessageSid=SM1&From=%FF%FE"

REFUSALS: list[tuple[str, str, dict[str, str], bytes, int]] = [
    ("no signature", PATH, {}, BODY, 403),
    ("an empty signature", PATH, {"X-Twilio-Signature": ""}, BODY, 403),
    ("another account's", PATH, {"X-Twilio-Signature": signature(TEXT, token="other")}, BODY, 403),
    ("no base64", PATH, {"X-Twilio-Signature": "né"}, BODY, 403),
    ("another path", PATH + "/status", {"X-Twilio-Signature": GOOD}, BODY, 403),
    ("another query", PATH + "?a=1", {"X-Twilio-Signature": GOOD}, BODY, 403),
    ("another host", PATH, {"X-Twilio-Signature": signature(TEXT, url="https://evil.example")}, BODY, 403),
    ("a changed text", PATH, {"X-Twilio-Signature": GOOD}, encoded(changed(TEXT, Body="LEAVE")), 403),
    ("a parameter more", PATH, {"X-Twilio-Signature": GOOD}, BODY + b"&x=1", 403),
    ("no body", PATH, {"X-Twilio-Signature": GOOD}, b"", 403),
    ("JSON", PATH, {"X-Twilio-Signature": GOOD}, b'{"MessageSid": "SM1"}', 403),
    ("not UTF-8, unsigned", PATH, {}, UNREADABLE, 403),
    ("not UTF-8", PATH, {"X-Twilio-Signature": GOOD}, UNREADABLE, 400),
    ("raw bytes", PATH, {"X-Twilio-Signature": GOOD}, b"\xff\xfe\x00", 400),
    ("1 MB", PATH, {"X-Twilio-Signature": GOOD}, b"Body=" + b"x" * 2**20, 400),
    ("too many parameters", PATH, {"X-Twilio-Signature": GOOD}, b"&".join([b"a=1"] * 600), 400),
]


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_what_twilio_did_not_sign_is_refused(path: str, headers: dict[str, str], body: bytes, status: int) -> None:
    line = Line()
    for handle in (line.webhook.handle, line.webhook.handle_status):
        answer = handle(path, headers, body)
        assert answer.status == status
        assert answer.body.decode().endswith(".")
    assert (line.messages, line.statuses) == ([], [])


@pytest.mark.parametrize(
    "values",
    [
        {"MessageSid": None},
        {"From": None},
        {"From": " "},
        {"MessageSid": ""},
        {"From": "messenger:12"},
        {"From": "+" + "1" * 300},
        {"To": "+" + "1" * 300},
    ],
)
def test_a_signed_form_without_what_is_needed_gets_400(values: dict[str, str | None]) -> None:
    line = Line()
    answer = line.text(changed(TEXT, **values))
    assert (answer.status, line.messages) == (400, [])
    assert answer.body.decode().endswith(".")


@pytest.mark.parametrize(
    ("path", "pairs"),
    [
        (PATH, [*TEXT, ("Media", "b"), ("Media", "a"), ("Media", "b")]),
        (PATH, [*TEXT, ("Empty", "")]),
        (PATH, changed(TEXT, Body="  two  spaces \r\n")),
        (PATH, changed(TEXT, Body="ação+100%&=🍺")),
        (PATH + "?venue=caf%C3%A9&x=1%202", TEXT),
    ],
)
def test_repeated_empty_and_untrimmed_parameters_and_the_query_are_part_of_the_signature(
    path: str, pairs: Pairs
) -> None:
    line = Line()
    headers = {"x-twilio-signature": signature(pairs, path)}
    assert line.webhook.handle(path, headers, encoded(pairs)).status == 200
    for missing in range(len(pairs)):
        if (name := pairs[missing][0]) != "Media":
            fewer = [pair for pair in pairs if pair[0] != name]
            assert line.webhook.handle(path, headers, encoded(fewer)).status == 403


def test_a_public_url_with_a_slash_at_its_end_is_the_same() -> None:
    assert Line(public_url=PUBLIC_URL + "/").text(TEXT).status == 200


def test_without_a_token_nothing_is_served() -> None:
    with pytest.raises(ValueError):
        SmsWebhook("", PUBLIC_URL, lambda _: Reply(None), delivery=lambda _: None)


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
def test_good_reports_are_passed_on(status: str) -> None:
    line = Line()
    assert line.report(MessageStatus=status).status == 204
    (told,) = line.statuses
    assert (told.channel, told.carrier_id, told.state, told.error) == ("sms", "SM9", status, None)


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "received", "something-new"])
def test_reports_from_before_the_sending_are_not(status: str) -> None:
    line = Line()
    assert (line.report(MessageStatus=status).status, line.statuses) == (204, [])


@pytest.mark.parametrize(
    ("values", "state", "kind", "code"),
    [
        ({"MessageStatus": "undelivered", "ErrorCode": "30006"}, "undelivered", Unreachable, "30006"),
        ({"MessageStatus": "failed", "ErrorCode": "21610"}, "failed", Unreachable, "opted-out"),
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, "undelivered", Retry, "30003"),
        ({"MessageStatus": "undelivered", "ErrorCode": "30007"}, "undelivered", Refused, "30007"),
        ({"MessageStatus": "failed", "ErrorCode": "39999"}, "failed", Refused, "39999"),
        ({"MessageStatus": "undelivered"}, "undelivered", Retry, "30008"),
        ({"MessageStatus": "failed", "ErrorCode": ""}, "failed", Retry, "30008"),
        ({"MessageStatus": "canceled"}, "failed", Refused, "canceled"),
        (
            {"MessageStatus": "failed", "ErrorCode": "63016", "To": "whatsapp:+5511987654321"},
            "failed",
            Refused,
            "63016",
        ),
    ],
)
def test_bad_reports_say_why_and_whether_the_guest_can_be_reached(
    values: dict[str, str], state: str, kind: type, code: str
) -> None:
    line = Line()
    assert line.report(**values).status == 204
    (told,) = line.statuses
    assert (told.state, type(told.error)) == (state, kind)
    assert told.error is not None
    assert told.error.code == code
    assert told.error.sentence
    assert told.channel == ("whatsapp" if "whatsapp" in values.get("To", "") else "sms")


@pytest.mark.parametrize(
    "values", [{"MessageSid": None}, {"MessageStatus": None}, {"MessageStatus": ""}, {"ErrorCode": "3" * 33}]
)
def test_a_report_without_what_is_needed_gets_400(values: dict[str, str | None]) -> None:
    line = Line()
    assert (line.report(**values).status, line.statuses) == (400, [])


NAMES = st.sampled_from(["MessageSid", "From", "To", "Body", "MessageStatus", "ErrorCode", "OptOutType", "x"])


@given(
    pairs=st.lists(st.tuples(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=8),
    garbage=st.none() | st.binary(max_size=60),
    reply=st.none() | st.text(max_size=20),
)
def test_whatever_comes_in_signed_or_not_nothing_breaks(pairs: Pairs, garbage: bytes | None, reply: str | None) -> None:
    line = Line(reply=Reply(reply))
    handles: list[tuple[str, Callable[..., WebhookAnswer]]] = [
        (PATH, line.webhook.handle),
        (PATH + "/status", line.webhook.handle_status),
    ]
    for path, handle in handles:
        headers = {"X-Twilio-Signature": signature(pairs, path)}
        answer = handle(path, headers, encoded(pairs) if garbage is None else garbage)
        assert answer.status in (200, 204, 400, 403)
        if answer.status == 200:
            spoken(answer)
