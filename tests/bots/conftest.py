"""What the tests of the channels may ask for."""

from collections.abc import Iterator

import pytest

from tests.bots.carriers import Carrier


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    """A carrier's API on loopback that says yes to everything until told otherwise."""
    with Carrier().serving() as running:
        yield running
