"""What the tests of core/ share."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from core.storage.records import Records
from tests.core.invariants import assert_whole
from tests.core.lines import Line
from tests.servers import MiniStack


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running AWS."""
    with MiniStack(tmp_path_factory.mktemp("ministack")) as aws:
        yield aws


@pytest.fixture
def line(records: Records, engine: Engine):
    """An open queue without limits; whatever the test did, the record must be whole afterwards."""
    line = Line(records, engine)
    yield line
    assert_whole(engine)


@pytest.fixture
def make_line(records: Records, engine: Engine):
    """Makes the one queue with settings of the test's own."""
    yield lambda **settings: Line(records, engine, **settings)
    assert_whole(engine)
