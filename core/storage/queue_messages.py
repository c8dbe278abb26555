"""What a message in a queue of the AWS edition looks like: a JSON object that names its version."""

import json
from collections.abc import Mapping
from typing import Any

VERSION = 1


class UnknownVersion(Exception):
    """A message of another release: who reads it lays it aside rather than guess."""

    def __init__(self, version: object) -> None:
        super().__init__(f"version {version!r} of the message is not known here, only {VERSION}")


def written(message: Mapping[str, Any]) -> str:
    """The body of a message."""
    return json.dumps({"version": VERSION, **message})


def read(body: str) -> dict[str, Any]:
    """What a body says. Raises UnknownVersion, and ValueError or TypeError where it is no message at all."""
    message = dict(json.loads(body))
    version = message.pop("version", None)
    if version != VERSION:
        raise UnknownVersion(version)
    return message
