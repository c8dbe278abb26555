"""What is taken out of a log line before it is written."""

import time
from typing import Any

import pytest

from core.logs import Mask

MASK = Mask(["a-secret-value", "another one", "a-secret-value-that-is-longer", "ab"])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("from +5511987654321 to +15550100001", "from …4321 to …0001"),
        ("whatsapp:+5511987654321", "whatsapp:…4321"),
        ("+55 (11) 98765-4321", "…4321"),
        ("chat 7001000101 wrote", "chat …0101 wrote"),
        ("there is no chat 7001000101.", "there is no chat …0101."),
        ("Duplicate entry 'telegram-7001000101' for key", "Duplicate entry 'telegram-…0101' for key"),
        ("Duplicate entry 'sms-+5511987654321' for key", "Duplicate entry 'sms-…4321' for key"),
        ("GET /2010-04-01/Messages.json?To=%2B5511987654321", "GET /2010-04-01/Messages.json?To=…4321"),
        ("5f2c1d6e-0000-4000-8000-000000000000", "5f2c1d6e-0000-4000-8000-000000000000"),
        ("To=%2b5511987654321 and %252B5511987654321", "To=…4321 and …4321"),
        ("+55\u00a011\u00a098765-4321", "…4321"),
        ("chat 4503599627370496 wrote", "chat …0496 wrote"),
        ("in 123456789.5 ms", "in 123456789.5 ms"),
        ("at 2026-11-20 20:00:00.123456 it was", "at 2026-11-20 20:00:00.123456 it was"),
        ("in 1234 ms", "in 1234 ms"),
        ("/t/0aB-_xyz?language=pt", "/t/…?language=pt"),
        ("/api/v1/guest/tickets/0aB-_xyz/leave", "/api/v1/guest/tickets/…/leave"),
        ("POST https://api.telegram.org/bot123:abc/sendMessage", "POST https://api.telegram.org/bot…/sendMessage"),
        ("mail to maria.silva@example.com.br", "mail to m…@example.com.br"),
        ("{'john.smith!refuse!@gmail.com': 550}", "{…@gmail.com': 550}"),
        ("mail to maria/o'c@example.com", "mail to m…@example.com"),
        ("key=a-secret-value;", "key=[secret];"),
        ("a-secret-value-that-is-longer", "[secret]"),
        ("abacus", "abacus"),
    ],
)
def test_what_is_private_is_masked(text: str, written: str) -> None:
    assert MASK(None, "info", {"event": text}) == {"event": written}


def test_it_is_masked_wherever_it_stands() -> None:
    line: dict[str, Any] = {
        "event": "sent",
        "to": ["+5511987654321", {"contact": ("sms", "+5511987654321")}],
        "error": ValueError("no such number: +5511987654321"),
        "status": 201,
        "delivered": True,
        "nothing": None,
    }

    written = MASK(None, "info", line)

    assert "5511987654321" not in str(written)
    assert (written["status"], written["delivered"], written["nothing"]) == (201, True, None)


def test_what_ties_lines_together_is_left_alone() -> None:
    line = {"request_id": "123456789012", "timestamp": "2026-11-20T20:00:00Z", "level": "info"}

    assert MASK(None, "info", dict(line)) == line


@pytest.mark.parametrize("part", ["a", "a.", "1", "+1 ", "a@", "@a.", "/t/", "("])
def test_what_a_stranger_has_written_does_not_take_long(part: str) -> None:
    long = part * (100_000 // len(part))

    started = time.process_time()
    MASK.text(long)

    # The square of the length takes twenty seconds.
    assert time.process_time() - started < 1
