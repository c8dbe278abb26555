"""Changes by POST, which a client may repeat under the same Idempotency-Key: done once, answered alike.

The key is scoped to who asks and to the route; the answer is kept for a day. Refusals are not kept. Without a key a
change is simply made.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import Enum, auto
from threading import BoundedSemaphore
from typing import Any, TypeVar

import structlog
from flask import request

from core.errors import KeyReused, OutcomeUnknown, RecordUnavailable, TooBusy
from core.storage.records import Once, Transaction
from web.problems import Problem
from web.services import current

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]([ -~]*[!-~])?$"
LONGEST = 100
KEEP = timedelta(hours=24)
# A hash and a mail take a second or two. Where a mail server takes longer than this, a repeat mails another link.
RESERVED = timedelta(minutes=1)
PATIENCE_SECONDS, PAUSE_SECONDS = 8.0, 0.05
# Who waits for another's answer holds one of the server's threads, which are for the line.
_waiting = BoundedSemaphore(3)

log = structlog.get_logger(__name__)
T = TypeVar("T")


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


def make_by_itself(work: Callable[[], Change], guard: Callable[[], AbstractContextManager[None]]) -> Change:
    """Run `work`, which has its own transactions and its own mail, or give the answer that its key got before.

    For whoever has not logged in; all of them share their keys. It is run within `guard`, which refuses whom it must
    before anything is written. The key is reserved meanwhile: a repeat waits for the answer. A process that dies leaves
    the reservation to run out, and the next repeat does the work again. Raises what both do, KeyReused,
    RecordUnavailable, OutcomeUnknown when it was done and could not be noted, Problem `invalid-header`, and
    `request-under-way` when the answer does not come, or several wait already.
    """
    once = _once("anybody")
    if once is None:
        with guard():
            return work()
    reservation = Reservation(once)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not isinstance(kept := reservation.look(), Change):
        if kept is not Taken.BY_ANOTHER:
            try:
                with guard():
                    if reservation.take():
                        return _do(work, reservation)
            except TooBusy:
                # It may be with the repeats of this very request, which began in the same instant.
                _pause(give_up_at)
                if reservation.look() in (None, Taken.BY_NOBODY):
                    raise
                continue
        _pause(give_up_at)
    return kept


def _do(work: Callable[[], Change], reservation: "Reservation") -> Change:
    """Do the work of a key that is reserved, and keep its answer, or give the key back."""
    change = None
    try:
        change = work()
    finally:
        if change is None:
            reservation.give_back()
    reservation.answer(change)
    return change


def _pause(give_up_at: float) -> None:
    if time.monotonic() > give_up_at or not _waiting.acquire(blocking=False):
        raise Problem("request-under-way", headers={"Retry-After": "5"})
    try:
        time.sleep(PAUSE_SECONDS)
    finally:
        _waiting.release()


class Taken(Enum):
    """Who works on the answer of a key."""

    BY_US = auto()
    BY_ANOTHER = auto()
    BY_NOBODY = auto()
    """Whoever did has died, or is late."""


class Reservation:
    """A request's hold on its key: a receipt that names its holder, where the answer will stand."""

    def __init__(self, once: Once) -> None:
        self._once = once
        self._holder = {"holder": secrets.token_hex(8)}

    def look(self) -> Change | Taken | None:
        """The kept answer, who works on it, or None. Raises KeyReused, RecordUnavailable."""
        with current().records.reading() as tx:
            return self._found(tx)

    def take(self) -> bool:
        """Whether the key is this request's now. Raises KeyReused, RecordUnavailable, OutcomeUnknown."""

        def work(tx: Transaction) -> bool:
            scope, key, until = self._once.scope, self._once.key, tx.now + RESERVED
            found = self._found(tx, lock=True)
            if found is Taken.BY_NOBODY:
                tx.receipts.answer(scope, key, self._holder, until)
            elif found is None:
                tx.receipts.insert(scope, key, self._once.fingerprint, self._holder, until)
            return found in (Taken.BY_US, Taken.BY_NOBODY, None)

        return _insisting(work)

    def answer(self, change: Change) -> None:
        """Keep the answer. Raises OutcomeUnknown."""

        def work(tx: Transaction) -> None:
            once, expires_at = self._once, tx.now + self._once.keep
            found = self._found(tx, lock=True)
            if found is Taken.BY_US:
                tx.receipts.answer(once.scope, once.key, asdict(change), expires_at)
            elif found is None:
                tx.receipts.insert(once.scope, once.key, once.fingerprint, asdict(change), expires_at)
            elif found != change:
                log.warning("a request under a key took so long that its repeat began anew", scope=once.scope)

        try:
            _insisting(work)
        except RecordUnavailable as error:
            raise OutcomeUnknown from error

    def give_back(self) -> None:
        """Let the next repeat do the work; where that can't be noted, in a minute."""

        def work(tx: Transaction) -> None:
            if self._found(tx, lock=True) is Taken.BY_US:
                tx.receipts.delete(self._once.scope, self._once.key)

        try:
            _insisting(work)
        except (RecordUnavailable, OutcomeUnknown) as error:
            log.warning("a key stays reserved for a minute", scope=self._once.scope, error=type(error).__name__)

    def _found(self, tx: Transaction, *, lock: bool = False) -> Change | Taken | None:
        found = tx.receipts.find(self._once.scope, self._once.key, lock=lock)
        if found is None:
            return None
        if found.fingerprint != self._once.fingerprint:
            raise KeyReused
        if "holder" not in found.answer:
            return Change(**found.answer)
        if found.answer == self._holder:
            return Taken.BY_US
        return Taken.BY_ANOTHER if found.expires_at > tx.now else Taken.BY_NOBODY


def _insisting(work: Callable[[Transaction], T]) -> T:
    """Run `work`, which finds what it did before, in a transaction, again where the connection was lost in a commit."""
    try:
        return current().records.transaction(work)
    except OutcomeUnknown:
        return current().records.transaction(work)


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
