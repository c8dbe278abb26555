"""Reading what a form sent. Whatever can't be used raises the refusal that says so."""

from typing import overload

from flask import request

from core.errors import InvalidPartySize, InvalidValue

LARGEST_NUMBER = 100_000


def text(field: str, longest: int, *, required: bool = False) -> str:
    """A text without the spaces around it, as one line unless the form's field has several."""
    value = request.form.get(field, "").replace("\r\n", "\n").replace("\0", "").strip()
    if len(value) > longest:
        raise InvalidValue(field=field, reason="too-long", at_most=longest)
    if required and not value:
        raise InvalidValue(field=field, reason="missing")
    return value


@overload
def number(field: str, low: int) -> int | None: ...
@overload
def number(field: str, low: int, default: int) -> int: ...
def number(field: str, low: int, default: int | None = None) -> int | None:
    """A whole number from `low` up; the default where the field was left empty."""
    value = request.form.get(field, "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10) or not low <= int(value) <= LARGEST_NUMBER:
        raise InvalidValue(field=field, reason="not-a-number", at_least=low)
    return int(value)


def party_size() -> int:
    """How many are in the party; 1 where nothing was said."""
    value = request.form.get("party_size", "").strip() or "1"
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise InvalidPartySize(party_size=value)
    return int(value)


def one_of(field: str, choices: tuple[str, ...]) -> str:
    """One of the choices that the form offered."""
    value = request.form.get(field, "")
    if value not in choices:
        raise InvalidValue(field=field, reason="not-a-choice")
    return value
