"""Traces of the functions' calls. Loaded where the stage traces, and nowhere else: it takes as long as boto3 does.

https://docs.aws.amazon.com/powertools/python/latest/core/tracer/
"""

import os
from typing import Any

from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.emitters.udp_emitter import DEFAULT_DAEMON_ADDRESS, UDPEmitter


class Discreet(UDPEmitter):  # type: ignore[misc]
    """Sends what was taken down, but for the texts of exceptions: the values that a statement had may be in one."""

    def send_entity(self, entity: Any) -> None:
        """Send a segment or a part of one to X-Ray's daemon."""
        _forget_texts(entity)
        super().send_entity(entity)


def tracer() -> Tracer:
    """Times the calls of botocore and PyMySQL. Not the carriers' HTTP: a bot's token is in the addresses."""
    xray_recorder.configure(emitter=Discreet(os.environ.get("AWS_XRAY_DAEMON_ADDRESS", DEFAULT_DAEMON_ADDRESS)))
    return Tracer(patch_modules=("botocore", "pymysql"))


def _forget_texts(entity: Any) -> None:
    # Where an exception was taken down further below, there is its id.
    if isinstance(entity.cause, dict):
        for exception in entity.cause.get("exceptions", ()):
            exception.message = None
    for part in entity.subsegments:
        _forget_texts(part)
