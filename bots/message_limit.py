"""How many messages of one contact are worth a transaction."""

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from bots.messages import Message

PER_MINUTE = 60

log = structlog.get_logger(__name__)


class MessageLimit:
    """At most `per_minute` messages a minute from one address on one channel.

    `storage` is one of the limits package, made with `wrap_exceptions=True`; while it fails, nobody is limited.
    """

    def __init__(self, storage: Storage, per_minute: int = PER_MINUTE) -> None:
        self._limiter = FixedWindowRateLimiter(storage)
        self._limit = RateLimitItemPerMinute(per_minute)

    def allows(self, message: Message) -> bool:
        """Count the message, and say whether it is within the limit. One round trip."""
        try:
            return self._limiter.hit(self._limit, message.channel, message.address)
        except StorageError as error:
            log.warning("messages are not limited: the counter is away", error=type(error.storage_error).__name__)
            return True
