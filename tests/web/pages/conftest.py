"""The pages as they are served, on real databases."""

from collections.abc import Callable

import pytest
from flask import Flask

from core.storage.records import Records
from tests.web.pages.bar import Bar, Visitor
from web.services import Services


@pytest.fixture
def bar(records: Records, shared_app: Callable[[Services], Flask]) -> Bar:
    return Bar(records, make_app=shared_app)


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
