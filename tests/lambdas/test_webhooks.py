"""Carriers' requests through API Gateway, answered by the functions from their zip."""

from tests.bots.bars import NUMBER
from tests.lambdas.conftest import Deployed

ANA = "+5511987654321"


def text(body: str, sid: str) -> dict[str, str]:
    return {"MessageSid": sid, "From": ANA, "To": NUMBER, "Body": body, "NumMedia": "0", "Empty": ""}


def test_a_signed_text_is_answered_and_once_only(deployed: Deployed) -> None:
    first = deployed.text("/webhooks/sms", text("JOIN DEMO 2", "SM1"))
    again = deployed.text("/webhooks/sms", text("JOIN DEMO 2", "SM1"))

    assert (first.status_code, first.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert "You're in! Place 1 in line" in first.text
    assert again.text == first.text
    assert "Place 1 in line" in deployed.text("/webhooks/sms", text("POSITION", "SM2")).text


def test_a_text_with_another_signature_is_refused(deployed: Deployed) -> None:
    refused = deployed.text("/webhooks/sms", text("JOIN DEMO 2", "SM3"), token="another token")

    assert refused.status_code == 403


def test_a_delivery_report_is_taken_down(deployed: Deployed) -> None:
    report = {"MessageSid": "SM-unknown", "MessageStatus": "delivered", "To": ANA, "From": NUMBER}

    assert deployed.text("/webhooks/sms/status", report).status_code == 204


def test_an_update_is_answered_with_a_method(deployed: Deployed) -> None:
    chat = {"id": 4711, "type": "private"}
    sender = {"id": 4711, "is_bot": False, "first_name": "Caio", "language_code": "pt-br"}
    message = {"message_id": 1, "date": 1764000000, "chat": chat, "from": sender, "text": "/start DEMO"}

    answer = deployed.update({"update_id": 1, "message": message})

    assert answer.status_code == 200
    assert answer.json()["method"] == "sendMessage"
    assert answer.json()["text"].startswith("Pronto! Lugar ")
    assert deployed.update({"update_id": 2, "message": message}, secret="guessed").status_code == 403
