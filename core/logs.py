"""Log lines: JSON where a program reads them, plain where a person does; without secrets, with numbers masked."""

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

# A number as carriers or people write it, also within a URL; a chat's id as a contact has it, or nine digits and more
# alone. Not a date or a part of an id, which have dashes.
NUMBER = re.compile(
    r"(?:\+|%(?:25)?2[Bb])\d[\d\u00a0 ().-]{5,18}\d|(?<=telegram-)\d{5,20}|(?<![\w.-])\d{9,16}(?![\w-]|\.\d)"
)
# Begins where a word does: to try at each letter takes the square of the length, and strangers choose what is logged.
# The letters are those that an account's address may have.
LETTER = r"[\w.!#$%&'*+/=?^`{|}~-]"
MAIL_ADDRESS = re.compile(rf"(?<!{LETTER})({LETTER}){LETTER}*@([\w-]+(?:\.[\w-]+)+)")
# What stands in a path and lets its reader in: a guest's token, a bot's.
TOKEN_IN_PATH = re.compile(r"(/t/|/guest/tickets/|/bot)[^/?\s\"']+")
LEFT_ALONE = ("timestamp", "level", "logger", "request_id")
# These write a line for each request that they send or serve, with its address.
TALKATIVE = ("httpx", "httpcore", "twilio", "alembic", "botocore")


class Mask:
    """Takes secrets, guests' tokens, numbers and mail addresses out of what is about to be written."""

    def __init__(self, secret_values: Iterable[str]) -> None:
        # The longest first: one may hold another.
        known = sorted({value for value in secret_values if len(value) >= 4}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """What structlog calls for each line."""
        return {
            key: value if key in LEFT_ALONE or key.startswith("_") else self._masked(value)
            for key, value in event.items()
        }

    def text(self, text: str) -> str:
        """One text, masked."""
        if self._secrets is not None:
            text = self._secrets.sub("[secret]", text)
        text = TOKEN_IN_PATH.sub(r"\1…", text)
        text = MAIL_ADDRESS.sub(r"\1…@\2", text)
        return NUMBER.sub(lambda found: f"…{found[0][-4:]}", text)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._masked(key): self._masked(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(one) for one in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))


def start_logging(secret_values: Iterable[str]) -> None:
    """Send everything that is logged in this process to stderr, masked."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Mask(secret_values),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    write_lines(formatter, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter)


def write_lines(formatter: logging.Formatter, *processors: Processor) -> None:
    """Send everything that is logged in this process to stderr through `formatter`; other libraries' from warnings up.

    Our own lines go through `processors` first.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *processors,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of each request that has to wait for a thread, which is what the queue is for.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
