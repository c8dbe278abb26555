"""The registry of channels, and what their adapters share."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.channels import CHANNELS, header, shortened


def test_each_channel_stands_under_its_own_name() -> None:
    assert {name: channel.name for name, channel in CHANNELS.items()} == {
        "sms": "sms",
        "whatsapp": "whatsapp",
        "telegram": "telegram",
    }


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("You are 3rd.", 12, "You are 3rd."),
        ("You are 3rd. Stay close.", 23, "You are 3rd."),
        ("You are 3rd.\nStay close by.", 14, "You are 3rd."),
        ("Hi. You are third in the line", 20, "Hi. You are third…"),
        ("unbreakable", 5, "unbr…"),
        ("one two three", 7, "one…"),
    ],
)
def test_a_text_too_long_is_cut_after_a_sentence_or_between_words(text: str, limit: int, cut: str) -> None:
    assert shortened(text, limit) == cut


@given(st.text(alphabet="ab .!?\n🍺", max_size=60), st.integers(1, 40))
def test_a_shortened_text_is_never_too_long(text: str, limit: int) -> None:
    assert len(shortened(text, limit)) <= limit


def test_a_header_is_found_whatever_its_case() -> None:
    assert header({"x-twilio-signature": "abc"}, "X-Twilio-Signature") == "abc"
    assert header({"Host": "x"}, "X-Twilio-Signature") is None


HEAVY = ["twilio.rest", "twilio.http", "requests", "telegram", "httpx", "aiohttp", "asyncio", "flask", "sqlalchemy"]


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("bots.channels", [*HEAVY, "twilio"]),
        ("bots.understanding", [*HEAVY, "twilio"]),
        ("bots.sms.webhook", HEAVY),
        ("bots.conversation", ["alembic", "argon2", "flask", "telegram", "twilio"]),
        ("core.storage.engine", ["alembic"]),
        ("bots.telegram.webhook", ["twilio", "flask", "sqlalchemy", "telegram.ext", "requests"]),
    ],
)
def test_a_path_does_not_import_what_it_does_not_need(module: str, unneeded: list[str]) -> None:
    check = f"import sys, {module}; print(*[name for name in {unneeded!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
