"""The doors that strangers may try, and how often: logging in, registering, asking for a new password, choosing it.

Of links and log-ins those count that were worth nothing, and, with room, right log-ins; what can't be used mails
nothing, and counts for nothing. Counts are kept in Redis, or in this process' memory while Redis is away. Who is within
them is one of few at once, so that the line keeps its threads.
"""

import hashlib
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock

from flask import current_app, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from core.accounts import email_address
from core.errors import InvalidToken, Refusal, SignUpClosed, TooBusy, WrongCredentials
from core.passwords import TOO_BUSY_SECONDS, check_length
from core.storage.accounts import Account
from web.services import current

# Few from one address, so that a stranger's guesses keep nobody else out; more from all of them together.
LOG_IN_BY_BOTH = parse("10 per 15 minutes")
LOG_IN_BY_ACCOUNT = parse("100 per 15 minutes")
LOG_IN_BY_ADDRESS = parse("50 per 15 minutes")
# So that who has an account does not keep the others from theirs.
RIGHT_LOG_IN_BY_ACCOUNT = parse("100 per 15 minutes")
RIGHT_LOG_IN_BY_ADDRESS = parse("200 per 15 minutes")
LINK_BY_ADDRESS = parse("20 per 1 hour")
RIGHT_LINK_BY_ADDRESS = parse("100 per 1 hour")
MAIL_BY_BOTH = parse("5 per 1 hour")
MAIL_BY_ACCOUNT = parse("20 per 1 hour")
MAIL_BY_ADDRESS = parse("20 per 1 hour")
# Who waits for a password's hash or for the mail server holds one of the server's threads, which are for the line. A
# mail server that takes its time keeps nobody from logging in.
AT_ONCE = {"password": (6, 3), "mail": (3, 2)}
"""How many requests of all, and of one address."""
WITH_PORT = re.compile(r"([0-9.]+|\[.+\]):[0-9]+")
REST_SECONDS = 1.0


class TooManyTries(Refusal):
    """Somebody tried this too often. `retry_after`: in how many seconds it can be tried again."""

    code = "too-many-tries"


class RateLimits:
    """Counts what was tried, in a moving window, for all threads of a process."""

    def __init__(self, storage: Storage | None) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = self._own if storage is None else MovingWindowRateLimiter(storage)
        # After a failure Redis is left alone for a second, so that a dead one holds up one request and not all.
        self._rests_until = 0.0
        self._under_way: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._counting = Lock()

    def check(self, item: RateLimitItem, *who: str) -> None:
        """Raise TooManyTries where one more would be too many; counts nothing."""
        try:
            self._check(self._limiter(), item, who)
        except StorageError:
            self._check(self._resting(), item, who)

    def count(self, item: RateLimitItem, *who: str) -> None:
        """Count one try. Raises TooManyTries where it is one too many."""
        try:
            counted = self._limiter().hit(item, *who)
        except StorageError:
            counted = self._resting().hit(item, *who)
        if not counted:
            self.check(item, *who)

    @contextmanager
    def few_at_once(self, what: str, client: str) -> Iterator[None]:
        """Be one of the few of AT_ONCE in this process. Raises TooBusy, at once."""
        of_all, of_one = AT_ONCE[what]
        with self._counting:
            under_way = self._under_way[what]
            if under_way[client] >= of_one or under_way.total() >= of_all:
                raise TooBusy(retry_after=TOO_BUSY_SECONDS)
            under_way[client] += 1
        try:
            yield
        finally:
            with self._counting:
                under_way[client] -= 1
                if not under_way[client]:
                    del under_way[client]

    def _limiter(self) -> MovingWindowRateLimiter:
        return self._own if time.monotonic() < self._rests_until else self._shared

    def _resting(self) -> MovingWindowRateLimiter:
        self._rests_until = time.monotonic() + REST_SECONDS
        return self._own

    def _check(self, limiter: MovingWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...]) -> None:
        if not limiter.test(item, *who):
            reset_at = limiter.get_window_stats(item, *who).reset_time
            raise TooManyTries(retry_after=max(1, math.ceil(reset_at - time.time())))


