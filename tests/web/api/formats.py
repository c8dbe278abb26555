"""What schemathesis can't know: examples of the formats that our document names, and that a key is used once.

Its own process imports this.
"""

from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from web import idempotency

ZONES = ("America/New_York", "America/Sao_Paulo", "Europe/Berlin", "Asia/Kathmandu", "UTC")

schemathesis.openapi.format("time-zone", st.sampled_from(ZONES))
schemathesis.openapi.format("phone-number", st.integers(0, 99).map(lambda n: f"+55119876543{n:02}"))


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    """Give each right request that has a key one of its own."""
    if case.meta and case.meta.generation.mode.is_positive and idempotency.HEADER in (case.headers or {}):
        case.headers[idempotency.HEADER] = str(uuid4())
