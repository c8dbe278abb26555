"""The story of the README, clicked through in a browser: staff on one page, the guests' phones on another."""

from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.journeys.line import EMAIL

PATIENCE_MS = 20_000


@dataclass(frozen=True, slots=True)
class Evening:
    """The two pages, as they stand when Ana has been called."""

    context: BrowserContext
    staff: Page
    phones: Page

    def phone(self, name: str) -> Locator:
        """One guest's phone."""
        return phone(self.phones, name)


def phone(phones: Page, name: str) -> Locator:
    """The phone with this title."""
    return phones.locator("article.phone").filter(has=phones.get_by_role("heading", name=name, exact=True))


def says(phones: Page, name: str, text: str, answer: str) -> None:
    """Type a message on a guest's phone, and wait for an answer with these words."""
    device = phone(phones, name)
    device.locator(".composer input").fill(text)
    device.get_by_role("button", name="Send").click()
    expect(device.get_by_role("log")).to_contain_text(answer, timeout=PATIENCE_MS)


def spend(browser: Browser, url: str, password: str) -> Evening:
    """Log in, let three guests join from their phones, and call the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    staff, phones = context.new_page(), context.new_page()
    staff.goto(url)
    staff.get_by_label("E-mail").fill(EMAIL)
    staff.get_by_label("Password").fill(password)
    staff.get_by_role("button", name="Log in").click()
    staff.get_by_role("link", name="Tables").click()
    phones.goto(f"{url}/simulator")
    says(phones, "Ana’s phone", "JOIN DEMO 4 Ana", "You're in!")
    says(phones, "João", "ENTRAR DEMO 2", "na fila")
    says(phones, "Ben’s phone", "JOIN DEMO 2 Ben", "You're in!")
    expect(staff.locator("#live ol.tickets > li")).to_have_count(3, timeout=PATIENCE_MS)
    staff.get_by_role("button", name="Call next").click()
    expect(phone(phones, "Ana’s phone").get_by_role("log")).to_contain_text("your turn", timeout=PATIENCE_MS)
    return Evening(context, staff, phones)
