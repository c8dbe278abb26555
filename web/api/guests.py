"""What the guest's page uses. The token in the address is the key to one ticket."""

import hashlib

from flask import Blueprint, Response

from core.errors import NotFound
from core.model import GUEST, Ticket
from core.storage.queues import QueueAtVenue
from core.storage.records import Transaction
from web.api.answers import GuestTicketShape
from web.api.operations import changed, operation, shown
from web.etags import ticket_tag
from web.services import current

guests = Blueprint("guests", __name__)


@guests.get("/guest/tickets/<token>")
@operation(GuestTicketShape, "Guests", anyone=True, refusals=(404,), cached=True)
def show_guest_ticket(token: str) -> Response:
    """The guest's place: position, state, estimate, and the queue's texts."""
    with current().records.reading() as tx:
        ticket, place = _find(tx, token)
    position = current().positions.position(ticket)
    shape = GuestTicketShape.of(ticket, position, place, current().public_url)
    return shown(shape, etag=ticket_tag(ticket, place.queue, position))


@guests.post("/guest/tickets/<token>/leave")
@operation(GuestTicketShape, "Guests", anyone=True, repeatable=True, refusals=(404, 409))
def leave(token: str) -> Response:
    """Give the place up."""

    def work(tx: Transaction) -> GuestTicketShape:
        ticket, place = _find(tx, token)
        left = current().queues.leave(tx, ticket.id, GUEST)
        return GuestTicketShape.of(left, None, place, current().public_url)

    return changed(f"guest {hashlib.sha256(token.encode()).hexdigest()[:32]}", work)


def _find(tx: Transaction, token: str) -> tuple[Ticket, QueueAtVenue]:
    ticket = tx.tickets.by_token(token)
    place = None if ticket is None else tx.queues.at_venue(ticket.queue_id)
    if ticket is None or place is None:
        raise NotFound(what="ticket")
    return ticket, place
