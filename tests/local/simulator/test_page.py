"""The page itself, in Chromium and through the JSON that it uses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import jsonify

from tests.local.simulator.house import ANA, BAR, BEN, TELEGRAM_ANA, TELEGRAM_JOAO, House, eventually, twiml

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

HTML = '<img src=x onerror=alert(1)> & "co"'


# ---- through its JSON ----------------------------------------------------------------------------------


def test_the_page_starts_with_phones_of_each_carrier(house: House) -> None:
    channels = [known["channel"] for known in house.state()["changed"]]

    assert channels == ["sms", "sms", "whatsapp", "telegram", "telegram"]


def test_a_look_brings_only_what_changed(house: House) -> None:
    before = house.state()
    known = {"run": before["run"], "since": before["version"]}
    assert house.client.get("/state", params=known).status_code == 204

    house.write(ANA, "JOIN", BAR)

    news = house.client.get("/state", params=known).json()
    assert [conversation["id"] for conversation in news["changed"]] == [ANA]
    assert news["order"] == before["order"]
    assert news["mails"] is None


def test_a_page_from_before_a_restart_gets_everything(house: House) -> None:
    news = house.client.get("/state", params={"run": "earlier", "since": house.state()["version"]}).json()

    assert len(news["changed"]) == 5


@pytest.mark.parametrize(
    "new",
    [
        {"channel": "sms", "name": "Dora", "address": "+15550100104"},
        {"channel": "whatsapp", "name": "Dora", "address": "+5511987654321"},
        {"channel": "telegram", "name": HTML, "language": "es"},
    ],
)
def test_a_phone_can_be_added_and_removed(house: House, new: dict[str, str]) -> None:
    added = house.client.post("/conversations", json=new)
    assert added.status_code == 201
    assert house.conversation(added.json()["id"])["name"] == new["name"]

    assert house.client.delete(f"/conversations/{added.json()['id']}").status_code == 204

    assert len(house.state()["order"]) == 5


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/conversations", {"channel": "sms", "name": "Dora", "address": "12"}, 422),
        ("/conversations", {"channel": "sms", "name": "Dora", "address": "+9991234567"}, 422),
        ("/conversations", {"channel": "fax", "name": "Dora"}, 422),
        ("/conversations", {"channel": "telegram", "name": " "}, 422),
        ("/conversations", [], 422),
        (f"/conversations/{ANA}/messages", {"text": " ", "to": BAR}, 422),
        (f"/conversations/{ANA}/messages", {"text": "JOIN"}, 422),
        (f"/conversations/{ANA}/messages", {"text": "x" * 1601, "to": BAR}, 409),
        (f"/conversations/{TELEGRAM_ANA}/messages", {"text": "x" * 4097}, 409),
        (f"/conversations/{ANA}/switches", {"name": "asleep", "on": True}, 422),
        ("/conversations/sms:+15550000000/messages", {"text": "JOIN", "to": BAR}, 404),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(house: House, path: str, body: Any, wanted: int) -> None:
    answer = house.client.post(path, json=body)

    assert answer.status_code == wanted
    assert answer.json()["error"].endswith(".")
    assert house.calls == []


def test_there_is_no_mailbox_beside_a_real_mail_server() -> None:
    with House(mail=False).serving() as house:
        assert 'id="mail"' not in house.client.get("/").text


# ---- in Chromium ---------------------------------------------------------------------------------------


@pytest.fixture
def page(browser: "Browser", house: House) -> "Iterator[Page]":
    """The simulator, loaded; a script's fault or a blocked resource fails the test."""
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.goto(house.base_url + "/simulator")
    page.get_by_role("article").nth(5).wait_for()
    yield page
    page.close()
    assert faults == []


def phone(page: "Page", conversation: str) -> "Locator":
    return page.locator(f"[id='{conversation}']")


def test_what_is_typed_is_answered_on_the_same_phone(page: "Page", house: House) -> None:
    house.answers["/webhooks/sms"] = lambda _: twiml("You are 3rd. http://localhost:8000/t/abc.")

    ana = phone(page, ANA)
    ana.get_by_role("combobox").select_option(BAR)
    ana.get_by_label("Write as Ana’s phone").fill("JOIN DEMO 4")
    ana.get_by_role("button", name="Send").click()

    ana.get_by_text("You are 3rd.").wait_for()
    assert ana.get_by_role("link").get_attribute("href") == "http://localhost:8000/t/abc"
    assert house.called("/webhooks/sms")[0]["Body"] == "JOIN DEMO 4"
    assert phone(page, BEN).get_by_text("You are 3rd.").count() == 0


