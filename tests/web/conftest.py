"""What all tests of the web share."""

from collections.abc import Callable

import pytest
from flask import Flask

from web.application import create_app
from web.limits import RateLimits
from web.pages import sessions
from web.services import Services


@pytest.fixture(scope="session")
def shared_app() -> Callable[[Services], Flask]:
    """The application on a test's own parts. There is one: its routes and templates take longer than most tests."""
    made: list[Flask] = []

    def on(services: Services) -> Flask:
        if not made:
            made.append(create_app(services))
        [app] = made
        app.extensions |= {"services": services, "rate_limits": RateLimits(services.rate_limits)}
        sessions.configure(app, services)
        return app

    return on
