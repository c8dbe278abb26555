"""Reading what a form sent. Whatever can't be used raises the refusal that says so."""

from typing import overload

from flask import request

from core.errors import InvalidPartySize, InvalidValue
from core.names import tidy_name, tidy_text
from core.queues import LARGEST_PARTY


def text(field: str, longest: int, *, required: bool = False) -> str:
    """A text of one line with something to read on it, or nothing."""
    value = _limited(field, tidy_name(request.form.get(field, "")), longest)
    if required and not value:
        raise InvalidValue(field=field, reason="missing")
    return value


def lines(field: str, longest: int) -> str:
    """A text of several lines, without the spaces around it."""
    return _limited(field, tidy_text(request.form.get(field, "")), longest)


def _limited(field: str, value: str, longest: int) -> str:
    if len(value) > longest:
        raise InvalidValue(field=field, reason="too-long", at_most=longest)
    return value


@overload
def number(field: str, low: int, high: int) -> int | None: ...
@overload
def number(field: str, low: int, high: int, default: int) -> int: ...
def number(field: str, low: int, high: int, default: int | None = None) -> int | None:
    """A whole number from `low` to `high`; the default where the field was left empty."""
    value = request.form.get(field, "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10) or not low <= int(value) <= high:
        raise InvalidValue(field=field, reason="not-a-number", at_least=low, at_most=high)
    return int(value)


def version(field: str) -> int:
    """The version that a form was made from; 0, which nothing has, where it names none."""
    value = request.form.get(field, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def party_size() -> int:
    """How many are in the party; 1 where nothing was said."""
    value = request.form.get("party_size", "").strip() or "1"
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise InvalidPartySize(party_size=value, at_most=LARGEST_PARTY)
    return int(value)


def one_of(field: str, choices: tuple[str, ...]) -> str:
    """One of the choices that the form offered."""
    value = request.form.get(field, "")
    if value not in choices:
        raise InvalidValue(field=field, reason="not-a-choice")
    return value
