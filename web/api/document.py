"""The OpenAPI document: made from the operations by spectree, with what it can't say of them added."""

from copy import deepcopy
from typing import Any

from flask import Blueprint, Response, json

from web.api.operations import JSON, openapi
from web.problems import MEDIA_TYPE

document = Blueprint("document", __name__)

ETAG = {"ETag": {"description": "Send it as If-None-Match.", "schema": {"type": "string"}}}
RETRY_AFTER = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
HEADERS = {
    "304": ETAG,
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "503": RETRY_AFTER,
}


@document.get("/openapi.json")
def show() -> Response:
    """This API, as OpenAPI 3.1."""
    return Response(json.dumps(_completed(openapi.spec)), mimetype=JSON)


def _completed(spec: dict[str, Any]) -> dict[str, Any]:
    spec = deepcopy(spec)
    # Each operation says itself whether it asks for a token.
    spec.pop("security")
    for name, schema in spec["components"]["schemas"].items():
        schema["title"] = name
    for path in spec["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                _complete_body(operation["requestBody"], spec["components"]["schemas"])
            for status, answer in operation["responses"].items():
                _complete(status, answer)
    return spec


def _complete_body(body: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A body that asks for nothing may be left out."""
    schema = schemas[body["content"][JSON]["schema"]["$ref"].rpartition("/")[2]]
    body["required"] = "oneOf" in schema or bool(schema.get("required"))


def _complete(status: str, answer: dict[str, Any]) -> None:
    """Problems have a media type of their own, and some answers a header."""
    if status >= "400":
        answer["content"] = {MEDIA_TYPE: answer["content"][JSON]}
    if status in HEADERS:
        answer["headers"] = HEADERS[status]
