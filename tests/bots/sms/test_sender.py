"""What goes out to Twilio, and what its answers mean."""

import logging
import threading
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest

from bots.channels import Outgoing, Refused, Retry, SendError, Throttled, Unreachable
from bots.sms import codes
from bots.sms.sender import TwilioSender
from tests.bots.carriers import Answer, Carrier

SID, TOKEN = "AC00000000000000000000000000000000", "a-secret-token"
MESSAGE = Outgoing("sms", "+5511987654321", "Your table is ready.", sender="+15550100001")
YES = Answer(201, {"sid": "SM42", "status": "queued"})


def sender(carrier: Carrier, **options: Any) -> TwilioSender:
    return TwilioSender(SID, TOKEN, "https://line.example.com/", **{"timeout": 5.0, "api_url": carrier.url, **options})


def no(code: int | None, status: int = 400, **headers: str) -> Answer:
    """An error as Twilio's API puts it."""
    body = {"code": code, "message": "to +5511987654321 failed", "more_info": "", "status": status}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


LONG = "Você é o 3º da fila do Bar do Zé. Fique por perto: avisamos já quando a mesa estiver pronta."
PLAIN = {
    "To": "+5511987654321",
    "From": "+15550100001",
    "StatusCallback": "https://line.example.com/webhooks/sms/status",
}

REQUESTS: list[tuple[Outgoing, dict[str, str]]] = [
    (MESSAGE, {"Body": "Your table is ready."}),
    (
        Outgoing("sms", "+5511987654321", "José 🍺 & “co”", sender="+15550100009"),
        {"Body": "José 🍺 & “co”", "From": "+15550100009"},
    ),
    (
        Outgoing("sms", "+5511987654321", LONG, sender="+15550100001"),
        {"Body": "Voce é o 3o da fila do Bar do Zé. Fique por perto: avisamos ja quando a mesa estiver pronta."},
    ),
    (
        Outgoing("whatsapp", "+5511987654321", LONG, sender="+15550100001"),
        {"Body": LONG, "To": "whatsapp:+5511987654321", "From": "whatsapp:+15550100001"},
    ),
    (
        Outgoing("sms", "+5511987654321", "Now", sender="+15550100001", valid_for=timedelta(minutes=10)),
        {"Body": "Now", "ValidityPeriod": "600"},
    ),
    (
        Outgoing("sms", "+5511987654321", "Now", sender="+15550100001", valid_for=timedelta(0)),
        {"Body": "Now", "ValidityPeriod": "5"},
    ),
    (
        Outgoing("sms", "+5511987654321", "Now", sender="+15550100001", valid_for=timedelta(days=2)),
        {"Body": "Now", "ValidityPeriod": "36000"},
    ),
    (
        Outgoing("sms", "+5511987654321", "Wait here. " * 200, sender="+15550100001"),
        {"Body": ("Wait here. " * 145).rstrip()},
    ),
]


@pytest.mark.parametrize(("outgoing", "form"), REQUESTS)
def test_a_text_is_handed_to_twilio(carrier: Carrier, outgoing: Outgoing, form: dict[str, str]) -> None:
    carrier.answer = YES
    assert sender(carrier).send(outgoing) == "SM42"
    (asked,) = carrier.asked
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert asked.form == PLAIN | form
    assert b64decode(asked.headers["Authorization"].removeprefix("Basic ")) == f"{SID}:{TOKEN}".encode()


def test_without_any_number_to_send_from_nothing_goes_out(carrier: Carrier) -> None:
    with pytest.raises(Refused) as refused:
        sender(carrier).send(Outgoing("sms", "+5511987654321", "Hello"))
    assert (refused.value.code, carrier.asked) == ("no-sender", [])


