"""Venues and their queues: make, change, look up. Staff reach only those where they work."""

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import time
from functools import cache
from typing import Any, TypedDict, Unpack
from zoneinfo import available_timezones

from core.business_day import end_of_business_day
from core.errors import InvalidValue, JoinCodeTaken, NotAllowed, NotFound, NumberTaken
from core.model import Queue, QueueState, Venue, staff
from core.phone_numbers import country_of_number, country_of_time_zone, phone_number
from core.queues import LARGEST_PARTY, QueueService
from core.storage.queues import QueueAtVenue
from core.storage.records import Transaction
from core.storage.venues import OWNER

LANGUAGES = ("en", "pt-BR", "es")
# With a letter, since the digits of "JOIN 1234" are a party's size.
JOIN_CODE = re.compile(r"(?=[0-9]*[A-Z])[A-Z0-9]{3,20}")
# Without what looks or sounds alike when it is read out in a loud bar.
UNAMBIGUOUS = "ACDEFHJKLMNPRTUVWXY3479"
SHORT = 4
# What settings may be at most.
LARGEST_CAPACITY = 100_000
LAST_ALMOST_THERE = 50
LONGEST_MINUTES = 1440
LONGEST_RETENTION_DAYS = 365
LONGEST = {"name": 100, "text": 500, "called_message": 500}
RANGES = {
    "capacity": (1, LARGEST_CAPACITY),
    "largest_party": (1, LARGEST_PARTY),
    "almost_there_at": (0, LAST_ALMOST_THERE),
    "no_show_minutes": (1, LONGEST_MINUTES),
    "grace_minutes": (0, LONGEST_MINUTES),
    "retention_days": (1, LONGEST_RETENTION_DAYS),
}


class VenueSettings(TypedDict, total=False):
    """What its owner can set of a venue. `phone_number` may be written as it is dialled in the venue's country."""

    name: str
    time_zone: str
    language: str
    phone_number: str | None
    day_starts_at: str
    retention_days: int


class QueueSettings(TypedDict, total=False):
    """What staff can set of a queue; None is "no limit" where it is allowed."""

    name: str
    join_code: str
    text: str
    called_message: str
    state: QueueState
    capacity: int | None
    largest_party: int | None
    almost_there_at: int
    no_show_minutes: int | None
    grace_minutes: int


VENUE_DEFAULTS = VenueSettings(language="en", phone_number=None, day_starts_at="06:00", retention_days=30)
QUEUE_DEFAULTS = QueueSettings(
    text="",
    called_message="",
    state=QueueState.OPEN,
    capacity=None,
    largest_party=None,
    almost_there_at=3,
    no_show_minutes=10,
    grace_minutes=15,
)


