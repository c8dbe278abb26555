"""What a message in a queue of the AWS edition looks like: a dataclass as a JSON object that names its version."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Raised when whoever reads the old one would misread the new.
VERSION = 1

T = TypeVar("T", bound="DataclassInstance")


class MalformedMessage(Exception):
    """It is none of ours. Says what is wrong with it, without what is in it."""


class UnknownVersion(Exception):
    """It is of another release; names the version."""


def written(message: "DataclassInstance") -> str:
    """The body of a message."""
    return json.dumps({"version": VERSION, **asdict(message)})


def read(kind: type[T], body: str) -> T:
    """The message of this kind in a body. Raises MalformedMessage, UnknownVersion."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedMessage("no JSON object")
    if "TopicArn" in fields:
        raise MalformedMessage("an envelope of SNS: its subscription lacks RawMessageDelivery")
    version = fields.pop("version", None)
    if version != VERSION:
        raise UnknownVersion(f"{version!r:.20}")
    try:
        message = kind(**fields)
    except TypeError as error:
        raise MalformedMessage(f"other fields than those of {kind.__name__}") from error
    for name, type_ in get_type_hints(kind).items():
        if not isinstance(getattr(message, name), type_):
            raise MalformedMessage(f"{name} of another type")
    return message
