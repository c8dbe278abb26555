"""The web application: the JSON API and the pages.

`create_app(services)` is all that an edition calls. Inside, `web.services.current()` gives the services of the
request's application.
"""

from flask import Flask

from web import api, health, problems
from web.limits import RateLimits
from web.pages import register_pages
from web.services import Services

LARGEST_BODY = 64 * 1024


def create_app(services: Services) -> Flask:
    """The application on these parts. It connects to nothing by itself."""
    # The style sheet and the scripts are served by web.pages.assets.
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions["services"] = services
    app.extensions["rate_limits"] = RateLimits(services.rate_limits)
    # A doubled slash is a wrong address, not a redirection.
    app.url_map.merge_slashes = False
    problems.register(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(health.blueprint)
    register_pages(app, services)
    return app
