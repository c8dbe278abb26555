"""What the tests of the channels may ask for."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from core.storage.records import Records
from tests.bots.bars import Bars
from tests.bots.carriers import Carrier
from tests.core.invariants import assert_whole


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    """A carrier's API on loopback that says yes to everything until told otherwise."""
    with Carrier().serving() as running:
        yield running


@pytest.fixture
def bars(records: Records, engine: Engine) -> Iterator[Bars]:
    """A town without venues; whatever the test did, the record must be whole afterwards."""
    yield Bars(records)
    assert_whole(engine)
