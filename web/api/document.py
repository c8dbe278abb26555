"""Serves the OpenAPI document. What makes it is heavy, so it is loaded for whoever asks."""

from functools import cache

from flask import Blueprint, Response, current_app, json

from web.api.models import BUILDING
from web.api.operations import JSON

document = Blueprint("document", __name__)


@document.get("/openapi.json")
def show() -> Response:
    """This API, as OpenAPI 3.1."""
    # A model that another thread begins to use meanwhile would be described half built.
    with BUILDING:
        return Response(_text(), mimetype=JSON)


@cache
def _text() -> str:
    from web.api.openapi import document_of

    return json.dumps(document_of(current_app))
