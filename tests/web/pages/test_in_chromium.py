"""What staff and guests really see: in Chromium, with and without scripts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from core.model import QueueState, TicketState
from core.storage.engine import open_engine
from core.storage.records import Records
from tests.clocks import StillClock
from tests.databases import Databases
from tests.web.pages.bar import EMAIL, HOSTILE, PASSWORD, Bar

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}
# Chromium notes a form that was refused as a resource that failed to load, and htmx by these two names that a press
# took the place of a refresh.
NO_FAULTS = ("status of 422", "htmx:afterRequest", "htmx:sendAbort")


@pytest.fixture
def bar(sqlite_databases: Databases, clock: StillClock) -> Iterator[Bar]:
    """A bar whose guests came by every channel, with odd names."""
    engine = open_engine(sqlite_databases.migrated())
    bar = Bar(Records(engine, clock))
    for channel, name in (
        (None, "Ana"),
        ("sms", HOSTILE),
        ("telegram", "María del Carmen Fernández de la Vega y Ruiz"),
        ("whatsapp", "W" * 60),
        (None, ""),
    ):
        bar.join(name, channel=channel)
    yield bar
    engine.dispose()


@pytest.fixture
def url(bar: Bar) -> Iterator[str]:
    with bar.serving() as url:
        yield url


@pytest.fixture
def context(browser: "Browser") -> "Iterator[BrowserContext]":
    context = browser.new_context(viewport=PHONE, locale="en-US")  # type: ignore[arg-type]
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext") -> "Iterator[Page]":
    """A phone; a script's fault or a blocked resource fails the test."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    assert [fault for fault in faults if not any(words in fault for words in NO_FAULTS)] == []


