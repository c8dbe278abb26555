"""SMS and WhatsApp: from the phone to the webhook, and from Twilio's own client to the phone."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from flask import Response
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from tests.clocks import StillClock
from tests.local.simulator.house import (
    ACCOUNT_SID,
    ANA,
    AUTH_TOKEN,
    BAR,
    BEN,
    CARLA,
    CLUB,
    PUBLIC_URL,
    House,
    eventually,
    twiml,
)

CALLBACK = f"{PUBLIC_URL}/webhooks/sms/status?notice=5"


def send(house: House, to: str = "+15550100101", token: str = AUTH_TOKEN, **details: Any) -> MessageInstance:
    client = Client(ACCOUNT_SID, token)
    client.api.base_url = house.base_url + "/simulator/twilio"
    details = {"from_": BAR, "body": "Your table is ready", "status_callback": CALLBACK} | details
    return client.messages.create(to=to, **details)


def refusal(house: House, **details: Any) -> tuple[int, int | None]:
    with pytest.raises(TwilioRestException) as refused:
        send(house, **details)
    return refused.value.status, refused.value.code


# ---- from the phone ------------------------------------------------------------------------------------


def test_a_text_reaches_the_webhook_with_all_that_twilio_sends(house: House) -> None:
    assert house.write(ANA, " JOIN DEMO ", BAR).status_code == 202

    eventually(lambda: len(house.calls), 1)
    [form] = house.called("/webhooks/sms")
    assert form["Body"] == " JOIN DEMO "
    assert (form["From"], form["To"], form["FromCountry"], form["ToCountry"]) == (
        "+15550100101",
        BAR,
        "US",
        "US",
    )
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]
    assert form["MessageSid"].startswith("SM")
    assert len(form["MessageSid"]) == 34
    assert form["AccountSid"] == ACCOUNT_SID
    assert (form["NumMedia"], form["NumSegments"], form["SmsStatus"]) == ("0", "1", "received")
    assert form["FromCity"] == form["ToZip"] == ""
    assert "OptOutType" not in form
    assert house.calls[0].host == "queue.example:8443"
    assert house.refused == []


def test_each_text_has_a_sid_of_its_own(house: House) -> None:
    house.write(ANA, "JOIN", BAR)
    house.write(ANA, "JOIN", BAR)

    eventually(lambda: len({form["MessageSid"] for form in house.called("/webhooks/sms")}), 2)


def test_the_twiml_that_answers_shows_as_messages(house: House) -> None:
    house.answers["/webhooks/sms"] = lambda _: twiml("You are 3rd <i>in</i> line", "Reply LEAVE & go")

    house.write(ANA, "JOIN DEMO", BAR)

    wanted = ["JOIN DEMO", "You are 3rd <i>in</i> line", "Reply LEAVE & go"]
    eventually(lambda: house.shown(ANA), wanted)
    assert house.conversation(ANA)["entries"][0]["status"] == "sent"
    assert house.conversation(ANA)["entries"][1]["number"] == BAR


def test_texts_of_one_phone_arrive_in_the_order_they_were_typed(house: House) -> None:
    typed = [f"text {number}" for number in range(20)]
    for text in typed:
        house.write(ANA, text, BAR)

    eventually(lambda: [form["Body"] for form in house.called("/webhooks/sms")], typed)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(status=500), "11200"),
        (Response("<Response", content_type="text/xml"), "12100"),
        (Response("<Response/>", content_type="text/html"), "12300"),
        (Response("<Say>hi</Say>", content_type="text/xml"), "12200"),
        (Response("<Response><Message> </Message></Response>", content_type="text/xml"), "14103"),
        (twiml(*["again"] * 11), "12200"),
        (twiml("x" * 1601), "21617"),
    ],
)
def test_a_bad_answer_loses_the_text_and_the_page_says_why(house: House, answer: Response, code: str) -> None:
    house.answers["/webhooks/sms"] = lambda _: answer

    house.write(ANA, "JOIN", BAR)

    eventually(lambda: code in "".join(house.shown(ANA, "note")), True)
    assert house.conversation(ANA)["entries"][0]["status"] == "failed"
    assert house.shown(ANA, "line") == []
    assert len(house.called("/webhooks/sms")) == 1


def test_whatsapp_carries_the_profile_name(house: House) -> None:
    house.write(CARLA, "JOIN", BAR)

    eventually(lambda: len(house.calls), 1)
    [form] = house.called("/webhooks/sms")
    assert form["From"] == "whatsapp:+15550100103"
    assert form["To"] == f"whatsapp:{BAR}"
    assert (form["ProfileName"], form["WaId"]) == ("Carla", "15550100103")
    assert "FromCountry" not in form


# ---- the carrier's own words ---------------------------------------------------------------------------


def test_stop_is_answered_by_the_carrier_and_blocks_that_sender_only(house: House) -> None:
    house.write(ANA, "Stop ", BAR)

    eventually(lambda: [form["Body"] for form in house.called("/webhooks/sms")], ["Stop "])
    assert "unsubscribed" in house.shown(ANA, "carrier")[0]
    assert house.conversation(ANA)["opted_out_of"] == [BAR]
    assert refusal(house) == (400, 21610)
    send(house, from_=CLUB)
    send(house, to="+15550100102")
    eventually(lambda: house.shown(ANA, "line"), ["Your table is ready"])
    eventually(lambda: house.shown(BEN, "line"), ["Your table is ready"])


def test_start_lifts_the_block(house: House) -> None:
    house.write(ANA, "OPTOUT", BAR)
    house.write(ANA, "yes", BAR)

    eventually(lambda: len(house.called("/webhooks/sms")), 2)
    send(house)
    eventually(lambda: house.shown(ANA, "line"), ["Your table is ready"])
    assert "subscribed" in house.shown(ANA, "carrier")[1]


def test_help_is_answered_by_the_carrier_and_reaches_the_webhook(house: House) -> None:
    house.write(ANA, "info", BAR)

    eventually(lambda: [form["Body"] for form in house.called("/webhooks/sms")], ["info"])
    assert "STOP" in house.shown(ANA, "carrier")[0]


def test_a_reply_of_ours_to_stop_does_not_arrive(house: House) -> None:
    house.answers["/webhooks/sms"] = lambda _: twiml("Sorry to see you go")

    house.write(ANA, "STOP", BAR)

    eventually(lambda: "21610" in "".join(house.shown(ANA, "note")), True)
    assert house.shown(ANA, "line") == []


def test_the_words_mean_something_only_as_the_whole_message(house: House) -> None:
    house.write(ANA, "STOP please", BAR)

    eventually(lambda: len(house.calls), 1)
    assert house.shown(ANA, "carrier") == []
    assert house.conversation(ANA)["opted_out_of"] == []


def test_whatsapp_leaves_the_words_to_us(house: House) -> None:
    house.answers["/webhooks/sms"] = lambda _: twiml("No more messages. START lifts it.")

    house.write(CARLA, "STOP", BAR)

    eventually(lambda: house.shown(CARLA), ["STOP", "No more messages. START lifts it."])


def test_an_account_with_own_keywords_answers_them_itself() -> None:
    with House(carrier_keywords=False).serving() as house:
        house.answers["/webhooks/sms"] = lambda _: twiml("Stopped.")

        house.write(ANA, "STOP", BAR)

        eventually(lambda: house.shown(ANA), ["STOP", "Stopped."])


def test_advanced_opt_out_names_the_keyword() -> None:
    with House(advanced_opt_out=True).serving() as house:
        house.write(ANA, "quit", BAR)

        eventually(lambda: [form.get("OptOutType") for form in house.called("/webhooks/sms")], ["STOP"])


# ---- from our client -----------------------------------------------------------------------------------


def test_a_message_of_twilios_client_arrives_and_is_reported_signed(house: House) -> None:
    message = send(house)

    assert str(message.status) == "queued"
    assert str(message.sid).startswith("SM")
    assert str(message.direction) == "outbound-api"
    assert message.date_created is not None
    eventually(lambda: house.shown(ANA, "line"), ["Your table is ready"])
    eventually(house.statuses, ["sent", "delivered"])
    report = house.called("/webhooks/sms/status")[0]
    assert (report["MessageSid"], report["From"], report["To"]) == (message.sid, BAR, "+15550100101")
    assert house.calls[0].path == "/webhooks/sms/status?notice=5"


def test_a_long_text_says_how_many_it_counts_as(house: House) -> None:
    def segments() -> list[int]:
        return [entry["segments"] for entry in house.conversation(ANA)["entries"]]

    assert send(house, body="x" * 161).num_segments == "2"
    eventually(segments, [2])
    send(house, body="\N{BEER MUG} " + "x" * 60)
    eventually(segments, [2, 1])


def test_a_phone_that_is_off_gets_its_texts_in_order_when_it_is_on(house: House) -> None:
    house.turn(ANA, "off", True)
    send(house, body="one")
    eventually(house.statuses, ["sent"])
    send(house, body="two")
    eventually(house.statuses, ["sent", "sent"])
    assert house.write(ANA, "hello?", BAR).status_code == 409
    assert house.shown(ANA) == []

    house.turn(ANA, "off", False)

    eventually(lambda: house.shown(ANA), ["one", "two"])
    eventually(house.statuses, ["sent", "sent", "delivered", "delivered"])


def test_a_text_that_outlives_its_validity_is_never_shown(house: House) -> None:
    house.turn(ANA, "off", True)
    send(house, validity_period=1)

    eventually(house.statuses, ["sent", "undelivered"])
    house.turn(ANA, "off", False)
    assert house.called("/webhooks/sms/status")[1]["ErrorCode"] == "30036"
    assert house.shown(ANA, "line") == []


@pytest.mark.parametrize(("conversation", "switch", "code"), [(ANA, "landline", "30006"), (CARLA, "blocked", "63014")])
def test_a_phone_that_cannot_get_it_is_reported(house: House, conversation: str, switch: str, code: str) -> None:
    prefix = "whatsapp:" if conversation == CARLA else ""
    if prefix:
        house.write(CARLA, "JOIN", BAR)
    house.turn(conversation, switch, True)

    send(house, to=prefix + conversation.rpartition(":")[2], from_=prefix + BAR)

    eventually(house.statuses, ["sent", "undelivered"])
    assert house.called("/webhooks/sms/status")[1]["ErrorCode"] == code
    assert house.shown(conversation, "line") == []


def test_whatsapp_takes_free_text_only_for_a_day_after_the_guest_wrote() -> None:
    clock = StillClock()
    with House(clock).serving() as house:
        house.write(CARLA, "JOIN", BAR)
        clock.advance(timedelta(hours=24, seconds=1))
        send(house, to="whatsapp:+15550100103", from_=f"whatsapp:{BAR}")
        eventually(house.statuses, ["failed"])
        assert house.called("/webhooks/sms/status")[0]["ErrorCode"] == "63016"

        house.write(CARLA, "POSITION", BAR)
        send(house, to="whatsapp:+15550100103", from_=f"whatsapp:{BAR}")

        eventually(house.statuses, ["failed", "sent", "delivered", "read"])
        assert house.called("/webhooks/sms/status")[1]["To"] == "whatsapp:+15550100103"
        assert house.shown(CARLA, "line") == ["Your table is ready"]


def test_a_guest_who_wrote_before_a_restart_is_still_called_on_whatsapp() -> None:
    clock = StillClock()
    with House(clock).serving() as house:
        for number in ("+15550100103", "+15550100199"):
            send(house, to=f"whatsapp:{number}", from_=f"whatsapp:{BAR}")
        eventually(lambda: sorted(house.statuses()), sorted(["sent", "delivered", "read"] * 2))
        clock.advance(timedelta(hours=24, seconds=1))
        send(house, to="whatsapp:+15550100103", from_=f"whatsapp:{BAR}")
        eventually(lambda: house.statuses()[6:], ["failed"])


@pytest.mark.parametrize(("switch", "wanted"), [("throttled", (429, 20429)), ("failing", (500, 20500))])
def test_a_switch_makes_the_call_fail_and_nothing_arrives(house: House, switch: str, wanted: tuple[int, int]) -> None:
    house.turn(ANA, switch, True)

    assert refusal(house) == wanted

    house.turn(ANA, switch, False)
    send(house, body="now")
    eventually(lambda: house.shown(ANA), ["now"])


@pytest.mark.parametrize(
    ("details", "wanted"),
    [
        ({"to": "hello"}, (400, 21211)),
        ({"to": ""}, (400, 21604)),
        ({"from_": "+15550199999"}, (400, 21606)),
        ({"from_": ""}, (400, 21603)),
        ({"body": ""}, (400, 21602)),
        ({"body": "x" * 1601}, (400, 21617)),
        ({"validity_period": 36001}, (400, 90007)),
        ({"status_callback": "https://elsewhere.example/status"}, (400, 21609)),
        ({"to": "whatsapp:+15550100103"}, (400, 63007)),
        ({"token": "wrong"}, (401, 20003)),
    ],
)
def test_a_call_that_twilio_would_refuse_is_refused_with_its_code(
    house: House, details: dict[str, Any], wanted: tuple[int, int]
) -> None:
    assert refusal(house, **details) == wanted
    assert house.calls == []


def test_an_error_has_twilios_shape(house: House) -> None:
    url = f"/twilio/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    answer = house.client.post(url, data={"To": "+15550100101"}, auth=(ACCOUNT_SID, AUTH_TOKEN))

    assert answer.status_code == 400
    assert answer.json() == {
        "code": 21603,
        "message": "A 'From' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21603",
        "status": 400,
    }


def test_a_text_to_a_number_without_a_phone_puts_its_phone_on_the_page(house: House) -> None:
    send(house, to="+5511987654321")

    eventually(lambda: house.shown("sms:+5511987654321"), ["Your table is ready"])


def test_phones_that_nobody_added_give_way_when_there_are_too_many(house: House) -> None:
    for number in range(45):
        send(house, to=f"+1555020{number:04}", status_callback=None)

    order = house.state()["order"]
    assert len(order) == 40
    assert {ANA, BEN, CARLA} <= set(order)
    assert "sms:+15550200044" in order
    assert "sms:+15550200000" not in order


def test_only_the_last_messages_are_kept(house: House) -> None:
    for number in range(203):
        house.write(ANA, str(number), BAR)

    eventually(lambda: house.shown(ANA), [str(number) for number in range(3, 203)])


def test_without_the_twilio_half_there_is_neither_api_nor_phone() -> None:
    with House(sms=False).serving() as house:
        url = f"/twilio/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
        answer: httpx.Response = house.client.post(url, auth=(ACCOUNT_SID, AUTH_TOKEN))
        assert answer.status_code == 404
        assert [known["channel"] for known in house.state()["changed"]] == ["telegram", "telegram"]
        new = {"channel": "sms", "name": "Dora", "address": "+15550100104"}
        assert house.client.post("/conversations", json=new).status_code == 409
