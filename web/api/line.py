"""The line: who waits and who is called, walk-ins, and the next guest."""

from flask import Blueprint, Response

from core.line import read_line
from core.model import staff
from core.storage.accounts import Account
from core.storage.records import Transaction
from web.api import paging
from web.api.answers import LineShape, TicketShape
from web.api.operations import changed, operation, shown
from web.api.requests import FreeSeats, LinePart, WalkIn
from web.api.tickets import ticket_now
from web.etags import line_tag
from web.services import current

line = Blueprint("line", __name__)


@line.get("/queues/<queue_id>/tickets")
@operation(LineShape, "The line", query=LinePart, refusals=(404,), cached=True)
def list_tickets(account: Account, queue_id: str, query: LinePart) -> Response:
    """Who is called and who waits, in order of call; with `state`, the tickets in those states."""
    services, after = current(), paging.mark_of(query)
    with services.records.reading() as tx:
        queue = services.venues.queue(tx, account.id, queue_id).queue
        page = read_line(tx, queue_id, query.state, query.limit, after)
    items = [TicketShape.of(entry, queue, services.public_url) for entry in page.entries]
    return shown(LineShape(items=items, next=paging.cursor_of(page.next)), etag=line_tag(queue, page.entries))


@line.post("/queues/<queue_id>/tickets")
@operation(TicketShape, "The line", status=201, takes=WalkIn, repeatable=True, refusals=(404, 409, 429))
def add_ticket(account: Account, queue_id: str, body: WalkIn) -> Response:
    """Add a walk-in at the end of the line."""

    def work(tx: Transaction) -> TicketShape:
        joined = current().walk_ins.add(
            tx,
            queue_id,
            account.id,
            guest_name=body.guest_name,
            party_size=body.party_size,
            phone=body.phone,
            note=body.note,
        )
        entry = tx.lines.entry(joined.ticket.id)
        assert entry is not None
        entry.position = joined.position
        return TicketShape.of(entry, joined.queue, current().public_url)

    return changed(account.id, work, status=201, made="/tickets")


@line.post("/queues/<queue_id>/call-next")
@operation(TicketShape, "The line", takes=FreeSeats, repeatable=True, refusals=(404, 409))
def call_next(account: Account, queue_id: str, body: FreeSeats) -> Response:
    """Call the first in line, or the first whose party fits the free seats."""
    actor = staff(account.id)
    return changed(account.id, lambda tx: ticket_now(tx, current().queues.call_next(tx, queue_id, actor, body.seats)))


@line.post("/queues/<queue_id>/undo")
@operation(TicketShape, "The line", repeatable=True, refusals=(404, 409))
def undo(account: Account, queue_id: str) -> Response:
    """Take back the last staff action on a ticket, within a minute."""
    actor = staff(account.id)
    return changed(account.id, lambda tx: ticket_now(tx, current().queues.undo(tx, queue_id, actor)))
