"""Lists page by page; what the cursor holds is nobody's business but ours."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from core.line import Mark
from core.model import TicketState
from web.api.reading import invalid_parameter
from web.api.requests import LinePart, Page
from web.languages import N_

Item = TypeVar("Item")


def part(items: Sequence[Item], page: Page, id_of: Callable[[Item], str]) -> tuple[Sequence[Item], str | None]:
    """The page of a whole list, and the cursor of the next (None: there is none)."""
    start = 0
    if page.cursor is not None:
        ids = [id_of(item) for item in items]
        last = _read(page.cursor)
        if last not in ids:
            raise invalid_parameter("cursor", N_("is not a cursor of this list"))
        start = ids.index(last) + 1
    end = start + page.limit
    return items[start:end], _written(id_of(items[end - 1])) if end < len(items) else None


def mark_of(page: LinePart) -> Mark | None:
    """Where in the line the page starts."""
    if page.cursor is None:
        return None
    try:
        state, order_key = _read(page.cursor)
        mark = Mark(TicketState(state), int(order_key))
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid_parameter("cursor", N_("is not a cursor of this list")) from error
    if mark.state not in page.state or abs(mark.order_key) >= 2**62:
        raise invalid_parameter("cursor", N_("belongs to a list of other states"))
    return mark


def cursor_of(mark: Mark | None) -> str | None:
    """What a client sends to get the page after this mark."""
    return None if mark is None else _written([mark.state, mark.order_key])


def _written(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str) -> Any:
    try:
        return json.loads(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise invalid_parameter("cursor", N_("is not a cursor of this list")) from error
