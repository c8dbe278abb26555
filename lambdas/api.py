"""The pages and the JSON API: everything that is no webhook."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from apig_wsgi import make_lambda_handler
from werkzeug.middleware.proxy_fix import ProxyFix

from core.storage.redis_server import answers
from core.venues import VenueService
from core.walk_ins import WalkIns
from lambdas.staff import accounts
from lambdas.wiring import Parts, parts
from web import create_app
from web.access_log import AccessLog
from web.health import look_at
from web.join_links import join_links
from web.services import Services


@cache
def application() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The container's own. Raises SettingsError."""
    here = parts()
    app = create_app(_services(here))
    app.wsgi_app = AccessLog(app)  # type: ignore[method-assign]
    if here.settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=here.settings.proxies)  # type: ignore[method-assign]
    handler: Callable[[dict[str, Any], Any], dict[str, Any]] = make_lambda_handler(app)
    return handler


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request of API Gateway."""
    return application()(event, context)


def _services(here: Parts) -> Services:
    settings, venues = here.settings, VenueService(here.queues)
    return Services(
        records=here.records,
        queues=here.queues,
        venues=venues,
        accounts=accounts(),
        walk_ins=WalkIns(
            here.queues, venues, here.contacts, countries=settings.text_countries, texts_an_hour=settings.texts_an_hour
        ),
        positions=here.positions,
        contacts=here.contacts,
        public_url=settings.public_url,
        token_key=settings.token_key,
        join_links=partial(join_links, settings, settings.telegram.bot_name),
        health=partial(look_at, here.records, partial(answers, here.redis)),
        rate_limits=here.redis_url,
    )