class VenueService:
    """The venues. Holds nothing of them; safe for all threads.

    `reserved_codes` (upper case) mean something else to the conversation, so no queue may have them.

    Every operation is by an account: what lies at a venue where it does not work is NotFound.
    """

    def __init__(self, queues: QueueService, reserved_codes: Collection[str] = ()) -> None:
        self._queues = queues
        self._reserved_codes = reserved_codes

    def all(self, tx: Transaction, account_id: str) -> list[Venue]:
        """The venues where the account works, oldest first."""
        return tx.venues.of_account(account_id)

    def get(self, tx: Transaction, account_id: str, venue_id: str) -> Venue:
        """One venue. Raises NotFound."""
        venue = tx.venues.get(venue_id)
        if venue is None or tx.venues.role(account_id, venue_id) is None:
            raise NotFound(what="venue")
        return venue

    def create(self, tx: Transaction, account_id: str, **settings: Unpack[VenueSettings]) -> Venue:
        """Make a venue that the account owns; name and time zone must be set.

        Raises InvalidValue, NumberTaken.
        """
        values: dict[str, Any] = {**VENUE_DEFAULTS, **_checked_venue(settings)}
        venue = Venue(id=secrets.token_hex(8), created_at=tx.now, **values)
        venue.phone_number = _own_number(tx, account_id, venue, venue.phone_number)
        tx.venues.insert(venue, account_id)
        return venue

    def change(self, tx: Transaction, account_id: str, venue_id: str, **settings: Unpack[VenueSettings]) -> Venue:
        """Change what is given of a venue; its pages refresh.

        Raises NotFound, NotAllowed unless the account owns the venue, InvalidValue, NumberTaken.
        """
        values = _checked_venue(settings)
        role = tx.venues.role(account_id, venue_id)
        # The venue's row first, so that two changes at once don't undo each other's.
        venue = tx.venues.lock(venue_id)
        if venue is None or role is None:
            raise NotFound(what="venue")
        if role != OWNER:
            raise NotAllowed
        number_before = venue.phone_number
        for name, value in values.items():
            setattr(venue, name, value)
        if "phone_number" in values:
            venue.phone_number = _own_number(tx, account_id, venue, venue.phone_number)
        self._refresh_queues(tx, account_id, venue)
        tx.venues.save(venue)
        if number_before is not None and number_before != venue.phone_number:
            tx.venues.free_number(number_before)
        return venue

    def queues_of(self, tx: Transaction, account_id: str, venue_id: str) -> list[Queue]:
        """The queues of a venue, oldest first. Raises NotFound."""
        if tx.venues.role(account_id, venue_id) is None:
            raise NotFound(what="venue")
        return tx.queues.of_venue(venue_id)

    def queue(self, tx: Transaction, account_id: str, queue_id: str) -> QueueAtVenue:
        """One queue with its venue. Raises NotFound."""
        place = tx.queues.at_venue(queue_id)
        if place is None or tx.venues.role(account_id, place.queue.venue_id) is None:
            raise NotFound(what="queue")
        return place

    def create_queue(self, tx: Transaction, account_id: str, venue_id: str, **settings: Unpack[QueueSettings]) -> Queue:
        """Open a queue; its name must be set, and a short join code is made up unless one is.

        Raises NotFound, InvalidValue, JoinCodeTaken.
        """
        _check_limits(settings)
        venue = self.get(tx, account_id, venue_id)
        join_code = self._free_join_code(tx, settings.get("join_code"))
        values: dict[str, Any] = {**QUEUE_DEFAULTS, **settings, "join_code": join_code}
        queue = Queue(
            id=secrets.token_hex(8),
            venue_id=venue.id,
            version=1,
            waiting=0,
            last_number=0,
            last_order_key=0,
            day_ends_at=end_of_business_day(tx.now, venue.time_zone, venue.day_starts_at),
            last_called_at=None,
            pace_seconds=0.0,
            pace_deviation_seconds=0.0,
            pace_samples=0,
            last_action_version=0,
            created_at=tx.now,
            **values,
        )
        tx.queues.insert(queue)
        return queue

    def change_queue(self, tx: Transaction, account_id: str, queue_id: str, **settings: Unpack[QueueSettings]) -> Queue:
        """Change what is given of a queue; its pages refresh. Raises NotFound, InvalidValue, JoinCodeTaken."""
        _check_limits(settings)
        queue = self._lock(tx, account_id, queue_id)
        values: dict[str, Any] = dict(settings)
        state = values.pop("state", None)
        if state is not None:
            queue = self._queues.set_state(tx, queue_id, state, staff(account_id))
        join_code = values.get("join_code")
        if join_code is not None and join_code.upper() != queue.join_code:
            values["join_code"] = self._free_join_code(tx, join_code)
        else:
            values.pop("join_code", None)
        if values:
            tx.change(queue)
            queue.last_action_version = 0
            tx.queues.save_settings(queue.id, values)
        for name, value in values.items():
            setattr(queue, name, value)
        return queue

    def _free_join_code(self, tx: Transaction, wanted: str | None) -> str:
        """The wanted code in upper case, or one of our own that no queue has."""
        if wanted is not None:
            if not JOIN_CODE.fullmatch(wanted.upper()):
                raise InvalidValue(field="join_code", reason="not-a-join-code")
            if wanted.upper() in self._reserved_codes:
                raise InvalidValue(field="join_code", reason="reserved-join-code")
            if tx.queues.by_join_code(wanted.upper()) is not None:
                raise JoinCodeTaken(join_code=wanted.upper())
            return wanted.upper()
        length = SHORT
        while True:
            made = "".join(secrets.choice(UNAMBIGUOUS) for _ in range(length))
            if JOIN_CODE.fullmatch(made) and made not in self._reserved_codes and not tx.queues.by_join_code(made):
                return made
            length += 1

    def _lock(self, tx: Transaction, account_id: str, queue_id: str) -> Queue:
        queue = tx.lock(tx.queues.lock(queue_id, account_id))
        if queue is None:
            raise NotFound(what="queue")
        return queue

    def _refresh_queues(self, tx: Transaction, account_id: str, venue: Venue) -> None:
        """Raise the version of the venue's queues, by which pages tell that something is new."""
        for queue_id in sorted(queue.id for queue in tx.queues.of_venue(venue.id)):
            queue = self._lock(tx, account_id, queue_id)
            tx.change(queue)
            if queue.day_ends_at > tx.now:
                queue.day_ends_at = end_of_business_day(tx.now, venue.time_zone, venue.day_starts_at)


