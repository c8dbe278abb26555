"""Passwords cost processor time: the line must not wait for those who log in."""

import threading

from argon2 import PasswordHasher

from core.errors import TooBusy
from core.passwords import AT_ONCE, Passwords

SLOW = PasswordHasher(time_cost=120, memory_cost=64 * 1024, parallelism=1)


def test_who_would_wait_long_for_a_turn_is_told_so() -> None:
    passwords = Passwords(SLOW)
    ended = []

    def log_in() -> None:
        try:
            passwords.matches(None, "correct horse")
            ended.append("answered")
        except TooBusy:
            ended.append("busy")

    threads = [threading.Thread(target=log_in) for _ in range(4 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(ended) == {"answered", "busy"}


def test_turns_are_given_back() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = passwords.hash("correct horse")

    for _ in range(3 * AT_ONCE):
        assert not passwords.matches(kept, "wrong horse")
    assert passwords.matches(kept, "correct horse")
