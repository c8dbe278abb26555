"""Changes by POST, which a client may repeat under the same Idempotency-Key: done once, answered alike.

The key is scoped to who asks and to the route; the answer is kept for a day. Refusals are not kept. Without a key a
change is simply made.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import Enum, auto
from threading import BoundedSemaphore
from typing import Any, TypeVar

import structlog
from flask import request

from core.errors import KeyReused, OutcomeUnknown, RecordUnavailable, TooBusy
from core.passwords import TOO_BUSY_SECONDS
from core.storage.records import Once, Transaction
from web.limits import TooManyTries
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
    RecordUnavailable, OutcomeUnknown when it was done and could not be noted, TooBusy when too many wait, Problem
    `invalid-header`, and `request-under-way` when the answer does not come.
    """
    once = _once("anybody")
    if once is None:
        with guard():
            return work()
    reservation = Reservation(once)
    with ExitStack() as waiting:
        give_up_at = None
        while not isinstance(kept := reservation.look(), Change):
            if kept is not Taken.BY_ANOTHER:
                change = _take(work, guard, reservation)
                if change is not None:
                    return change
                continue
            if give_up_at is None:
                waiting.enter_context(_one_who_waits())
                give_up_at = time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > give_up_at:
                raise Problem("request-under-way", headers={"Retry-After": "5"})
            time.sleep(PAUSE_SECONDS)
    return kept


def make_the_same_again(work: Callable[[], Change]) -> Change:
    """Run `work`, which does the same when it is done again, or give the answer that its key got before.

    For whoever has not logged in. Repeats that run side by side all do it. Raises what `work` does, KeyReused,
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


def _take(
    work: Callable[[], Change], guard: Callable[[], AbstractContextManager[None]], reservation: "Reservation"
) -> Change | None:
    """Reserve the key and do its work, within the guard; None where somebody else has it."""
    with ExitStack() as guarded:
        try:
            guarded.enter_context(guard())
        except (TooBusy, TooManyTries):
            # That may be because of a repeat of this very request, which began in the same instant.
            time.sleep(PAUSE_SECONDS)
            if reservation.look() in (None, Taken.BY_NOBODY):
                raise
            return None
        return _do(work, reservation) if reservation.take() else None


@contextmanager
def _one_who_waits() -> Iterator[None]:
    if not _waiting.acquire(blocking=False):
        raise TooBusy(retry_after=TOO_BUSY_SECONDS)
    try:
        yield
    finally:
        _waiting.release()


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
