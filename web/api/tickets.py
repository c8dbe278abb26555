"""One ticket: what is known of it, its history, and the steps that staff take with it."""

from collections.abc import Callable

from flask import Blueprint, Response

from core.line import read_ticket, with_position
from core.model import Actor, Ticket, staff
from core.storage.accounts import Account
from core.storage.records import Transaction
from web.api import paging
from web.api.answers import EventShape, HistoryShape, TicketShape
from web.api.operations import changed, operation, shown
from web.api.requests import Page, Place, TicketChange
from web.services import current

tickets = Blueprint("tickets", __name__)

Step = Callable[[Transaction, str, Actor], Ticket]


def ticket_now(tx: Transaction, ticket: Ticket) -> TicketShape:
    """A ticket after a change in this transaction."""
    entry = tx.lines.entry(ticket.id)
    # The queue that the change locked: its counters are written when the transaction ends.
    queue = tx.lock(tx.queues.get(ticket.queue_id))
    assert entry is not None
    assert queue is not None
    return TicketShape.of(with_position(tx, entry), queue, current().public_url)


@tickets.get("/tickets/<ticket_id>")
@operation(TicketShape, "Tickets", refusals=(404,))
def show_ticket(account: Account, ticket_id: str) -> Response:
    """One ticket."""
    with current().records.reading() as tx:
        entry, queue = read_ticket(tx, account.id, ticket_id)
    return shown(TicketShape.of(entry, queue, current().public_url))


@tickets.patch("/tickets/<ticket_id>")
@operation(TicketShape, "Tickets", takes=TicketChange, refusals=(404, 409))
def change_ticket(account: Account, ticket_id: str, body: TicketChange) -> Response:
    """Correct what is known of a party; what is left out stays."""
    actor = staff(account.id)
    ticket = current().records.transaction(
        lambda tx: ticket_now(tx, current().queues.change(tx, ticket_id, actor, **body.given()))
    )
    return shown(ticket)


@tickets.get("/tickets/<ticket_id>/history")
@operation(HistoryShape, "Tickets", query=Page, refusals=(404,))
def show_history(account: Account, ticket_id: str, query: Page) -> Response:
    """What happened to a ticket, when and by whom, oldest first."""
    with current().records.reading() as tx:
        read_ticket(tx, account.id, ticket_id)
        events = tx.event_log.of_ticket(ticket_id)
    items, cursor = paging.part(events, query, lambda event: event.id)
    return shown(HistoryShape(items=[EventShape.of(event) for event in items], next=cursor))


@tickets.post("/tickets/<ticket_id>/call")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def call(account: Account, ticket_id: str) -> Response:
    """Call this guest, wherever in the line."""
    return _step(account, ticket_id, current().queues.call)


@tickets.post("/tickets/<ticket_id>/recall")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def recall(account: Account, ticket_id: str) -> Response:
    """Repeat the call."""
    return _step(account, ticket_id, current().queues.recall)


@tickets.post("/tickets/<ticket_id>/serve")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def serve(account: Account, ticket_id: str) -> Response:
    """The guest came and was let in."""
    return _step(account, ticket_id, current().queues.serve)


@tickets.post("/tickets/<ticket_id>/no-show")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def no_show(account: Account, ticket_id: str) -> Response:
    """The guest was called and did not come."""
    return _step(account, ticket_id, current().queues.no_show)


@tickets.post("/tickets/<ticket_id>/come-back")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def come_back(account: Account, ticket_id: str) -> Response:
    """Give a no-show the old place back, within the grace."""
    return _step(account, ticket_id, current().queues.come_back)


@tickets.post("/tickets/<ticket_id>/put-back")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def put_back(account: Account, ticket_id: str) -> Response:
    """Take a call back: the guest waits again, at the old place."""
    return _step(account, ticket_id, current().queues.put_back)


@tickets.post("/tickets/<ticket_id>/remove")
@operation(TicketShape, "Tickets", repeatable=True, refusals=(404, 409))
def remove(account: Account, ticket_id: str) -> Response:
    """Take a guest out of the line."""
    return _step(account, ticket_id, current().queues.remove)


@tickets.post("/tickets/<ticket_id>/move")
@operation(TicketShape, "Tickets", takes=Place, repeatable=True, refusals=(404, 409))
def move(account: Account, ticket_id: str, body: Place) -> Response:
    """Put a waiting guest at a position."""
    actor = staff(account.id)
    return changed(account.id, lambda tx: ticket_now(tx, current().queues.move(tx, ticket_id, body.position, actor)))


def _step(account: Account, ticket_id: str, step: Step) -> Response:
    actor = staff(account.id)
    return changed(account.id, lambda tx: ticket_now(tx, step(tx, ticket_id, actor)))
