"""The JSON API under /api/v1. Callers are known by their bearer token, never by a cookie."""

from flask import Blueprint, Response

from web.api.accounts import accounts
from web.api.document import document
from web.api.guests import guests
from web.api.line import line
from web.api.operations import PREFIX
from web.api.tickets import tickets
from web.api.venues import venues

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
for part in (accounts, venues, line, tickets, guests, document):
    blueprint.register_blueprint(part)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """Nothing of the API may lie in a cache that others share."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
