"""The join page and the screen for the room."""

import pytest

from core.model import QueueState
from tests.web.pages.bar import Bar, Visitor


def test_the_join_page_says_how_long_the_line_is_and_how_to_join(bar: Bar, visitor: Visitor) -> None:
    bar.join("Ana")
    bar.join("Ben")

    page = visitor.get("/q/DEMO").text

    assert '<p class="huge number">2</p>' in page
    assert "parties are waiting" in page
    for link in (
        "sms:+15550100001?&amp;body=JOIN%20DEMO",
        "https://wa.me/15550100001?text=JOIN%20DEMO",
        "https://t.me/blue_bot?start=DEMO",
    ):
        assert f'href="{link}"' in page
    assert page.count("<svg") == 3
    assert "Ana" not in page


def test_a_code_in_small_letters_leads_to_the_page(visitor: Visitor) -> None:
    visitor.get("/q/demo")
    assert visitor.path == "/q/DEMO"
    visitor.get("/display/demo")
    assert visitor.path == "/display/DEMO"


@pytest.mark.parametrize("page", ["q", "display"])
def test_an_unknown_code_offers_the_nearest(visitor: Visitor, page: str) -> None:
    answer = visitor.get(f"/{page}/DEMA")

    assert answer.status_code == 404
    assert 'href="/q/DEMO"' in answer.text


@pytest.mark.parametrize("code", ["XYZ99", "<script>", "x" * 300])
def test_a_code_like_no_other_is_not_found(visitor: Visitor, code: str) -> None:
    answer = visitor.get(f"/q/{code}")

    assert answer.status_code == 404
    assert "/q/DEMO" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"state": QueueState.CLOSED}, "This line is closed."),
        ({"state": QueueState.PAUSED}, "This line takes nobody just now."),
        ({"capacity": 1}, "This line is full."),
    ],
)
def test_a_line_that_takes_nobody_says_so_and_offers_no_way_in(
    bar: Bar, visitor: Visitor, settings: dict[str, object], words: str
) -> None:
    bar.join("Ana")
    bar.change(**settings)

    page = visitor.get("/q/DEMO").text

    assert words in page
    assert "sms:" not in page
    assert words in visitor.get("/display/DEMO/live").text


def test_the_screen_shows_numbers_and_no_names(bar: Bar, visitor: Visitor) -> None:
    for name in ("Ana", "Ben", "Eva"):
        bar.join(name)
    bar.call_next()

    page = visitor.get("/display/DEMO").text

    assert '<li class="number">1</li>' in page
    assert '<li class="number">2</li>' in page
    assert not {"Ana", "Ben", "Eva"} & set(page.replace("<", " ").replace(">", " ").split())


def test_the_screen_follows_the_line(bar: Bar, visitor: Visitor) -> None:
    bar.join("Ana")
    tag = visitor.get("/display/DEMO/live").headers["ETag"]
    assert visitor.look("/display/DEMO/live", **{"If-None-Match": tag}).status_code == 304

    bar.call_next()

    assert visitor.look("/display/DEMO/live", **{"If-None-Match": tag}).status_code == 200
