"""A house for each test."""

from collections.abc import Iterator

import pytest

from tests.local.simulator.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """The simulator and played webhooks on one loopback server."""
    with House().serving() as house:
        yield house
