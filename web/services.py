"""What the web application is given; the edition that starts it makes these parts and hands them over."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app
from limits.storage import Storage

from core.accounts import AccountService
from core.clock import Clock
from core.contacts import ContactBook
from core.queues import QueueService
from core.storage.queues import QueueAtVenue
from core.storage.records import Records
from core.storage.view import Positions
from core.venues import VenueService
from core.walk_ins import WalkIns


@dataclass(frozen=True, slots=True)
class JoinLinks:
    """How a guest joins a queue by message. Each is None where that channel is not connected.

    `sms_number` is E.164 and `sms_text` what to text there; `sms_url` opens the phone's own app with both filled in;
    `telegram_url` and `whatsapp_url` open the chat with the bot.
    """

    sms_number: str | None
    sms_text: str | None
    sms_url: str | None
    telegram_url: str | None
    whatsapp_url: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How the parts are. Ages are in seconds, None where there is nothing to tell the age of.

    `redis` is False while it is away, and the service goes on without it.
    """

    database: bool
    redis: bool
    oldest_unrelayed_seconds: float | None
    worker_beat_seconds: float | None


@dataclass(frozen=True, slots=True)
class Services:
    """The parts. `public_url` has no slash at its end; `token_key` signs the API's tokens and the pages' sessions.

    `rate_limits` is where the limits on login and registration are counted: a storage of the package `limits`, made
    with `wrap_exceptions=True`; None for this process' own memory.
    """

    records: Records
    queues: QueueService
    venues: VenueService
    accounts: AccountService
    walk_ins: WalkIns
    positions: Positions
    contacts: ContactBook
    public_url: str
    token_key: str
    join_links: Callable[[QueueAtVenue], JoinLinks]
    health: Callable[[], Health]
    rate_limits: Storage | None = None

    @property
    def clock(self) -> Clock:
        """The time, the same as the records'."""
        return self.records.clock


def current() -> Services:
    """The services of the request's application."""
    services: Services = current_app.extensions["services"]
    return services
