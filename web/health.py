"""Whether the service works, for whoever watches over it."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from web.services import current

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def answer() -> Response:
    """200 while the database answers, even without Redis; 503 otherwise."""
    found = current().health()
    response = jsonify({"status": "ok" if found.database else "unavailable", **asdict(found)})
    response.status_code = 200 if found.database else 503
    response.headers["Cache-Control"] = "no-store"
    return response
