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
    """A kept answer and the fingerprint of the request that it answered; None while somebody works on it."""

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

    def find(self, scope: str, key: str) -> Receipt | None:
        """The kept answer, or None."""
        row = self._connection.execute(FIND, {"of_scope": scope, "of_key": key}).first()
        return None if row is None else Receipt(row.fingerprint, row.answer, row.expires_at)

    def answer(self, scope: str, key: str, reserved_until: datetime, answer: Any, expires_at: datetime) -> None:
        """Give a receipt that was inserted without an answer its answer, unless somebody took it over since."""
        self._connection.execute(
            update(receipts).where(*_reserved(scope, key, reserved_until)).values(answer=answer, expires_at=expires_at)
        )

    def release(self, scope: str, key: str, reserved_until: datetime) -> None:
        """Delete a receipt that was inserted without an answer, unless it has one or somebody took it over since."""
        self._connection.execute(delete(receipts).where(*_reserved(scope, key, reserved_until)))

    def delete_expired(self, now: datetime, at_most: int) -> int:
        """Delete what is past its time, up to so many; answers how many."""
        query = select(receipts.c.scope, receipts.c.key).where(receipts.c.expires_at < now)
        expired = self._connection.execute(query.order_by(receipts.c.expires_at).limit(at_most)).all()
        if expired:
            these = tuple_(receipts.c.scope, receipts.c.key).in_([tuple(row) for row in expired])
            self._connection.execute(delete(receipts).where(these))
        return len(expired)


def _reserved(scope: str, key: str, until: datetime) -> tuple[Any, ...]:
    return receipts.c.scope == scope, receipts.c.key == key, receipts.c.expires_at == until
