"""What AWS is told of each call of a function: the lines that it logs, and where its time went.

Powertools knows Lambda's side of a call: its id, whether the container is new, its trace.
https://docs.aws.amazon.com/powertools/python/latest/core/logger/
"""

import gc
import os
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import structlog
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from structlog.typing import EventDict

from core.environment import SettingsError
from core.logs import Mask, write_lines
from lambdas import USUAL_THRESHOLDS

# Of what Powertools gathers. The function's name and stage stand in the name of its log.
GATHERED = ("timestamp", "cold_start", "function_request_id", "xray_trace_id", "exception", "exception_name")
# Under this name our lines' own fields pass through logging, which forbids some and lets others' through.
OURS = "queue_manager"


class Failed(Exception):
    """A call failed: why, in our own words, or the name of an exception that the log tells more of."""


class Lines(LambdaPowertoolsFormatter):
    """Writes a line by the names that lines have on one machine too, masked, with what is known of its call."""

    def __init__(self) -> None:
        # What is no JSON stays as it is, and nothing is taken for JSON: it may be a stranger's.
        super().__init__(utc=True, use_rfc3339=True, serialize_stacktrace=False, json_deserializer=str, name="%(name)s")
        self.mask = Mask(())

    def serialize(self, log: Any) -> str:
        """The line as JSON; `log` is what Powertools has gathered, by its own names."""
        gathered = {name: log[name] for name in GATHERED if name in log}
        named = {"event": log["message"], "level": log["level"].lower(), "logger": log["name"]}
        line = gathered | named | structlog.contextvars.get_contextvars() | log.get(OURS, {})
        return super().serialize(dict(self.mask(None, "", line)))


log = structlog.get_logger(__name__)
lines = Lines()
logger = Logger(logger_formatter=lines)


def start_logging(secret_values: Iterable[str]) -> None:
    """Send everything that is logged in this container to its log, masked."""
    lines.mask = Mask(secret_values)
    write_lines(lines, _as_record)


def watched(handle: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function's handler whose lines name the call that they are of, and whose calls are traced where the stage is.

    What a call raises is logged, masked, and becomes Failed with its kind alone: guests may be in its text, and Lambda
    writes down what it is told. Failed itself, and what is said of the settings, is meant for operators and passes.

    Comes when all is loaded that the function needs: Python looks for garbage again, in what is made from now on.
    """
    call = logger.inject_lambda_context(_failing_discreetly(handle))
    if os.environ.get("TRACING") == "Active":
        from lambdas.traces import tracer

        call = tracer().capture_lambda_handler(call, capture_response=False, capture_error=False)
    gc.freeze()
    gc.set_threshold(*USUAL_THRESHOLDS)
    return call


def _failing_discreetly(handle: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    @wraps(handle)
    def call(event: Any, context: Any) -> Any:
        if not structlog.is_configured():
            start_logging(())
        try:
            return handle(event, context)
        except (Failed, SettingsError):
            raise
        except Exception as error:
            # The function's edge.
            log.exception("a call failed")
            raise Failed(type(error).__name__) from None

    return call


def _as_record(bound: Any, method: str, event: EventDict) -> dict[str, Any]:
    """The arguments of a call of logging's."""
    arguments = structlog.stdlib.render_to_log_kwargs(bound, method, event)
    return {**arguments, "extra": {OURS: arguments["extra"]}}
