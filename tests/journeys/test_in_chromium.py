"""The story of the README, clicked through as a newcomer would."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.evening import PATIENCE_MS, Evening, spend
from tests.local.edition import PASSWORD, Edition

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory, browser: "Browser") -> Iterator[Evening]:
    """An evening on a machine of its own."""
    with Edition(tmp_path_factory.mktemp("evening")) as edition:
        evening = spend(browser, edition.url, PASSWORD)
        yield evening
        evening.context.close()


def test_the_called_guest_reads_it_on_the_phone_and_staff_see_that_it_arrived(evening: Evening) -> None:
    expect(evening.phone("Ana’s phone").get_by_role("log")).to_contain_text("your turn")
    called = evening.staff.locator("#live li.ticket.called")
    expect(called).to_contain_text("Ana")
    expect(called).to_contain_text("delivered", timeout=PATIENCE_MS)


def test_the_others_still_wait(evening: Evening) -> None:
    waiting = evening.staff.locator("#live ol.tickets > li")

    expect(waiting).to_have_count(2)
    expect(waiting.first).to_contain_text("João")


def test_a_guest_leaves_from_the_phone_and_the_board_follows(evening: Evening) -> None:
    device = evening.phone("João")
    device.get_by_role("button", name="Sair").last.click()
    expect(device.locator(".popup.alert")).to_be_visible(timeout=PATIENCE_MS)
    device.locator(".popup.alert").get_by_role("button", name="OK").click()
    device.get_by_role("button", name="Sair").last.click()

    waiting = evening.staff.locator("#live ol.tickets > li")
    expect(waiting).to_have_count(1, timeout=PATIENCE_MS)
    expect(waiting).to_contain_text("Ben")
