"""Passwords cost processor time: the line must not wait for those who log in."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

from argon2 import PasswordHasher

from core.errors import TooBusy
from core.passwords import AT_ONCE, Passwords


class HeldUp(PasswordHasher):
    """Takes as long for a hash as the test wants."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.let_go = Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        assert self.let_go.wait(60)
        return super().hash(password, salt=salt)


def test_who_would_wait_long_for_a_turn_is_told_so() -> None:
    hasher = HeldUp()
    slow = Passwords(hasher)

    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        asked = as_completed([pool.submit(slow.matches, None, "correct horse") for _ in range(4 * AT_ONCE)])
        turned_away = [next(asked).exception() for _ in range(3 * AT_ONCE)]
        hasher.let_go.set()
        answers = [one.result() for one in asked]

    assert [type(error) for error in turned_away] == [TooBusy] * (3 * AT_ONCE)
    assert answers == [False] * AT_ONCE


def test_turns_are_given_back() -> None:
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = quick.hash("correct horse")

    for _ in range(3 * AT_ONCE):
        assert not quick.matches(kept, "wrong horse")
    assert quick.matches(kept, "correct horse")
