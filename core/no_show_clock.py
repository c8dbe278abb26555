"""When a called guest counts as a no-show."""

from datetime import datetime, timedelta

from core.model import Queue, Ticket

LONGEST_DELIVERY = timedelta(minutes=2)
"""How long the clock waits for a carrier to say that a call was delivered; some never say."""


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
