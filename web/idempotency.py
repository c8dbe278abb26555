"""Changes by POST, which a client may repeat under the same Idempotency-Key: done once, answered alike.

The key is scoped to who asks and to the route; the answer is kept for a day. Refusals are not kept. Without a key a
change is simply made.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any

from flask import request

from core.errors import KeyReused, OutcomeUnknown, RecordUnavailable, TooBusy
from core.storage.records import Once, Transaction
from web.problems import Problem
from web.services import current

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]([ -~]*[!-~])?$"
LONGEST = 100
KEEP = timedelta(hours=24)
# Longer than a hash and a mail take at their slowest.
RESERVED = timedelta(minutes=1)
PATIENCE_SECONDS, PAUSE_SECONDS = 8.0, 0.05
# Whoever waits for another's answer holds a thread of the server: most are for the line.
_waiting = BoundedSemaphore(8)


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

    For whoever has not logged in; all of them share their keys. The key is reserved first: a repeat that comes
    meanwhile waits for the answer. A process that dies leaves the reservation to run out, and the next repeat does the
    work again. Raises KeyReused, TooBusy when the answer does not come or too many wait, RecordUnavailable,
    OutcomeUnknown when it was done and could not be noted, Problem `invalid-header`.
    """
    once = _once("anybody")
    if once is None:
        return work()
    reserved = _reserve(once) or _wait(once)
    if isinstance(reserved, Change):
        return reserved
    transaction = current().records.transaction
    change = None
    try:
        change = work()
    finally:
        if change is None:
            with suppress(RecordUnavailable, OutcomeUnknown):  # it runs out by itself
                transaction(lambda tx: tx.receipts.release(once.scope, once.key, reserved))
    try:
        transaction(lambda tx: tx.receipts.answer(once.scope, once.key, reserved, asdict(change), tx.now + once.keep))
    except RecordUnavailable as error:
        raise OutcomeUnknown from error
    return change


def _wait(once: Once) -> Change | datetime:
    """What `_reserve` gives as soon as it gives anything."""
    if not _waiting.acquire(blocking=False):
        raise TooBusy
    try:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            time.sleep(PAUSE_SECONDS)
            if reserved := _reserve(once):
                return reserved
    finally:
        _waiting.release()
    raise TooBusy


def _reserve(once: Once) -> Change | datetime | None:
    """The kept answer; or until when the key is now this request's; or None while it is another's."""

    def reserve(tx: Transaction) -> Change | datetime | None:
        found = tx.receipts.find(once.scope, once.key)
        if found is not None and found.fingerprint != once.fingerprint:
            raise KeyReused
        if found is not None and found.answer is not None:
            return Change(**found.answer)
        if found is not None and found.expires_at > tx.now:
            return None
        if found is not None:
            tx.receipts.release(once.scope, once.key, found.expires_at)
        until = tx.now + RESERVED
        tx.receipts.insert(once.scope, once.key, once.fingerprint, None, until)
        return until

    return current().records.transaction(reserve)


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
