"""A request of API Gateway, as the webhooks take it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from bots.channels import Handle


def answered(event: Mapping[str, Any], handle: Handle) -> dict[str, Any]:
    """The answer of a webhook to the request in this event."""
    answer = handle(_address(event), event["headers"] or {}, _body(event))
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
