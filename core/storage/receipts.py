"""Receipts: what was answered to a message or a keyed request, so that a repeat gets the same."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from core.storage.tables import receipts

INSERT = insert(receipts)
FIND = select(receipts.c.fingerprint, receipts.c.answer, receipts.c.expires_at).where(
    receipts.c.scope == bindparam("of_scope"), receipts.c.key == bindparam("of_key")
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A kept answer and the fingerprint of the request that it answered."""

    fingerprint: str
    answer: Any
    expires_at: datetime


class Receipts:
    """The receipts, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, scope: str, key: str, fingerprint: str, answer: Any, expires_at: datetime) -> None:
        """Keep an answer. Raises IntegrityError where the key has one."""
        row = {
            "scope": scope,
            "key": key,
            "fingerprint": fingerprint,
            "answer": answer,
            "expires_at": expires_at,
        }
        self._connection.execute(INSERT, row)

    def find(self, scope: str, key: str, *, lock: bool = False) -> Receipt | None:
        """The kept answer, or None."""
        query = FIND.with_for_update() if lock else FIND
        row = self._connection.execute(query, {"of_scope": scope, "of_key": key}).first()
        return None if row is None else Receipt(row.fingerprint, row.answer, row.expires_at)

    def answer(self, scope: str, key: str, answer: Any, expires_at: datetime) -> None:
        """Write another answer on a receipt."""
        this = receipts.c.scope == scope, receipts.c.key == key
        self._connection.execute(update(receipts).where(*this).values(answer=answer, expires_at=expires_at))

    def delete(self, scope: str, key: str) -> None:
        """Forget a receipt, if there is one."""
        self._connection.execute(delete(receipts).where(receipts.c.scope == scope, receipts.c.key == key))

    def delete_expired(self, now: datetime, at_most: int) -> int:
        """Delete what is past its time, up to so many; answers how many."""
        query = select(receipts.c.scope, receipts.c.key).where(receipts.c.expires_at < now)
        expired = self._connection.execute(query.order_by(receipts.c.expires_at).limit(at_most)).all()
        if expired:
            these = tuple_(receipts.c.scope, receipts.c.key).in_([tuple(row) for row in expired])
            # Again: one may have been taken over meanwhile.
            self._connection.execute(delete(receipts).where(these, receipts.c.expires_at < now))
        return len(expired)
