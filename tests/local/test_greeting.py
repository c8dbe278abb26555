"""What `make run` prints when it serves."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.settings import Settings
from core.storage.schema import migrate
from local.application import Parts
from local.demo import make_demo
from local.greeting import greeting

TELEGRAM = {"TELEGRAM_BOT_TOKEN": "123456:ABC-DEF"}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """An edition whose database has nothing in it."""
    with closing(Parts(Settings.from_environment({"DATA_DIR": str(tmp_path)}))) as parts:
        migrate(parts.engine)
        yield parts


def test_the_demo_is_shown_where_there_is_one(parts: Parts) -> None:
    assert "/q/DEMO" not in greeting(parts, None)
    assert "text JOIN" not in greeting(parts, None)

    make_demo(parts)

    assert "  Join page   http://localhost:8000/q/DEMO\n" in greeting(parts, None)
    assert "text JOIN to +15550100001, or write DEMO to the bot\n" in greeting(parts, None)


def test_only_what_is_simulated_is_to_be_tried_there(parts: Parts, tmp_path: Path) -> None:
    make_demo(parts)
    parts.settings = Settings.from_environment({"DATA_DIR": str(tmp_path), **TELEGRAM})

    assert "text JOIN to +15550100001\n" in greeting(parts, None)
    assert "to the bot" not in greeting(parts, None)
