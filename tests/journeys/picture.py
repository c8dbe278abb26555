"""Takes the README's picture: `python -m tests.journeys.picture` writes docs/images/evening.png."""

import shutil
import tempfile
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser, Locator, sync_playwright

from tests.journeys.evening import Evening, spend
from tests.local.edition import PASSWORD, Edition

PICTURE = Path(__file__).parents[2] / "docs/images/evening.png"
AROUND = 14
"""Pixels beside a phone: its frame is drawn outside of it."""
PAGE = """<!doctype html>
<style>
  body {{ margin: 0; padding: 20px; width: max-content; background: #eeeff3; }}
  body {{ display: flex; align-items: start; gap: 12px; }}
  .board {{ border-radius: 12px; box-shadow: 0 6px 28px #0003; margin: 5px 12px 9px 0; }}
  img {{ display: block; }}
</style>
<img class="board" src="{board}"><img src="{ana}"><img src="{joao}">
"""


def take(browser: Browser, url: str) -> bytes:
    """The board beside two of the phones, right after a call."""
    evening = spend(browser, url, PASSWORD)
    # All phones at once, none of them cut.
    evening.phones.set_viewport_size({"width": 1280, "height": 1600})
    ana, joao = evening.phone("Ana’s phone"), evening.phone("João")
    height = (ana.bounding_box() or {"height": 0})["height"]
    evening.staff.set_viewport_size({"width": 680, "height": round(height)})
    evening.staff.locator("#live li.ticket.called", has_text="delivered").wait_for()
    # What says that somebody was called goes away by itself.
    evening.staff.get_by_text("is called.").wait_for(state="hidden")
    shots = {"board": evening.staff.screenshot(), "ana": _shot(evening, ana), "joao": _shot(evening, joao)}
    images = {name: f"data:image/png;base64,{b64encode(shot).decode()}" for name, shot in shots.items()}
    page = evening.context.new_page()
    page.set_viewport_size({"width": 1600, "height": 900})
    page.set_content(PAGE.format(**images))
    page.wait_for_timeout(300)
    return page.locator("body").screenshot()


def _shot(evening: Evening, device: Locator) -> bytes:
    box = device.bounding_box()
    assert box is not None
    return evening.phones.screenshot(
        clip={
            "x": box["x"] - AROUND,
            "y": box["y"] - AROUND,
            "width": box["width"] + 2 * AROUND,
            "height": box["height"] + 2 * AROUND,
        }
    )


def main() -> None:
    """Start an edition of its own, let an evening pass in it, and keep the picture."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Edition(Path(directory), PUBLIC_URL="http://localhost:8000") as edition,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(take(browser, edition.url))
        browser.close()


if __name__ == "__main__":
    main()
