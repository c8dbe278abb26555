"""Changes by POST, which a client may repeat under the same Idempotency-Key: done once, answered alike.

The key is scoped to who asks and to the route; the answer is kept for a day in the change's own transaction. Refusals
are not kept. Without a key a change is simply made.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from flask import request

from core.storage.records import Once, Transaction
from web.problems import Problem
from web.services import current

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]([ -~]*[!-~])?$"
LONGEST = 100
KEEP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change is answered with: a status, a JSON object, and the path of what was made."""

    status: int
    body: dict[str, Any]
    location: str | None = None


def make(who: str, work: Callable[[Transaction], Change]) -> Change:
    """Run `work` in one transaction for the request, or give the answer that its key got before.

    `who` is the account's id, or stands for a guest. Raises KeyReused, Problem `invalid-header`.
    """
    records, key = current().records, request.headers.get(HEADER)
    if key is None:
        return records.transaction(work)
    if len(key) > LONGEST or not re.fullmatch(PATTERN, key):
        sentence = f"must be 1 to {LONGEST} ASCII characters, without a space at either end"
        raise Problem("invalid-header", header=HEADER, sentence=sentence)
    once = Once(f"{who} {request.method} {request.url_rule}", key, _fingerprint(), KEEP)
    return Change(**records.answer_once(once, lambda tx: asdict(work(tx))))


def _fingerprint() -> str:
    return hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).hexdigest()
