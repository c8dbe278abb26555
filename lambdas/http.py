"""A request of API Gateway, as the webhooks take it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import structlog

from bots.channels import Handle

log = structlog.get_logger("access")


def answered(event: Mapping[str, Any], handle: Handle) -> dict[str, Any]:
    """The answer of a webhook to the request in this event, with a line in the log as the pages have it."""
    started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=event["requestContext"]["requestId"])
    status = int(HTTPStatus.BAD_GATEWAY)  # what the gateway answers where the function raises
    try:
        answer = handle(_address(event), event["headers"] or {}, _body(event))
        status = answer.status
    finally:
        # The gateway's own routes lead here: of the path nothing is a stranger's.
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        log.info("request", method=event["httpMethod"], path=event["path"], status=status, ms=milliseconds)
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": answer.content_type},
        "body": answer.body.decode(),
    }


def _address(event: Mapping[str, Any]) -> str:
    """Path and query, encoded again: the gateway has decoded them. Its stage is no part of the path."""
    query = event.get("multiValueQueryStringParameters") or {}
    path = quote(event["path"])
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
