"""Venues and their queues."""

from flask import Blueprint, Response

from core.model import staff
from core.storage.accounts import Account
from core.storage.records import Transaction
from web.api import paging
from web.api.answers import QueueShape, QueuesShape, VenueShape, VenuesShape
from web.api.operations import changed, operation, shown
from web.api.requests import Closing, NewQueue, NewVenue, Page, QueueChange, VenueChange
from web.services import current

venues = Blueprint("venues", __name__)


@venues.get("/venues")
@operation(VenuesShape, "Venues and queues", query=Page)
def list_venues(account: Account, query: Page) -> Response:
    """The venues where you work, oldest first."""
    with current().records.reading() as tx:
        found = current().venues.all(tx, account.id)
    items, cursor = paging.part(found, query, lambda venue: venue.id)
    return shown(VenuesShape(items=[VenueShape.of(venue) for venue in items], next=cursor))


@venues.post("/venues")
@operation(VenueShape, "Venues and queues", status=201, takes=NewVenue, repeatable=True, refusals=(409,))
def create_venue(account: Account, body: NewVenue) -> Response:
    """Make a venue that you own."""

    def work(tx: Transaction) -> VenueShape:
        return VenueShape.of(current().venues.create(tx, account.id, **body.model_dump()))

    return changed(account.id, work, status=201, made="/venues")


@venues.get("/venues/<venue_id>")
@operation(VenueShape, "Venues and queues", refusals=(404,))
def show_venue(account: Account, venue_id: str) -> Response:
    """One venue."""
    with current().records.reading() as tx:
        return shown(VenueShape.of(current().venues.get(tx, account.id, venue_id)))


@venues.patch("/venues/<venue_id>")
@operation(VenueShape, "Venues and queues", takes=VenueChange, refusals=(403, 404, 409))
def change_venue(account: Account, venue_id: str, body: VenueChange) -> Response:
    """Change a venue that you own; what is left out stays."""
    venue = current().records.transaction(lambda tx: current().venues.change(tx, account.id, venue_id, **body.given()))
    return shown(VenueShape.of(venue))


@venues.get("/venues/<venue_id>/queues")
@operation(QueuesShape, "Venues and queues", query=Page, refusals=(404,))
def list_queues(account: Account, venue_id: str, query: Page) -> Response:
    """The queues of a venue, oldest first."""
    with current().records.reading() as tx:
        found = current().venues.queues_of(tx, account.id, venue_id)
    items, cursor = paging.part(found, query, lambda queue: queue.id)
    return shown(QueuesShape(items=[QueueShape.of(queue) for queue in items], next=cursor))


@venues.post("/venues/<venue_id>/queues")
@operation(QueueShape, "Venues and queues", status=201, takes=NewQueue, repeatable=True, refusals=(404, 409))
def create_queue(account: Account, venue_id: str, body: NewQueue) -> Response:
    """Make a queue."""

    def work(tx: Transaction) -> QueueShape:
        return QueueShape.of(current().venues.create_queue(tx, account.id, venue_id, **body.given()))

    return changed(account.id, work, status=201, made="/queues")


@venues.get("/queues/<queue_id>")
@operation(QueueShape, "Venues and queues", refusals=(404,), cached=True)
def show_queue(account: Account, queue_id: str) -> Response:
    """One queue."""
    with current().records.reading() as tx:
        queue = current().venues.queue(tx, account.id, queue_id).queue
    return shown(QueueShape.of(queue), etag=str(queue.version))


@venues.patch("/queues/<queue_id>")
@operation(QueueShape, "Venues and queues", takes=QueueChange, refusals=(404, 409))
def change_queue(account: Account, queue_id: str, body: QueueChange) -> Response:
    """Change a queue, its state too; what is left out stays."""
    queue = current().records.transaction(
        lambda tx: current().venues.change_queue(tx, account.id, queue_id, **body.given())
    )
    return shown(QueueShape.of(queue))


@venues.post("/queues/<queue_id>/close")
@operation(QueueShape, "Venues and queues", takes=Closing, repeatable=True, refusals=(404,))
def close_queue(account: Account, queue_id: str, body: Closing) -> Response:
    """Close a queue. Those who wait keep their places, or are removed and told."""
    remove = body.waiting == "remove"

    def work(tx: Transaction) -> QueueShape:
        queue = current().queues.close(tx, queue_id, staff(account.id), remove_waiting=remove)
        return QueueShape.of(queue)

    return changed(account.id, work)
