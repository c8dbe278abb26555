"""Log lines on their way from CloudWatch Logs to the log index."""

import base64
import gzip
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from infra.deploy import deploy_stack
from infra.templates import resources
from lambdas import ship_logs
from lambdas.watching import Failed
from tests.lambdas.bootstrap import CONTEXT
from tests.lambdas.conftest import Deployed, wait_until
from tests.opensearch import OpenSearch
from tests.servers import MiniStack

RECORDED = json.loads((Path(__file__).parent / "events" / "ship_logs.json").read_text())
"""Of SmsStatus: Lambda's own lines, two of ours, and a traceback."""


@pytest.fixture
def opensearch() -> Iterator[OpenSearch]:
    with OpenSearch().serving() as server:
        yield server


@pytest.fixture
def handle(opensearch: OpenSearch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], None]]:
    """The function in a container of its own."""
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "sa-east-1",
        "LOG_INDEX": opensearch.url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    ship_logs.log_index.cache_clear()
    yield lambda event: ship_logs.handle(event, CONTEXT)
    ship_logs.log_index.cache_clear()
    structlog.configure(**configuration)
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def delivery(*messages: str, kind: str = "DATA_MESSAGE", at: int = 1797796800000) -> dict[str, Any]:
    """These lines, a second after one another, as CloudWatch Logs hands them over."""
    batch = json.loads(gzip.decompress(base64.b64decode(RECORDED["awslogs"]["data"])))
    events = [{"id": f"{n:056d}", "timestamp": at + 1000 * n, "message": text} for n, text in enumerate(messages)]
    batch |= {"messageType": kind, "logEvents": events}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}


def test_a_line_of_ours_becomes_a_document_with_its_fields(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch
) -> None:
    handle(RECORDED)

    [document] = [fields for fields in opensearch.documents.values() if fields.get("logger") == "access"]
    assert document == {
        "@timestamp": "2026-12-20T20:00:00.120+00:00",
        "stage": "prod",
        "function": "SmsStatus",
        "event": "request",
        "method": "POST",
        "path": "/webhooks/sms/status",
        "status": 200,
        "ms": 14.2,
        "level": "info",
        "logger": "access",
        "request_id": "4a6ad3e2-1f3c-4a57-8a43-2b7b0ea0f7ce",
        "timestamp": "2026-12-20T20:00:00.119+00:00",
        "cold_start": True,
        "function_request_id": "8f5d1c1e-5a0b-4f0e-9a53-6f1d2f3b7c11",
        "xray_trace_id": "1-692a4f00-0123456789abcdef01234567",
    }


def test_any_other_line_is_kept_as_text(handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch) -> None:
    handle(RECORDED)

    texts = [fields["message"] for fields in opensearch.documents.values() if "message" in fields]
    assert [text.split()[0] for text in texts] == ["INIT_START", "START", "[ERROR]", "END", "REPORT"]
    assert texts[2].endswith("return answered(event, webhook().handle_status)")
    assert {fields["function"] for fields in opensearch.documents.values()} == {"SmsStatus"}


def test_a_delivery_that_comes_again_doubles_nothing(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch
) -> None:
    handle(RECORDED)
    first = dict(opensearch.documents)
    handle(RECORDED)

    assert len(first) == 7
    assert opensearch.documents == first


def test_a_line_goes_to_the_index_of_its_day(handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch) -> None:
    midnight = 1797811200000
    handle(delivery("yesterday's", "today's", at=midnight - 1000))

    assert {index: fields["message"] for (index, _), fields in opensearch.documents.items()} == {
        "queue-manager-2026.12.20": "yesterday's",
        "queue-manager-2026.12.21": "today's",
    }


def test_a_question_whether_somebody_is_there_is_acknowledged(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch
) -> None:
    handle(delivery("CWL CONTROL MESSAGE: Checking health of destination Lambda", kind="CONTROL_MESSAGE"))

    assert opensearch.asked == []


@pytest.mark.parametrize("text", ["42", '["a list"]', '"a word"', "null", '{"cut": "o', ""])
def test_json_without_fields_is_text(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch, text: str
) -> None:
    handle(delivery(text + "\n"))

    assert [fields["message"] for fields in opensearch.documents.values()] == [text]


def test_a_line_cannot_say_that_it_comes_from_elsewhere(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch
) -> None:
    handle(delivery('{"function": "Sweep", "stage": "test", "@timestamp": "1999-12-31T00:00:00Z"}'))

    [fields] = opensearch.documents.values()
    assert (fields["function"], fields["stage"]) == ("SmsStatus", "prod")
    assert fields["@timestamp"] == "2026-12-20T20:00:00.000+00:00"


def test_what_could_not_be_indexed_is_an_error_of_the_function(
    handle: Callable[[dict[str, Any]], None], opensearch: OpenSearch
) -> None:
    opensearch.refused = {"/_bulk": (503, {"message": "away"})}

    with pytest.raises(Failed, match="NotIndexed"):
        handle(RECORDED)


@pytest.mark.timeout(300)
def test_what_is_logged_is_shipped_as_it_is_deployed(deployed: Deployed, opensearch: OpenSearch) -> None:
    aws = deployed.aws
    logs, functions = aws.client("logs"), resources("application", "AWS::Serverless::Function")
    for function in functions:
        logs.create_log_group(logGroupName=group_of(function))
    parameters = {
        "Stage": "shipping",
        "CodeBucket": deployed.stack.known["CodeBucket"],
        "CodeKey": deployed.stack.known["CodeKey"],
        "Alarms": aws.client("sns").create_topic(Name="alarms")["TopicArn"],
        "OperatorAddresses": "203.0.113.7/32",
        "OperatorPassword": "Made-up-1",
    }
    deploy_stack(aws.client("cloudformation"), "log-search", "log_search", parameters)
    shipping = lead_to(aws, opensearch)

    for function in functions:
        [subscription] = logs.describe_subscription_filters(logGroupName=group_of(function))["subscriptionFilters"]
        assert (subscription["filterPattern"], subscription["destinationArn"]) == ("", shipping)
    line = {"timestamp": 1797811200000, "message": '{"event": "swept"}'}
    logs.create_log_stream(logGroupName=group_of("Sweep"), logStreamName="one")
    logs.put_log_events(logGroupName=group_of("Sweep"), logStreamName="one", logEvents=[line])
    wait_until(lambda: opensearch.documents)
    [fields] = opensearch.documents.values()
    assert (fields["event"], fields["function"], fields["stage"]) == ("swept", "Sweep", "shipping")


def group_of(function: str) -> str:
    return f"/queue-manager/shipping/{function}"


def lead_to(aws: MiniStack, opensearch: OpenSearch) -> str:
    """MiniStack has no domain that answers: let the function find ours. Its ARN."""
    found = aws.client("cloudformation").describe_stack_resource(StackName="log-search", LogicalResourceId="ShipLogs")
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    environment = {"Variables": {"LOG_INDEX": opensearch.url}}
    changed = aws.client("lambda").update_function_configuration(FunctionName=name, Environment=environment)
    return str(changed["FunctionArn"])
