"""A running line for the journeys; with LINE_URL (and DEMO_PASSWORD), one that runs elsewhere."""

import os
from collections.abc import Iterator

import pytest

from tests.journeys.line import Line
from tests.local.edition import PASSWORD, Edition


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the line is: one machine's edition, started for these journeys, unless LINE_URL names another."""
    elsewhere = os.environ.get("LINE_URL")
    if elsewhere:
        yield elsewhere.rstrip("/")
        return
    with Edition(tmp_path_factory.mktemp("line")) as edition:
        yield edition.url


@pytest.fixture
def line(base_url: str) -> Iterator[Line]:
    """The demo venue's line, empty."""
    line = Line(base_url, os.environ.get("DEMO_PASSWORD", PASSWORD))
    line.empty()
    yield line
    line.http.close()
