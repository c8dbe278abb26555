"""What a webhook's request leaves in the log."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from bots.channels import WebhookAnswer
from lambdas.http import answered

EVENT: dict[str, Any] = {
    "httpMethod": "POST",
    "path": "/webhooks/sms",
    "headers": {},
    "body": "Body=JOIN",
    "requestContext": {"requestId": "4a6ad3e2-1f3c-4a57-8a43-2b7b0ea0f7ce"},
}


@pytest.fixture(autouse=True)
def _forget_the_request() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


def test_a_refused_request_is_logged_with_the_id_that_its_other_lines_have() -> None:
    def refuse(address: str, headers: object, body: bytes) -> WebhookAnswer:
        structlog.get_logger().warning("a wrong signature")
        return WebhookAnswer(403, "text/plain", b"")

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answer = answered(EVENT, refuse)

    assert answer["statusCode"] == 403
    assert {line["request_id"] for line in logged} == {EVENT["requestContext"]["requestId"]}
    line = logged[-1]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "POST", "/webhooks/sms", 403)
    assert line["ms"] >= 0


def test_a_request_that_fails_is_logged_as_the_gateway_answers_it() -> None:
    def fail(address: str, headers: object, body: bytes) -> WebhookAnswer:
        raise TimeoutError

    with capture_logs() as logged, pytest.raises(TimeoutError):
        answered(EVENT, fail)

    assert [(line["event"], line["path"], line["status"]) for line in logged] == [("request", "/webhooks/sms", 502)]
