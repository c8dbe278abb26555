"""The pages and the JSON API: everything that is no webhook."""

import os
from collections.abc import Callable, Iterable
from functools import cache, partial
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from apig_wsgi import make_lambda_handler
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from core.storage.account_queues import AccountQueue
from core.storage.redis_server import answers
from core.venues import VenueService
from core.walk_ins import WalkIns
from lambdas.limits import counter
from lambdas.staff import accounts
from lambdas.watching import watched
from lambdas.wiring import Parts, parts
from web.access_log import AccessLog
from web.application import API, create_app
from web.health import look_at
from web.join_links import join_links
from web.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# CloudFront and the gateway: each adds whom it was asked by.
PROXIES = 2


class ThroughTheFront:
    """Turns away who comes past the front: what a request says of where it is from is believed only of those.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
    """

    def __init__(self, app: "WSGIApplication", key: str) -> None:
        self._app = app
        self._key = key

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The application's answer, or 403."""
        given = environ.get("HTTP_X_ORIGIN_KEY", "")
        if not compare_digest(given.encode(errors="replace"), self._key.encode()):
            return Response("This is not the address of the line.\n", 403)(environ, start_response)
        return self._app(environ, start_response)


class ByPath:
    """The pages, and from the first request for it on the API too: most containers are never asked for that."""

    def __init__(self, services: Services) -> None:
        self._pages = AccessLog(create_app(services, api=False))
        self._all = cache(lambda: AccessLog(create_app(services)))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The answer of the one or the other."""
        application = self._all() if environ["PATH_INFO"].startswith(API) else self._pages
        return application(environ, start_response)


@cache
def application() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The container's own. Raises SettingsError."""
    here = parts()
    assert here.settings.origin_key is not None  # Settings.from_parameters asks for it
    proxied = ProxyFix(ByPath(_services(here)), x_for=PROXIES)
    handler: Callable[[dict[str, Any], Any], dict[str, Any]] = make_lambda_handler(
        ThroughTheFront(proxied, here.settings.origin_key)
    )
    return handler


@watched
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request of API Gateway."""
    return application()(_without_lookalikes(event), context)


def _without_lookalikes(event: dict[str, Any]) -> dict[str, Any]:
    """Without headers whose names have an underscore: WSGI takes X_Forwarded_For for the gateway's X-Forwarded-For."""
    named = {}
    for kind in ("headers", "multiValueHeaders"):
        named[kind] = {name: value for name, value in (event.get(kind) or {}).items() if "_" not in name}
    return {**event, **named}


def _services(here: Parts) -> Services:
    settings, venues = here.settings, VenueService(here.queues)
    return Services(
        records=here.records,
        queues=here.queues,
        venues=venues,
        accounts=accounts(ask=AccountQueue(os.environ["CREATE_PRE_CUSTOMER"]).put),
        walk_ins=WalkIns(
            here.queues, venues, here.contacts, countries=settings.text_countries, texts_an_hour=settings.texts_an_hour
        ),
        positions=here.positions,
        contacts=here.contacts,
        public_url=settings.public_url,
        token_key=settings.token_key,
        join_links=partial(join_links, settings, settings.telegram.bot_name),
        health=partial(look_at, here.records, partial(answers, here.redis)),
        rate_limits=counter(),
    )
