"""What a call of a function leaves in the log, and in a trace where the stage traces."""

import io
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
import structlog

from lambdas.watching import Lines
from tests.lambdas.bootstrap import CONTEXT
from tests.lambdas.containers import Container
from tests.lambdas.surroundings import Surroundings
from tests.parameters import PARAMETERS

pytestmark = pytest.mark.timeout(300)

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
NOT_SAMPLED = f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=0"
GUEST = "+15550400001"
SECRETS = [name for name in PARAMETERS if name.endswith(("_KEY", "_PASSWORD", "_SECRET", "_SID", "_TOKEN"))]


def written(container: Container) -> list[dict[str, Any]]:
    """The lines of its log."""
    return [json.loads(line) for line in container.log.splitlines()]


def test_a_line_names_its_call_and_its_request(around: Surroundings) -> None:
    event = around.event("sms_webhook", "join")
    with around.container(
        "sms_webhook", _X_AMZN_TRACE_ID=f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=0"
    ) as container:
        container.invoke(event)
        container.invoke(event)
        first, second = [line for line in written(container) if line["event"] == "request"]

    assert first["function_request_id"] == CONTEXT.aws_request_id
    assert first["request_id"] == event["requestContext"]["requestId"]
    assert first["xray_trace_id"] == TRACE
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    assert (first["level"], first["logger"], first["status"]) == ("info", "access", 200)


def test_what_a_message_of_a_queue_fails_with_is_logged_with_its_call(around: Surroundings) -> None:
    event = around.event("notify_sms", "nudge")
    event["Records"][0]["body"] = f'{{"version": 99, "to": "{GUEST}"}}'
    with around.container("notify_sms") as container:
        container.invoke(event)
        [line] = [line for line in written(container) if line["level"] == "error"]

    assert line["function_request_id"] == CONTEXT.aws_request_id
    assert line["sqs_message"] == event["Records"][0]["messageId"]
    assert line["exception_name"] == "UnknownVersion"
    assert "Traceback" in line["exception"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is written by the functions' formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    logger = logging.getLogger("tests.watching")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def test_lines_of_other_libraries_are_masked_and_named_like_ours(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="4a6ad3e2"):
        logging.getLogger("tests.watching").warning("no answer from %s", GUEST)

    line = json.loads(log.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("no answer from …0001", "warning", "tests.watching")
    assert line["request_id"] == "4a6ad3e2"


@pytest.mark.parametrize("said", ["null", '{"event": "another"}', "[1]", "3", '"'])
def test_what_looks_like_json_in_a_line_is_a_text(log: io.StringIO, said: str) -> None:
    logging.getLogger("tests.watching").warning(said)

    assert json.loads(log.getvalue())["event"] == said


@pytest.mark.parametrize("name", ["_raw", "service", "fields"])
def test_what_other_libraries_put_beside_a_line_is_left_out(log: io.StringIO, name: str) -> None:
    logging.getLogger("tests.watching").warning("no answer", extra={name: GUEST})

    assert json.loads(log.getvalue()).keys() == {"event", "level", "logger", "timestamp"}


def test_what_a_call_fails_with_is_in_the_log_masked_and_in_no_answer(around: Surroundings) -> None:
    event = around.event("sms_webhook", "join") | {"isBase64Encoded": True, "body": f"from {GUEST} \N{BELL}"}
    with around.container("sms_webhook") as container:
        said = container.invoke(event)
        [line] = [line for line in written(container) if line["event"] == "a call failed"]

    assert (said["errorType"], said["errorMessage"]) == ("Failed", "ValueError")
    assert (line["exception_name"], line["function_request_id"]) == ("ValueError", CONTEXT.aws_request_id)


def test_python_looks_for_garbage_as_usual_once_a_function_is_loaded() -> None:
    ask = (
        "import gc; usual = gc.get_threshold(); import lambdas.sweep;"
        "print(gc.get_threshold() == usual, gc.get_freeze_count() > 0)"
    )
    said = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True).stdout

    assert said == "True True\n"


@contextmanager
def daemon() -> Iterator[socket.socket]:
    """What listens in each of Lambda's containers for segments.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        yield listening


def received(listening: socket.socket) -> list[dict[str, Any]]:
    """The segments that have come: the handler's is the last."""
    segments: list[dict[str, Any]] = []
    while not segments or not segments[-1]["name"].startswith("##"):
        segments.append(json.loads(listening.recv(65536).split(b"\n", 1)[1]))
    return segments


def traced(around: Surroundings, event: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a call of a function answers where the stage traces, and its segments."""
    with daemon() as listening:
        variables = {
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{listening.getsockname()[1]}",
            "TRACING": "Active",
            "_X_AMZN_TRACE_ID": NOT_SAMPLED.replace("=0", "=1"),
        }
        with around.container("sms_webhook", **variables) as container:
            return container.invoke(event), received(listening)


def test_a_traced_call_tells_what_the_database_and_aws_took_and_nothing_of_the_guest(around: Surroundings) -> None:
    event = around.event("sms_webhook", "join")
    said, segments = traced(around, event)

    assert said["answer"]["statusCode"] == 200
    assert {segment["trace_id"] for segment in segments} == {TRACE}
    assert {"## handle", "ssm", "execute"} <= {segment["name"] for segment in segments}
    text = json.dumps(segments)
    [guest] = parse_qs(event["body"])["From"]
    assert guest.removeprefix("+") not in text
    assert [name for name in SECRETS if PARAMETERS[name] in text] == []


def test_of_what_fails_a_trace_has_the_kind_alone(around: Surroundings) -> None:
    with around.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("RENAME TABLE line.receipts TO line.away")
        try:
            said, segments = traced(around, around.event("sms_webhook", "join"))
        finally:
            cursor.execute("RENAME TABLE line.away TO line.receipts")

    assert (said["errorType"], said["errorMessage"]) == ("Failed", "ProgrammingError")
    failed = {segment["name"]: segment["cause"] for segment in segments if segment.get("cause")}
    assert {"execute", "## handle"} <= failed.keys()
    assert "ProgrammingError" in json.dumps(failed)
    assert "line.receipts" not in json.dumps(segments)