def _check_limits(settings: VenueSettings | QueueSettings) -> None:
    for name, value in settings.items():
        if name == "name" and not value:
            raise InvalidValue(field=name, reason="missing")
        if isinstance(value, str) and len(value) > LONGEST.get(name, len(value)):
            raise InvalidValue(field=name, reason="too-long", at_most=LONGEST[name])
        if isinstance(value, int) and name in RANGES:
            at_least, at_most = RANGES[name]
            if not at_least <= value <= at_most:
                raise InvalidValue(field=name, reason="not-a-number", at_least=at_least, at_most=at_most)


def _checked_venue(settings: VenueSettings) -> dict[str, Any]:
    _check_limits(settings)
    values: dict[str, Any] = dict(settings)
    if "time_zone" in settings:
        values["time_zone"] = _time_zone(settings["time_zone"])
    if "language" in settings:
        values["language"] = language(settings["language"])
    if "day_starts_at" in settings:
        _check_hour(settings["day_starts_at"])
    return values


@cache
def _time_zones() -> Mapping[str, str]:
    """The names of the IANA database by themselves in lower case."""
    return {name.lower(): name for name in available_timezones() if name not in ("localtime", "Factory")}


def _time_zone(name: str) -> str:
    found = _time_zones().get(name.lower())
    if found is None:
        # Loaded when it is needed, as a function of AWS starts without it.
        from rapidfuzz import process

        nearest = process.extractOne(name, _time_zones().values(), score_cutoff=60)
        raise InvalidValue(field="time_zone", reason="unknown-time-zone", nearest=nearest and nearest[0])
    return found


def language(tag: str) -> str:
    """The language of ours that a tag such as "pt_br" or "es-MX" asks for. Raises InvalidValue."""
    for ours in LANGUAGES:
        if tag.replace("_", "-").lower().split("-")[0] == ours.split("-")[0]:
            return ours
    raise InvalidValue(field="language", reason="unknown-language", allowed=list(LANGUAGES))


def _check_hour(text: str) -> None:
    try:
        written = time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        written = ""
    if written != text:
        raise InvalidValue(field="day_starts_at", reason="not-a-time-of-day")


def _own_number(tx: Transaction, account_id: str, venue: Venue, number: str | None) -> str | None:
    """The number in E.164, which from now on is this account's."""
    if number is None:
        return None
    number = phone_number(number, country_of_time_zone(venue.time_zone), "phone_number")
    owner = tx.venues.number_owner(number)
    if owner is None:
        tx.venues.take_number(number, account_id)
    elif owner != account_id:
        raise NumberTaken(phone_number=number)
    return number


def country_of(venue: Venue) -> str | None:
    """The country (ISO 3166) that the venue's phone number, or else its time zone, says it is in."""
    if venue.phone_number is not None:
        return country_of_number(venue.phone_number)
    return country_of_time_zone(venue.time_zone)
