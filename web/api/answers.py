"""What the API gives: the shapes of its answers, and how they are made from what core knows."""

from typing import Any

from pydantic import AwareDatetime

from core.estimates import estimate
from core.model import ActorKind, Event, EventKind, LineEntry, Queue, QueueState, Ticket, TicketState, Venue
from core.storage.accounts import Account
from core.storage.queues import QueueAtVenue
from web.api.models import Model

HIDDEN_DETAILS = {"before"}


class AccountShape(Model):
    """A staff account."""

    id: str
    email: str

    @classmethod
    def of(cls, account: Account) -> "AccountShape":
        """The account without its secrets."""
        return cls(id=account.id, email=account.email)


class MailedShape(Model):
    """A mail is on its way to this address; it says what comes next."""

    email: str


class SessionShape(Model):
    """What to send as `Authorization: Bearer` until it expires."""

    token: str
    type: str = "Bearer"
    expires_at: AwareDatetime


class VenueShape(Model):
    """A bar, restaurant or club."""

    id: str
    name: str
    time_zone: str
    language: str
    phone_number: str | None
    day_starts_at: str
    retention_days: int

    @classmethod
    def of(cls, venue: Venue) -> "VenueShape":
        """The venue as its staff see it."""
        return cls.model_validate(venue, from_attributes=True)


class QueueShape(Model):
    """A line at a venue; `waiting` is how many wait."""

    id: str
    venue_id: str
    name: str
    join_code: str
    text: str
    called_message: str
    state: QueueState
    waiting: int
    capacity: int | None
    largest_party: int | None
    almost_there_at: int
    no_show_minutes: int | None
    grace_minutes: int

    @classmethod
    def of(cls, queue: Queue) -> "QueueShape":
        """The queue as its staff see it."""
        return cls.model_validate(queue, from_attributes=True)


class EstimateShape(Model):
    """Minutes until the call."""

    low_minutes: int
    likely_minutes: int
    high_minutes: int

    @classmethod
    def of(cls, queue: Queue, position: int | None) -> "EstimateShape | None":
        """None where too little is known, or the guest does not wait."""
        wait = estimate(queue, position)
        return None if wait is None else cls.model_validate(wait, from_attributes=True)


class NoticeShape(Model):
    """The last that the guest was told, and how far it has come."""

    kind: str
    state: str
    at: AwareDatetime

    @classmethod
    def of(cls, entry: LineEntry) -> "NoticeShape | None":
        """None where the guest was told nothing yet."""
        kind, state, at = entry.last_notice_kind, entry.last_notice_state, entry.last_notice_at
        return None if kind is None or state is None or at is None else cls(kind=kind, state=state, at=at)


class TicketShape(Model):
    """One party's place. `position` is 1 for who is called next, null unless the party waits."""

    id: str
    number: int
    queue_id: str
    guest_name: str
    party_size: int
    channel: str | None
    state: TicketState
    position: int | None
    joined_at: AwareDatetime
    called_at: AwareDatetime | None
    estimate: EstimateShape | None
    note: str
    reachable: bool
    last_notice: NoticeShape | None
    guest_url: str

    @classmethod
    def of(cls, entry: LineEntry, queue: Queue, public_url: str) -> "TicketShape":
        """The ticket as staff see it."""
        return cls(
            id=entry.id,
            number=entry.number,
            queue_id=entry.queue_id,
            guest_name=entry.guest_name,
            party_size=entry.party_size,
            channel=entry.channel,
            state=entry.state,
            position=entry.position,
            joined_at=entry.joined_at,
            called_at=entry.called_at,
            estimate=EstimateShape.of(queue, entry.position),
            note=entry.note,
            reachable=entry.reachable,
            last_notice=NoticeShape.of(entry),
            guest_url=guest_url(entry.token, public_url),
        )


class WhoShape(Model):
    """Who did it; staff by their account."""

    kind: ActorKind
    account_id: str | None


class EventShape(Model):
    """Something that happened to a ticket. `details` depend on the kind."""

    id: str
    kind: EventKind
    at: AwareDatetime
    by: WhoShape
    call_number: int
    details: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "EventShape":
        """The event without what only an undo needs."""
        return cls(
            id=event.id,
            kind=event.kind,
            at=event.at,
            by=WhoShape(kind=event.actor.kind, account_id=event.actor.account_id),
            call_number=event.call_number,
            details={name: value for name, value in event.data.items() if name not in HIDDEN_DETAILS},
        )


class GuestQueueShape(Model):
    """What a guest may know of the queue."""

    name: str
    venue_name: str
    text: str
    called_message: str
    state: QueueState


class GuestTicketShape(Model):
    """A ticket as its guest sees it."""

    number: int
    guest_name: str
    party_size: int
    state: TicketState
    position: int | None
    joined_at: AwareDatetime
    called_at: AwareDatetime | None
    estimate: EstimateShape | None
    queue: GuestQueueShape
    guest_url: str

    @classmethod
    def of(cls, ticket: Ticket, position: int | None, place: QueueAtVenue, public_url: str) -> "GuestTicketShape":
        """The ticket without what only staff may read."""
        queue = place.queue
        return cls(
            number=ticket.number,
            guest_name=ticket.guest_name,
            party_size=ticket.party_size,
            state=ticket.state,
            position=position,
            joined_at=ticket.joined_at,
            called_at=ticket.called_at,
            estimate=EstimateShape.of(queue, position),
            queue=GuestQueueShape(
                name=queue.name,
                venue_name=place.venue_name,
                text=queue.text,
                called_message=queue.called_message,
                state=queue.state,
            ),
            guest_url=guest_url(ticket.token, public_url),
        )


class VenuesShape(Model):
    """A page of venues."""

    items: list[VenueShape]
    next: str | None


class QueuesShape(Model):
    """A page of queues."""

    items: list[QueueShape]
    next: str | None


class LineShape(Model):
    """A page of the line, in order of call."""

    items: list[TicketShape]
    next: str | None


class HistoryShape(Model):
    """A page of a ticket's history, oldest first."""

    items: list[EventShape]
    next: str | None


def guest_url(token: str, public_url: str) -> str:
    """The address of the guest's own page."""
    return f"{public_url}/t/{token}"
