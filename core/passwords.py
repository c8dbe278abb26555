"""Passwords: Argon2id hashes, and a policy of length alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from core.errors import InvalidValue, TooBusy

SHORTEST = 10
LONGEST = 200
# A hash takes 64 MiB and a core for a tenth of a second: many at once would leave nothing for the line.
AT_ONCE = 2
TOO_BUSY_SECONDS = 3
LONGEST_WAIT_SECONDS = 8.0
"""Whoever waits has a thread of the server, which the line needs."""


def check_length(password: str) -> None:
    """Raise InvalidValue where a new password is too short or too long."""
    if len(password) < SHORTEST:
        raise InvalidValue(field="password", reason="too-short", at_least=SHORTEST)
    if len(password) > LONGEST:
        raise InvalidValue(field="password", reason="too-long", at_most=LONGEST)


class Passwords:
    """Hashes and compares passwords, at the cost that the hasher is set to: two at a time, the others wait a little.

    Raises TooBusy after that.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys: str | None = None
        self._turn = BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """The hash of a new password. Raises InvalidValue where it is too short or too long, TooBusy."""
        check_length(password)
        with self._taking_turns():
            return self._hasher.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password. None, for nobody's hash, takes as long as a wrong password does."""
        try:
            with self._taking_turns():
                self._hasher.verify(password_hash or self._nobody(), password)
        except VerifyMismatchError:
            return False
        return password_hash is not None

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise TooBusy(retry_after=TOO_BUSY_SECONDS)
        try:
            yield
        finally:
            self._turn.release()

    def _nobody(self) -> str:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash("nobody has this password")
        return self._nobodys
