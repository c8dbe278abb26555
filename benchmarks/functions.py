"""The AWS edition: how long its functions take to import, and how fast notices go from their queue to the carrier."""

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Step, medians
from benchmarks.table import Row
from core.storage.fan_out import Nudge
from core.storage.queue_messages import written
from infra.build import build
from tests.lambdas.containers import Container, functions, unpack
from tests.lambdas.surroundings import Surroundings, surroundings
from tests.servers import MiniStack

IMPORTS = 11
BATCHES = 60
# As many messages as the template lets a function have at once.
BATCH = 5
# Processor time: nearly all of an import, and the same on a busy machine.
IMPORT = """
import sys, time
sys.path[:0] = sys.argv[2:]
start = time.process_time()
__import__(sys.argv[1])
print(time.process_time() - start)
"""


def on_aws(directory: Path) -> list[Row]:
    """The rows of the AWS edition. Builds its zip, and starts servers of its own."""
    build(directory / "code.zip", None)
    unpack(directory / "code.zip", directory / "code")
    return [*_imports(directory / "code"), _notices(directory)]


def _imports(code: Path) -> list[Row]:
    """The module of each function in a fresh process, in turns with boto3 alone."""
    taken: dict[str, list[float]] = {name: [] for name in ("boto3", *functions())}
    for _ in range(IMPORTS):
        for name, times in taken.items():
            times.append(_import(code, name if name == "boto3" else f"lambdas.{name}"))
    bare = statistics.median(taken.pop("boto3"))
    return [
        Row(f"import of lambdas.{name}", None, {"boto3": statistics.median(times) / bare}, target={"boto3": 3.5})
        for name, times in sorted(taken.items())
    ]


def _import(code: Path, module: str) -> float:
    command = [sys.executable, "-I", "-S", "-c", IMPORT, module, f"{code}/task", f"{code}/runtime"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _notices(directory: Path) -> Row:
    """Messages a second from their queue through notify_sms to the carrier's yes, over those merely taken out of it."""
    folder = directory / "ministack"
    folder.mkdir()
    with (
        MiniStack(folder) as aws,
        surroundings(directory, aws, directory / "code", durable=True) as around,
        around.container("notify_sms") as container,
    ):
        queue = _Queue(aws, around.names["SmsNoticesQueue"])
        event = around.event("notify_sms", "nudge")
        steps: dict[str, Step] = {
            "bare": queue.filled(lambda: [written(Nudge("nobody"))] * BATCH, lambda _messages: None),
            "notices": queue.filled(
                lambda: [written(Nudge(around.called("sms"))) for _ in range(BATCH)],
                lambda messages: _tell(container, event, messages),
            ),
        }
        took = medians(steps, BATCHES)
        _everybody_told(around)
    return Row("notices by SMS, queue to carrier, rate", None, {"bare": took["bare"] / took["notices"]})


class _Queue:
    """Takes batches from a queue as Lambda's poller does."""

    def __init__(self, aws: MiniStack, url: str) -> None:
        self._sqs, self._url = aws.client("sqs"), url

    def filled(self, bodies: Callable[[], list[str]], use: Callable[[list[dict[str, Any]]], None]) -> Step:
        """Fills the queue, untimed; then a batch is received, used and deleted."""

        def prepare() -> Callable[[], object]:
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies())]
            self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            return lambda: self._batch(use)

        return prepare

    def _batch(self, use: Callable[[list[dict[str, Any]]], None]) -> None:
        messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=BATCH)["Messages"]
        if len(messages) != BATCH:
            raise AssertionError("a batch is not whole")
        use(messages)
        entries = [{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
        self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)


def _tell(container: Container, event: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    [recorded] = event["Records"]
    records = [
        {**recorded, "messageId": each["MessageId"], "receiptHandle": each["ReceiptHandle"], "body": each["Body"]}
        for each in messages
    ]
    if container.invoke({"Records": records}).get("answer") != {"batchItemFailures": []}:
        raise AssertionError(f"a notice was not sent: {container.log[-2000:]}")


def _everybody_told(around: Surroundings) -> None:
    asked = [each.to for each in around.twilio.asked]
    if len(set(asked)) != len(asked) or len(asked) < BATCHES * BATCH:
        raise AssertionError("somebody was told twice or not at all")
