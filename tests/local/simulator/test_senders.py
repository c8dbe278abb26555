"""Our own senders against the simulated carriers: each switch ends as the error it stands for."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bots.channels import Outgoing, Retry, SendError, Throttled, Unreachable
from bots.messages import Button
from bots.sms.sender import TwilioSender
from bots.telegram.sender import TelegramSender
from tests.local.simulator.house import (
    ACCOUNT_SID,
    ANA,
    AUTH_TOKEN,
    BAR,
    BOT_TOKEN,
    PUBLIC_URL,
    TELEGRAM_ANA,
    House,
    eventually,
)

TEXT = Outgoing(
    channel="sms",
    address="+15550100101",
    text="Your table is ready",
    sender=BAR,
    valid_for=timedelta(minutes=10),
)
CHAT = Outgoing(
    channel="telegram",
    address="7001000101",
    text="Your table is ready",
    sender=None,
    buttons=((Button("Leave", "leave"),),),
)


@pytest.fixture
def twilio(house: House) -> TwilioSender:
    return TwilioSender(ACCOUNT_SID, AUTH_TOKEN, PUBLIC_URL, api_url=f"{house.base_url}/simulator/twilio")


@pytest.fixture
def telegram(house: House) -> Iterator[TelegramSender]:
    sender = TelegramSender(BOT_TOKEN, api_url=f"{house.base_url}/simulator/telegram")
    yield sender
    sender.close()


def test_a_text_of_ours_is_delivered_and_reported(house: House, twilio: TwilioSender) -> None:
    sid = twilio.send(TEXT)

    eventually(lambda: house.shown(ANA), ["Your table is ready"])
    eventually(house.statuses, ["sent", "delivered"])
    assert {report["MessageSid"] for report in house.called("/webhooks/sms/status")} == {sid}


def test_a_chat_message_of_ours_shows_with_its_buttons(house: House, telegram: TelegramSender) -> None:
    message_id = telegram.send(CHAT)

    [entry] = house.conversation(TELEGRAM_ANA)["entries"]
    assert (str(entry["id"]), entry["buttons"][0][0]["data"]) == (message_id, "leave")


@pytest.mark.parametrize(("switch", "error"), [("throttled", Throttled), ("failing", Retry)])
def test_trouble_at_twilio_is_the_error_it_stands_for(
    house: House, twilio: TwilioSender, switch: str, error: type[SendError]
) -> None:
    house.turn(ANA, switch, True)

    with pytest.raises(error):
        twilio.send(TEXT)


def test_who_opted_out_is_unreachable(house: House, twilio: TwilioSender) -> None:
    house.write(ANA, "STOP", BAR)
    eventually(lambda: len(house.calls), 1)

    with pytest.raises(Unreachable):
        twilio.send(TEXT)


@pytest.mark.parametrize(("switch", "error"), [("throttled", Throttled), ("failing", Retry), ("blocked", Unreachable)])
def test_trouble_at_telegram_is_the_error_it_stands_for(
    house: House, telegram: TelegramSender, switch: str, error: type[SendError]
) -> None:
    house.turn(TELEGRAM_ANA, switch, True)

    with pytest.raises(error):
        telegram.send(CHAT)
