"""How AWS is asked: how long it may take, since boto3's own minute, and four more, outlive every function, and what
becomes of boto3's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Somebody waits for an answer meanwhile: a carrier, or staff.
IMPATIENT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
# Nothing can be done without it.
PATIENT = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 3})


class QueueUnavailable(OSError):
    """SQS did not do what it was asked."""


@contextmanager
def asking(unavailable: type[Exception]) -> Iterator[None]:
    """Where AWS is asked. Raises `unavailable` for all that boto3 does, which stays its cause.

    That is what a log shows: by its code an operator tells a permission or a table that is missing from AWS being away.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise unavailable from error
