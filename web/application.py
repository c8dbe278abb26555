"""Puts the Flask application together from its services."""

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from web import health, problems
from web.limits import RateLimits
from web.pages import register_pages
from web.pages.error_pages import error_page
from web.services import Services

LARGEST_BODY = 64 * 1024
API = "/api/"
"""What the paths of the API begin with, and no page's."""


def create_app(services: Services, *, api: bool = True) -> Flask:
    """The application on these parts. It connects to nothing by itself.

    Without `api` it has the pages alone, and loads nothing of what only the API is made of.
    """
    # The style sheet and the scripts are served by web.pages.assets.
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions["services"] = services
    app.extensions["rate_limits"] = RateLimits(services.rate_limits)
    # A doubled slash is a wrong address, not a redirection.
    app.url_map.merge_slashes = False
    problems.register(app)
    app.register_error_handler(HTTPException, _http_error)
    if api:
        from web.api import blueprint

        app.register_blueprint(blueprint)
    app.register_blueprint(health.blueprint)
    register_pages(app, services)
    return app


def _http_error(error: HTTPException) -> Response:
    """What no route has answered: a problem for a program, a page for a person."""
    return problems.http_error(error) if request.path.startswith(API) else error_page(error)
