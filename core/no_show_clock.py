"""When a called guest counts as a no-show, and until when such a guest may have the place back."""

from datetime import datetime, timedelta
from typing import Protocol

from core.business_day import end_of_business_day
from core.model import Queue, Ticket, TicketState

LONGEST_DELIVERY = timedelta(minutes=2)
"""How long the clock waits for a carrier to say that a call was delivered; some never say."""


class BusinessDay(Protocol):
    """What says when a venue's business day ends: the venue, or a queue with it."""

    @property
    def time_zone(self) -> str: ...
    @property
    def day_starts_at(self) -> str: ...


def deadline_at_call(queue: Queue, ticket: Ticket, now: datetime) -> datetime | None:
    """When the clock runs out as far as is known at the moment of the call; None where the queue has no limit."""
    if queue.no_show_minutes is None:
        return None
    limit = timedelta(minutes=queue.no_show_minutes)
    return now + limit if ticket.contact_id is None else now + limit + LONGEST_DELIVERY


def deadline_when_delivered(queue: Queue, ticket: Ticket, delivered_at: datetime) -> datetime | None:
    """The earlier of the deadline so far and the limit after the delivery."""
    if queue.no_show_minutes is None or ticket.no_show_at is None:
        return ticket.no_show_at
    return min(ticket.no_show_at, delivered_at + timedelta(minutes=queue.no_show_minutes))


def deadline_when_not_reached(queue: Queue, ticket: Ticket) -> datetime | None:
    """The limit after the call itself, for a guest whom no text reached."""
    if queue.no_show_minutes is None or ticket.no_show_at is None or ticket.called_at is None:
        return ticket.no_show_at
    return ticket.called_at + timedelta(minutes=queue.no_show_minutes)


def back_until(ticket: Ticket, queue: Queue, day: BusinessDay) -> datetime | None:
    """The last moment at which a no-show may come back: within the grace, and on its own business day.

    None for a ticket that is no no-show.
    """
    if ticket.state is not TicketState.NO_SHOW or ticket.ended_at is None:
        return None
    day_ends_at = end_of_business_day(ticket.joined_at, day.time_zone, day.day_starts_at)
    return min(ticket.ended_at + timedelta(minutes=queue.grace_minutes), day_ends_at - timedelta.resolution)