def log_in(page: "Page", url: str) -> None:
    page.goto(url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Main bar").click()
    page.get_by_role("heading", name="Main bar").wait_for()
    # The scripts begin when all of the page is there.
    page.wait_for_load_state()


def test_call_next_changes_the_line_without_loading_the_page(page: "Page", bar: Bar, url: str) -> None:
    log_in(page, url)
    page.evaluate("window.loaded = 'once'")

    page.get_by_role("button", name="Call next").click()

    page.get_by_role("region", name="Called").get_by_text("Ana").wait_for()
    page.get_by_text("Number 1 is called.").wait_for()
    assert page.evaluate("window.loaded") == "once"
    assert bar.numbers(TicketState.CALLED) == [1]


def test_what_happens_elsewhere_comes_by_itself_and_leaves_open_what_is_open(page: "Page", bar: Bar, url: str) -> None:
    log_in(page, url)
    page.get_by_label("Name").fill("half typ")
    row = page.locator(".ticket", has_text="María")
    row.locator("summary").click()

    bar.call_next()

    page.get_by_role("region", name="Called").get_by_text("Ana").wait_for()
    assert row.get_by_role("button", name="Remove").is_visible()
    assert page.get_by_label("Name").input_value() == "half typ"


def test_a_place_being_typed_is_not_taken_away(page: "Page", bar: Bar, url: str) -> None:
    log_in(page, url)
    row = page.locator(".ticket", has_text="María")
    row.locator("summary").click()
    row.get_by_label("Place").fill("1")

    with page.expect_response(lambda answer: "/live" in answer.url and answer.status == 200):
        bar.call_next()
    assert row.get_by_label("Place").input_value() == "1"
    row.get_by_label("Place").press("Enter")

    page.get_by_text("Number 3 is at place 1 now.").wait_for()
    assert bar.numbers(TicketState.WAITING) == [3, 2, 4, 5]


def test_a_refused_walk_in_is_explained_and_stays_on_the_form(page: "Page", bar: Bar, url: str) -> None:
    log_in(page, url)
    page.get_by_label("Name").fill("Zoë")
    page.get_by_label("People").fill("3")
    page.get_by_label("Note").fill("x")
    bar.change(largest_party=2)

    with page.expect_response(lambda answer: answer.status == 422):
        page.get_by_role("button", name="Add to the line").click()

    page.get_by_text("This queue takes parties of up to 2.").wait_for()
    assert page.get_by_label("Name").input_value() == "Zoë"


def test_a_lost_connection_is_said_until_it_is_back(context: "BrowserContext", bar: Bar, url: str) -> None:
    page = context.new_page()
    log_in(page, url)

    context.set_offline(True)
    page.get_by_text("No connection.").wait_for()
    context.set_offline(False)

    page.get_by_text("No connection.").wait_for(state="hidden")


def test_a_press_that_takes_the_place_of_a_refresh_is_no_lost_connection(page: "Page", url: str) -> None:
    log_in(page, url)
    held: list[Route] = []
    with page.expect_request("**/live*"):
        page.route("**/live*", lambda _route: None)
    page.route("**/call-next", lambda route: held.append(route))  # noqa: PLW0108 - no method of a list will do

    with page.expect_event("requestfailed"), page.expect_request("**/call-next"):
        page.get_by_role("button", name="Call next").click()

    assert page.get_by_text("No connection.").is_hidden()
    held[0].continue_()
    page.get_by_text("Number 1 is called.").wait_for()


def test_who_presses_without_a_connection_is_told_so_until_the_next_answer(
    context: "BrowserContext", bar: Bar, url: str
) -> None:
    page = context.new_page()
    log_in(page, url)

    context.set_offline(True)
    page.get_by_role("button", name="Call next").click()
    said = page.get_by_text("No answer came. Look whether it was done before you press again.")
    said.wait_for()
    context.set_offline(False)
    page.get_by_text("No connection.").wait_for(state="hidden")

    assert said.is_visible()
    page.get_by_role("button", name="Call next").click()
    page.get_by_text("Number 1 is called.").wait_for()


def test_who_works_by_keyboard_goes_on_at_the_button_that_was_pressed(
    context: "BrowserContext", bar: Bar, url: str
) -> None:
    page = context.new_page()
    log_in(page, url)

    page.get_by_role("button", name="Call next").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Number 1 is called.").wait_for()

    page.wait_for_function("document.activeElement.id === 'call-next'")


def test_why_a_press_did_nothing_is_said(context: "BrowserContext", bar: Bar, url: str) -> None:
    page = context.new_page()
    log_in(page, url)
    database = bar.records._engine.url.database

    with closing(sqlite3.connect(database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        page.get_by_role("button", name="Call next").click()
        page.get_by_text("The database does not answer, so nothing was changed.").wait_for()
        other.execute("ROLLBACK")

    assert bar.queue().waiting == 5


def test_a_screen_whose_code_is_gone_says_so(context: "BrowserContext", bar: Bar, url: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/display/DEMO")
    page.get_by_text("Join the line").wait_for()

    bar.change(join_code="OTHER")

    page.get_by_text("No line has this code").wait_for()


def test_a_field_that_only_has_the_focus_keeps_no_news_away(context: "BrowserContext", bar: Bar, url: str) -> None:
    page = context.new_page()
    log_in(page, url)
    page.locator(".ticket", has_text="María").get_by_text("More").click()
    page.locator(".ticket", has_text="María").get_by_label("Place").focus()

    bar.join("Zoë")

    page.get_by_text("Zoë").wait_for()


def test_the_guests_page_turns_to_called_by_itself(page: "Page", bar: Bar, url: str) -> None:
    with bar.records.reading() as tx:
        [ana] = tx.tickets.first_waiting(bar.queue_id, 1)
    page.goto(f"{url}/t/{ana.token}")
    page.get_by_text("You’re next").wait_for()

    bar.call_next()

    page.get_by_role("heading", name="It’s your turn!").wait_for()
    box = page.locator(".place.called").bounding_box()
    assert box is not None
    assert box["height"] >= PHONE["height"]


def test_the_screen_for_the_room_follows(page: "Page", bar: Bar, url: str) -> None:
    page.goto(f"{url}/display/DEMO")

    bar.call_next()

    page.get_by_role("region", name="Called").get_by_text("1", exact=True).wait_for()


@pytest.mark.parametrize("size", [(1024, 768), (1280, 720), (1366, 768), (1920, 1080), (3840, 2160)])
def test_the_screen_for_the_room_shows_all_of_itself_at_once(
    page: "Page", bar: Bar, url: str, size: tuple[int, int]
) -> None:
    bar.call_next()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{url}/display/DEMO")

    page.get_by_text("Join the line").wait_for()

    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_the_screen_for_the_room_asks_nobody_to_join_a_paused_line(page: "Page", bar: Bar, url: str) -> None:
    page.goto(f"{url}/display/DEMO")
    page.get_by_text("Join the line").wait_for()

    bar.change(state=QueueState.PAUSED)

    page.get_by_text("This line takes nobody just now.").wait_for()
    page.get_by_text("Join the line").wait_for(state="hidden")


def test_everything_works_without_scripts(browser: "Browser", bar: Bar, url: str) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, url)
    page.get_by_role("button", name="Call next").click()
    page.get_by_role("button", name="Served number 1").click()
    page.get_by_text("Number 1 is served.").wait_for()
    with bar.records.reading() as tx:
        [second] = tx.tickets.first_waiting(bar.queue_id, 1)

    page.goto(f"{url}/t/{second.token}")
    page.get_by_text("Leave the line", exact=True).click()
    page.get_by_role("button", name="Yes, leave the line").click()

    page.get_by_role("heading", name="You’ve left the line").wait_for()
    context.close()
    assert bar.numbers(TicketState.SERVED) == [1]
    assert bar.numbers(TicketState.LEFT) == [2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_every_page_fits_and_can_be_read_by_everybody(
    browser: "Browser", bar: Bar, url: str, scheme: str, size: dict[str, int]
) -> None:
    called = bar.call_next()
    missed = bar.act(bar.services.queues.no_show, bar.call_next())
    with bar.records.reading() as tx:
        [waiting] = tx.tickets.first_waiting(bar.queue_id, 1)
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, url)
    page.locator("summary").nth(2).click()
    page.get_by_role("button", name="Undo").click()
    page.locator(".said").wait_for()
    assert_fits_and_reads(page)
    forms = [
        "/",
        "/venues/new",
        f"{bar.board}/close",
        f"{bar.board}/settings",
        "/register",
        "/forgot",
        "/verify?token=x",
    ]
    places = [f"/t/{ticket.token}" for ticket in (called, missed, waiting)]
    for path in (*forms, *places, "/t/unknown", "/q/DEMO", "/q/DEMA", "/display/DEMO", "/queues/unknown"):
        page.goto(url + path)
        for summary in page.locator("summary").all():
            summary.click()
        assert_fits_and_reads(page)
    context.close()


def assert_fits_and_reads(page: "Page") -> None:
    """No scrolling sideways, and nothing that axe finds serious."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    violations = Axe().run(page).response["violations"]
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in violations
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == [], page.url
