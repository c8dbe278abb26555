"""Changes by POST, which a client may repeat under the same Idempotency-Key: done once, answered alike.

The key is scoped to who asks and to the route; the answer is kept for a day. Refusals are not kept. Without a key a
change is simply made.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from flask import request

from core.errors import KeyReused, OutcomeUnknown, RecordUnavailable
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

    The answer is kept in the same transaction. `who` is the account's id, or stands for a guest. Raises KeyReused,
    Problem `invalid-header`, and what Records does.
    """
    records, once = current().records, _once(who)
    if once is None:
        return records.transaction(work)
    return Change(**records.answer_once(once, lambda tx: asdict(work(tx))))


def make_by_itself(work: Callable[[], Change]) -> Change:
    """Run `work`, which has its own transactions and its own mail, or give the answer that its key got before.

    For whoever has not logged in; all of them share their keys. The answer is kept when the work is done, so repeats
    that run side by side, or after a crash in between, do it again: `work` does no harm then. Raises KeyReused,
    RecordUnavailable, OutcomeUnknown when it was done and could not be noted, Problem `invalid-header`.
    """
    records, once = current().records, _once("anybody")
    if once is None:
        return work()
    kept = records.kept(once)
    if kept is None:
        change = work()
        try:
            kept = records.answer_once(once, lambda _: asdict(change))
        except KeyReused:
            # Somebody was quicker with another request under this key: this one is done all the same.
            return change
        except RecordUnavailable as error:
            raise OutcomeUnknown from error
    return Change(**kept)


def _once(who: str) -> Once | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if len(key) > LONGEST or not re.fullmatch(PATTERN, key):
        raise Problem("invalid-header", header=HEADER, at_most=LONGEST)
    asked = fingerprint(request.path.encode() + b"\0" + request.get_data())
    return Once(f"{who} {request.method} {request.url_rule}", key, asked, KEEP)


def fingerprint(asked: bytes) -> str:
    """What tells requests under one key apart, in 64 characters.

    Keyed, since a request may hold a password or a telephone number, which a plain hash would let somebody guess.
    """
    return hmac.digest(current().token_key.encode(), asked, hashlib.sha256).hex()