def log_in(email: str, password: str) -> Account:
    """The account of whoever sent the request. Raises WrongCredentials, TooManyTries, TooBusy."""
    limits, account, client = _limits(), _hidden(email), _client()
    wrong = (
        (LOG_IN_BY_BOTH, "log-in", account, client),
        (LOG_IN_BY_ACCOUNT, "log-in", account),
        (LOG_IN_BY_ADDRESS, "log-in", client),
    )
    right = (
        (RIGHT_LOG_IN_BY_ACCOUNT, "right log-in", account),
        (RIGHT_LOG_IN_BY_ADDRESS, "right log-in", client),
    )
    for item, *who in (*wrong, *right):
        limits.check(item, *who)
    try:
        with limits.few_at_once("password", client):
            found = current().accounts.log_in(email, password)
    except WrongCredentials:
        for item, *who in wrong:
            limits.count(item, *who)
        raise
    for item, *who in right:
        limits.count(item, *who)
    return found


@contextmanager
def registering(email: str, password: str) -> Iterator[None]:
    """Where `register` is called. Raises what it would refuse with before it does anything, and TooBusy."""
    if not current().accounts.open_sign_up:
        raise SignUpClosed
    check_length(password)
    with _mailing("register", email):
        yield


def register(email: str, password: str) -> None:
    """AccountService.register for whoever sent the request. Raises what it does, and TooManyTries."""
    _count_mail("register", email)
    current().accounts.register(email, password)


def verify(token: str, password: str) -> Account:
    """The account of a mailed link, for whoever brings the password that it was asked for with.

    Raises InvalidToken, WrongCredentials, TooManyTries, TooBusy.
    """
    with links_counted("verify link"), _limits().few_at_once("password", _client()):
        current().accounts.check_link(token, password)
        return current().accounts.verify(token)


@contextmanager
def asking_reset(email: str) -> Iterator[None]:
    """Where `ask_reset` is called. Raises what it would refuse with before it does anything, and TooBusy."""
    with _mailing("reset", email):
        yield


def ask_reset(email: str) -> None:
    """AccountService.ask_reset for whoever sent the request. Raises what it does, and TooManyTries."""
    _count_mail("reset", email)
    current().accounts.ask_reset(email)


@contextmanager
def resetting() -> Iterator[None]:
    """Where AccountService.reset is called: a link is not to be guessed, and each password costs a hash.

    Raises TooManyTries, TooBusy.
    """
    with links_counted("reset link"), _limits().few_at_once("password", _client()):
        yield


@contextmanager
def links_counted(what: str) -> Iterator[None]:
    """Open a link of this kind. Raises TooManyTries."""
    limits, client = _limits(), _client()
    limits.check(LINK_BY_ADDRESS, what, client)
    limits.check(RIGHT_LINK_BY_ADDRESS, what, client)
    try:
        yield
    except (InvalidToken, WrongCredentials):
        limits.count(LINK_BY_ADDRESS, what, client)
        raise
    limits.count(RIGHT_LINK_BY_ADDRESS, what, client)


@contextmanager
def _mailing(what: str, email: str) -> Iterator[None]:
    for item, *who in _mail_doors(what, email):
        _limits().check(item, *who)
    with _limits().few_at_once("mail", _client()):
        yield


def _count_mail(what: str, email: str) -> None:
    for item, *who in _mail_doors(what, email):
        _limits().count(item, *who)


def _mail_doors(what: str, email: str) -> Sequence[tuple[RateLimitItem, *tuple[str, ...]]]:
    account, client = _hidden(email_address(email)), _client()
    return (
        (MAIL_BY_ADDRESS, what, client),
        (MAIL_BY_BOTH, what, account, client),
        (MAIL_BY_ACCOUNT, what, account),
    )


def _limits() -> RateLimits:
    limits: RateLimits = current_app.extensions["rate_limits"]
    return limits


def _client() -> str:
    """Where the request comes from: the address, or with IPv6, where each household has 2^64 of them, the network.

    Some proxies write the port of the connection behind it.
    """
    given = request.remote_addr or "unknown"
    try:
        with_port = WITH_PORT.fullmatch(given)
        address = ip_address(given if with_port is None else with_port[1].strip("[]"))
    except ValueError:
        return given
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def _hidden(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()[:32]
