"""The pages as they are served, on real databases."""

import pytest

from core.storage.records import Records
from tests.web.pages.bar import Bar, Visitor


@pytest.fixture
def bar(records: Records) -> Bar:
    return Bar(records)


@pytest.fixture
def visitor(bar: Bar) -> Visitor:
    """A browser that has been nowhere yet."""
    return Visitor(bar)


@pytest.fixture
def ann(bar: Bar) -> Visitor:
    """The browser of the bar's owner, logged in, with the board open."""
    visitor = Visitor(bar)
    visitor.log_in()
    visitor.get(bar.board)
    return visitor
