"""An edition for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.edition import Edition


@pytest.fixture
def edition(tmp_path: Path) -> Iterator[Edition]:
    """The one-machine edition, running, with data of its own."""
    with Edition(tmp_path / "edition") as edition:
        yield edition
