"""A running line for the journeys, of either edition; with LINE_URL (and DEMO_PASSWORD), one that runs elsewhere."""

import os
from collections.abc import Iterator

import pytest

from tests.journeys.line import Line
from tests.local.edition import PASSWORD, Edition
from tests.servers import free_port
from tests.stack import served

ELSEWHERE = os.environ.get("LINE_URL")
EDITIONS = ["elsewhere"] if ELSEWHERE else ["one machine", "AWS"]


@pytest.fixture(scope="session", params=EDITIONS)
def base_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the line is: each edition, started for these journeys, unless LINE_URL names another."""
    if request.param == "elsewhere":
        assert ELSEWHERE is not None
        yield ELSEWHERE.rstrip("/")
    elif request.param == "AWS":
        with served(tmp_path_factory.mktemp("stack"), free_port(), PASSWORD, request.getfixturevalue("zipped")) as url:
            yield url
    else:
        with Edition(tmp_path_factory.mktemp("line")) as edition:
            yield edition.url


@pytest.fixture
def line(base_url: str) -> Iterator[Line]:
    """The demo venue's line, empty."""
    line = Line(base_url, os.environ.get("DEMO_PASSWORD", PASSWORD))
    line.empty()
    yield line
    line.http.close()