ERRORS: list[tuple[Answer, type[SendError], str]] = [
    *((no(int(code)), Unreachable, code) for code in codes.UNREACHABLE),
    *((no(int(code)), Retry, code) for code in codes.WORTH_ANOTHER_TRY),
    *((no(int(code)), Throttled, code) for code in codes.TOO_MANY),
    *((no(int(code)), Refused, code) for code in codes.REFUSED if code.isdigit()),
    (no(20003, 401), Retry, "20003"),
    (no(20003, 403), Retry, "20003"),
    (no(20006, 403), Retry, "20006"),
    (Answer(401, b"who are you?"), Retry, "401"),
    (no(21408, 403), Refused, "21408"),
    (no(29999), Refused, "29999"),
    (no(None, 404), Refused, "404"),
    (no(20429, 429), Throttled, "20429"),
    (Answer(429, b"slow down"), Throttled, "20429"),
    (Answer(429, []), Throttled, "20429"),
    (no(20500, 500), Retry, "20500"),
    (Answer(503, b"<html>busy</html>"), Retry, "503"),
    (Answer(400, {"type": "t", "title": "No", "status": 400, "code": 21610}), Unreachable, "opted-out"),
    (Answer(302, b"", {"Location": "/elsewhere"}), Refused, "302"),
    (Answer(201, b"not json"), Retry, "no-answer"),
    (Answer(201, {}), Retry, "no-answer"),
    (Answer(201, []), Retry, "no-answer"),
    (Answer(201, b"null"), Retry, "no-answer"),
    (Answer(0), Retry, "no-connection"),
    (Answer(201, {"sid": "SM1"}, after=1.0), Retry, "timeout"),
]


@pytest.mark.parametrize(("answer", "kind", "code"), ERRORS)
def test_what_twilios_refusals_mean(carrier: Carrier, answer: Answer, kind: type[SendError], code: str) -> None:
    carrier.answer = answer
    with pytest.raises(SendError) as raised:
        sender(carrier, timeout=0.5).send(MESSAGE)
    assert (type(raised.value), raised.value.code) == (kind, code)
    assert raised.value.sentence.strip()
    assert "5511" not in str(raised.value)
    assert len(carrier.asked) == 1


def test_when_nobody_listens_it_is_worth_another_try(carrier: Carrier) -> None:
    with pytest.raises(Retry) as raised:
        sender(carrier, api_url="http://127.0.0.1:9").send(MESSAGE)
    assert raised.value.code == "no-connection"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7.0), ("0", 1.0), ("nan", codes.PAUSE), ("inf", codes.PAUSE), ("-1", codes.PAUSE), ("soon", codes.PAUSE)],
)
def test_a_throttled_text_waits_as_long_as_twilio_says(carrier: Carrier, retry_after: str, seconds: float) -> None:
    carrier.answer = no(20429, 429, Retry_After=retry_after)
    with pytest.raises(Throttled) as raised:
        sender(carrier).send(MESSAGE)
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_given_address_may_have_a_path(carrier: Carrier, host: str) -> None:
    carrier.answer = YES
    sender(carrier, api_url=carrier.url.replace("127.0.0.1", host) + "/simulator/twilio/").send(MESSAGE)
    assert carrier.asked[0].path == f"/simulator/twilio/2010-04-01/Accounts/{SID}/Messages.json"


def test_a_region_in_the_environment_does_not_move_the_given_host(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    carrier.answer = YES
    assert sender(carrier).send(MESSAGE) == "SM42"


def test_one_connection_serves_many_texts_and_threads_share_the_sender(carrier: Carrier) -> None:
    carrier.answer = YES
    one = sender(carrier)
    for _ in range(5):
        one.send(MESSAGE)
    assert len(carrier.connections) == 1
    threads = [threading.Thread(target=one.send, args=[MESSAGE]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(carrier.asked) == 9


def test_the_guests_number_stays_out_of_the_log(carrier: Carrier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    carrier.answer = YES
    sender(carrier).send(MESSAGE)
    carrier.answer = no(21211)
    with pytest.raises(Unreachable):
        sender(carrier).send(MESSAGE)
    assert "87654321" not in caplog.text
    assert TOKEN not in caplog.text


def test_every_code_has_one_meaning() -> None:
    tables = [codes.UNREACHABLE, codes.WORTH_ANOTHER_TRY, codes.TOO_MANY, codes.REFUSED]
    assert len(set().union(*tables)) == sum(map(len, tables))
