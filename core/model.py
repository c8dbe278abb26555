"""The nouns of the queue service: venues, queues, tickets, contacts, events and notices.

Plain data, as read from the record. Times are aware datetimes in UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class QueueState(StrEnum):
    """Whether a queue takes guests."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class TicketState(StrEnum):
    """Where a party stands on its way through the line."""

    WAITING = "waiting"
    CALLED = "called"
    SERVED = "served"
    NO_SHOW = "no_show"
    LEFT = "left"
    REMOVED = "removed"


ACTIVE_STATES = (TicketState.CALLED, TicketState.WAITING)
"""The states that hold a place, in order of call."""


class EventKind(StrEnum):
    """What can happen to a ticket or a queue."""

    JOINED = "joined"
    ALMOST_THERE = "almost_there"
    CALLED = "called"
    RECALLED = "recalled"
    PUT_BACK = "put_back"
    SERVED = "served"
    NO_SHOW = "no_show"
    CAME_BACK = "came_back"
    LEFT = "left"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"
    UNDONE = "undone"
    CLOSED = "closed"
    DAY_ENDED = "day_ended"
    QUEUE_STATE_CHANGED = "queue_state_changed"


class NoticeKind(StrEnum):
    """What a guest can be told without having asked."""

    JOINED = "joined"
    ALMOST_THERE = "almost_there"
    CALLED = "called"
    RECALLED = "recalled"
    NOT_YET = "not_yet"
    NO_SHOW = "no_show"
    REMOVED = "removed"
    CLOSED = "closed"


class NoticeState(StrEnum):
    """How far a notice has come. `dead` rests until somebody re-sends it; `stale` was not worth sending any more."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    STALE = "stale"
    DEAD = "dead"


class ActorKind(StrEnum):
    """Who caused an event."""

    GUEST = "guest"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; `account_id` names the member of staff."""

    kind: ActorKind
    account_id: str | None = None


GUEST = Actor(ActorKind.GUEST)
SYSTEM = Actor(ActorKind.SYSTEM)


def staff(account_id: str) -> Actor:
    """The member of staff who logged in with this account."""
    return Actor(ActorKind.STAFF, account_id)


@dataclass(slots=True)
class Venue:
    """A bar, restaurant or club."""

    id: str
    name: str
    time_zone: str
    language: str
    day_starts_at: str
    phone_number: str | None
    retention_days: int
    created_at: datetime


@dataclass(slots=True)
class Queue:
    """A line at a venue. `waiting`, `last_number` and `version` are kept by every change, so nobody has to count.

    `day_ends_at` is the moment at which the business day of the running numbers ends. `pace_seconds` and
    `pace_deviation_seconds` are the learned time between two calls and its spread, from `pace_samples` calls.
    `last_action_version` is the version that the last staff action on a ticket made, 0 when none can be undone.
    """

    id: str
    venue_id: str
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
    version: int
    waiting: int
    last_number: int
    last_order_key: int
    day_ends_at: datetime
    last_called_at: datetime | None
    pace_seconds: float
    pace_deviation_seconds: float
    pace_samples: int
    last_action_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ContactAddress:
    """A channel and an address on it, such as `sms` and `+5511987654321`."""

    channel: str
    address: str


@dataclass(slots=True)
class Contact:
    """A channel and an address on it, with what is remembered of the guest behind it.

    `opted_out` lists the senders (our numbers) that this contact told to stop; `unreachable` is the reason why
    notices can't arrive on any of them, None when they can. `dialogue` is the conversation's own memory.
    """

    id: str
    channel: str
    address: str
    language: str | None
    name: str
    dialogue: dict[str, Any] | None
    opted_out: list[str]
    unreachable: str | None


@dataclass(slots=True)
class Ticket:
    """One party's place in one queue. `channel` is its contact's, None without one.

    `order_key` sorts the line; `version` is the version of the queue at the ticket's last change;
    `call_number` counts calls and recalls; `no_show_at` is when the no-show clock runs out.
    """

    id: str
    queue_id: str
    number: int
    token: str
    guest_name: str
    party_size: int
    note: str
    contact_id: str | None
    channel: str | None
    sender: str | None
    added_by_staff: bool
    state: TicketState
    order_key: int
    version: int
    joined_at: datetime
    called_at: datetime | None = None
    ended_at: datetime | None = None
    call_number: int = 0
    no_show_at: datetime | None = None
    almost_there_told: bool = False
    last_notice_kind: str | None = None
    last_notice_state: str | None = None
    last_notice_at: datetime | None = None


@dataclass(slots=True)
class LineEntry:
    """A ticket as staff see it: what they read of it, its guest's channel, and whether notices reach it.

    `position` is None unless it waits.
    """

    id: str
    queue_id: str
    number: int
    token: str
    guest_name: str
    party_size: int
    note: str
    state: TicketState
    order_key: int
    joined_at: datetime
    called_at: datetime | None
    ended_at: datetime | None
    no_show_at: datetime | None
    last_notice_kind: str | None
    last_notice_state: str | None
    last_notice_at: datetime | None
    channel: str | None
    reachable: bool = False
    position: int | None = None


@dataclass(slots=True)
class Event:
    """A fact about a ticket or queue: the `ordinal`-th that the queue's change to `version` brought.

    `data` holds ids, numbers and states only, never a name, an address or a text.
    """

    queue_id: str
    version: int
    ordinal: int
    kind: EventKind
    ticket_id: str | None
    at: datetime
    actor: Actor
    call_number: int
    data: dict[str, Any] = field(default_factory=dict)
    relayed_at: datetime | None = None

    @property
    def id(self) -> str:
        """The event's name across processes: queue, version and ordinal."""
        return f"{self.queue_id}-{self.version}-{self.ordinal}"
