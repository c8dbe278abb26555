"""What AWS is told of each call of a function: the lines that it logs, and where its time went.

Powertools knows Lambda's side of a call: its id, whether the container is new, its trace.
https://docs.aws.amazon.com/powertools/python/latest/core/logger/
https://docs.aws.amazon.com/powertools/python/latest/core/tracer/
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from structlog.typing import EventDict

from core.logs import Mask, write_lines


class Lines(LambdaPowertoolsFormatter):
    """Writes a line by the names that lines have on one machine too, and masks it. The call's own come on top."""

    def __init__(self) -> None:
        super().__init__(utc=True, use_rfc3339=True, serialize_stacktrace=False, location=None, name="%(name)s")
        self.mask = Mask(())

    def serialize(self, log: Any) -> str:
        """The line as JSON; `log` is what Powertools has gathered, by its own names."""
        ours = {"event": log.pop("message"), "level": log.pop("level").lower(), "logger": log.pop("name")}
        ours |= structlog.contextvars.get_contextvars() | log.pop("fields", {})
        return super().serialize(dict(self.mask(None, "", {**log, **ours})))


lines = Lines()
logger = Logger(logger_formatter=lines)
# Not the carriers' HTTP: the addresses have a bot's token in them. A tracer that is off still takes time to import.
tracer = Tracer(patch_modules=("botocore", "pymysql")) if os.environ.get("TRACING") == "Active" else None


def start_logging(secret_values: Iterable[str]) -> None:
    """Send everything that is logged in this container to its log, masked."""
    lines.mask = Mask(secret_values)
    write_lines(lines, _as_record)


def watched(handle: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function's handler whose lines name the call that they are of, and whose calls are traced where the stage is.

    Neither what a call is given nor what it answers or raises is put into a trace: guests are in it.
    """
    logged = logger.inject_lambda_context(handle)
    if tracer is None:
        return logged
    return tracer.capture_lambda_handler(logged, capture_response=False, capture_error=False)


def _as_record(bound: Any, method: str, event: EventDict) -> dict[str, Any]:
    """The arguments of a call of logging's, which forbids fields that are named as its own are."""
    arguments = structlog.stdlib.render_to_log_kwargs(bound, method, event)
    return {**arguments, "extra": {"fields": arguments["extra"]}}