def test_a_suggestion_sends_itself(page: "Page", house: House) -> None:
    phone(page, TELEGRAM_JOAO).get_by_role("button", name="Open link DEMO").click()
    phone(page, ANA).get_by_role("button", name="JOIN DEMO").click()

    eventually(lambda: len(house.calls), 2)
    assert house.called("/webhooks/telegram")[0]["message"]["text"] == "/start DEMO"
    assert house.called("/webhooks/sms")[0]["Body"] == "JOIN DEMO"


def test_a_button_shows_the_alert_that_answers_it(page: "Page", house: House) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Leave", "callback_data": "leave"}]]}
    house.answers["/webhooks/telegram"] = lambda call: (
        jsonify(
            method="answerCallbackQuery",
            callback_query_id=call.values["callback_query"]["id"],
            text="Press again to leave",
            show_alert=True,
        )
        if "callback_query" in call.values
        else jsonify(method="sendMessage", chat_id=7001000102, text="You are 2nd", reply_markup=keyboard)
    )
    joao = phone(page, TELEGRAM_JOAO)
    joao.get_by_role("button", name="Open link DEMO").click()
    joao.get_by_role("button", name="Leave", exact=True).click()

    alert = joao.get_by_role("alertdialog")
    alert.get_by_text("Press again to leave").wait_for()
    alert.get_by_role("button", name="OK").click()
    alert.wait_for(state="hidden")


def test_names_and_texts_are_never_markup(page: "Page", house: House) -> None:
    house.answers["/webhooks/sms"] = lambda _: twiml(HTML)
    added = house.client.post("/conversations", json={"channel": "telegram", "name": HTML, "language": "en"})
    house.inside.receive_mail(HTML, HTML, f"{HTML} javascript:alert(1)")
    house.write(ANA, "JOIN", BAR)

    phone(page, ANA).locator(".entry.line").get_by_text(HTML).wait_for()
    phone(page, added.json()["id"]).get_by_role("heading", name=HTML).wait_for()
    page.locator("#mail").get_by_role("heading", name=HTML).wait_for()
    assert page.locator("main img").count() == 0
    assert page.locator("#mail a").count() == 0


def test_a_mailed_link_can_be_clicked(page: "Page", house: House) -> None:
    text = "Open\nhttp://localhost:8000/verify?token=a.b_c\nto verify."
    house.inside.receive_mail("a@b.example", "Verify", text)

    link = page.locator("#mail").get_by_role("link")
    link.wait_for()
    assert link.get_attribute("href") == "http://localhost:8000/verify?token=a.b_c"


def test_a_phone_that_is_off_takes_no_text(page: "Page", house: House) -> None:
    ana = phone(page, ANA)
    ana.get_by_text("Switches").click()
    ana.get_by_role("switch", name="Phone off").check()

    ana.locator(".states").get_by_text("Phone off").wait_for()
    assert ana.get_by_role("button", name="Send").is_disabled()
    assert ana.get_by_role("button", name="JOIN DEMO").is_disabled()


def test_a_phone_can_be_added_on_the_page(page: "Page", house: House) -> None:
    page.get_by_text("Add a phone").click()
    page.get_by_role("combobox", name="What").select_option("telegram")
    page.get_by_label("Name").fill("Dora")
    page.get_by_role("button", name="Add", exact=True).click()

    page.get_by_role("heading", name="Dora").wait_for()
    assert len(house.state()["order"]) == 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_is_accessible_and_fits(page: "Page", house: House, scheme: Any, width: int) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Leave", "callback_data": "leave"}]]}
    house.answers["/webhooks/telegram"] = lambda _: jsonify(
        method="sendMessage", chat_id=7001000102, text="You are 2nd", reply_markup=keyboard
    )
    house.write(ANA, "STOP", BAR)
    house.write(BEN, "JOIN", BAR)
    house.write(TELEGRAM_JOAO, "/start DEMO")
    house.inside.receive_mail("a@b.example", "Hi", "http://localhost/")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    page.get_by_text("You are 2nd").wait_for()
    page.get_by_text("Add a phone").click()

    results = Axe().run(page)

    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width
