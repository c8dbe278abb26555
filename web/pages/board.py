"""The board: a queue's line, live, and everything that staff do with it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.errors import InvalidValue, NotFound, Refusal
from core.line import read_ticket
from core.model import EventKind, Queue, QueueState, Ticket, staff
from core.queues import LARGEST_PARTY, LONGEST
from core.steps import last_action
from core.storage.records import Transaction
from web.pages import forms
from web.pages.line import staff_line
from web.pages.live import fresh_or_rendered
from web.pages.once import act_once, page_key
from web.pages.protection import protect
from web.pages.refusals import form_status, sentence, told
from web.pages.sessions import ask_to_log_in, staff_account
from web.services import current

board = Blueprint("board", __name__)
board.before_request(ask_to_log_in)
protect(board)

Page = str | tuple[str, int] | Response | AnyResponse
MOST_PLACES = 1_000_000
STEPS = ("call", "recall", "serve", "no-show", "come-back", "put-back", "remove")
DONE = {
    "call": "Number {number} is called.",
    "recall": "Number {number} is called again.",
    "serve": "Number {number} is served.",
    "no-show": "Number {number} did not come.",
    "come-back": "Number {number} is back in line.",
    "put-back": "Number {number} waits again.",
    "remove": "Number {number} is removed.",
    "move": "Number {number} is at place {position} now.",
    "change": "Number {number} is changed.",
    "undo": "Undone. Number {number} is as before.",
    "walk-in": "Number {number} is in line, at place {position}.",
    "open": "The queue is open.",
    "paused": "The queue is paused: nobody can join, the line goes on.",
    "closed": "The queue is closed.",
}
UNDOES = {
    EventKind.CALLED: "called",
    EventKind.SERVED: "served",
    EventKind.NO_SHOW: "did not come",
    EventKind.CAME_BACK: "came back",
    EventKind.PUT_BACK: "put back",
    EventKind.REMOVED: "removed",
    EventKind.MOVED: "moved",
}


@board.get("/queues/<queue_id>")
def show(queue_id: str) -> Page:
    """The board."""
    return _board(queue_id)


@board.get("/queues/<queue_id>/live")
def live(queue_id: str) -> Page:
    """The part of the board that refreshes itself: 304 as long as nothing has changed."""
    with current().records.reading() as tx:
        line = staff_line(tx, queue_id, staff_account().id)

    def rendered() -> str:
        with current().records.reading() as tx:
            undoes = _undoes(tx, line.queue)
        return render_template("board_refresh.html", line=line, undoes=undoes, key=page_key())

    return fresh_or_rendered(line.tag, rendered)


@board.post("/queues/<queue_id>/call-next")
def call_next(queue_id: str) -> Page:
    """Call the first in line, or the first whose party fits the free seats."""

    def work(tx: Transaction) -> dict[str, Any]:
        seats = forms.number("seats", 1, LARGEST_PARTY)
        return _done("call", current().queues.call_next(tx, queue_id, staff(staff_account().id), seats), queue_id)

    return _act(queue_id, work)


@board.post(f"/queues/<queue_id>/tickets/<ticket_id>/<any({','.join(repr(step) for step in STEPS)}):step>")
def take_step(queue_id: str, ticket_id: str, step: str) -> Page:
    """Bring one guest a step on, or back."""
    queues = current().queues
    operations: dict[str, Callable[..., Ticket]] = {
        "call": queues.call,
        "recall": queues.recall,
        "serve": queues.serve,
        "no-show": queues.no_show,
        "come-back": queues.come_back,
        "put-back": queues.put_back,
        "remove": queues.remove,
    }
    actor = staff(staff_account().id)
    return _act(queue_id, lambda tx: _done(step, operations[step](tx, ticket_id, actor), queue_id))


@board.post("/queues/<queue_id>/tickets/<ticket_id>/move")
def move(queue_id: str, ticket_id: str) -> Page:
    """Put a guest at another place in line."""

    def work(tx: Transaction) -> dict[str, Any]:
        position = forms.number("position", 1, MOST_PLACES)
        if position is None:
            raise InvalidValue(field="position", reason="missing")
        moved = current().queues.move(tx, ticket_id, position, staff(staff_account().id))
        return _done("move", moved, queue_id) | {"position": tx.tickets.position_of(ticket_id)}

    return _act(queue_id, work)


@board.get("/queues/<queue_id>/tickets/<ticket_id>/change")
def change_page(queue_id: str, ticket_id: str) -> Page:
    """The form with what is known of a party."""
    return _ticket_form(queue_id, ticket_id)


@board.post("/queues/<queue_id>/tickets/<ticket_id>/change")
def change(queue_id: str, ticket_id: str) -> Page:
    """Correct what is known of a party."""

    def work(tx: Transaction) -> dict[str, Any]:
        known: dict[str, Any] = {
            "guest_name": forms.text("guest_name", LONGEST["guest_name"]),
            "party_size": forms.party_size(),
            "note": forms.text("note", LONGEST["note"]),
        }
        changed = current().queues.change(tx, ticket_id, staff(staff_account().id), **known)
        return _done("change", changed, queue_id)

    try:
        flash(DONE["change"].format(**act_once(work)), "said")
    except Refusal as refusal:
        return _ticket_form(queue_id, ticket_id, request.form.to_dict(), refusal), form_status(refusal)
    return _to_board(queue_id)


@board.post("/queues/<queue_id>/undo")
def undo(queue_id: str) -> Page:
    """Take the last action back: the one that the page showed, and no colleague's after it."""
    actor = staff(staff_account().id)

    def work(tx: Transaction) -> dict[str, Any]:
        return _done("undo", current().queues.undo(tx, queue_id, actor, forms.version("last_action")), queue_id)

    return _act(queue_id, work)


@board.post("/queues/<queue_id>/walk-ins")
def add_walk_in(queue_id: str) -> Page:
    """Add somebody who stands at the door."""

    def work(tx: Transaction) -> dict[str, Any]:
        joined = current().walk_ins.add(
            tx,
            queue_id,
            staff_account().id,
            guest_name=forms.text("guest_name", LONGEST["guest_name"]),
            party_size=forms.party_size(),
            phone=forms.text("phone", 40) or None,
            note=forms.text("note", LONGEST["note"]),
        )
        return _done("walk-in", joined.ticket, queue_id) | {"position": joined.position}

    try:
        flash(DONE["walk-in"].format(**act_once(work)), "said")
    except Refusal as refusal:
        return _board(queue_id, request.form.to_dict(), refusal), form_status(refusal)
    return _to_board(queue_id)


@board.post("/queues/<queue_id>/state")
def set_state(queue_id: str) -> Page:
    """Open or pause the queue."""

    def work(tx: Transaction) -> dict[str, Any]:
        state = QueueState(forms.one_of("state", (QueueState.OPEN, QueueState.PAUSED)))
        current().queues.set_state(tx, queue_id, state, staff(staff_account().id))
        return {"done": state}

    return _act(queue_id, work)


@board.get("/queues/<queue_id>/close")
def close_page(queue_id: str) -> Page:
    """Ask what happens to those who wait."""
    with current().records.reading() as tx:
        line = staff_line(tx, queue_id, staff_account().id)
    return render_template("close.html", line=line, key=page_key())


@board.post("/queues/<queue_id>/close")
def close(queue_id: str) -> Page:
    """Close the queue."""

    def work(tx: Transaction) -> dict[str, Any]:
        remove_waiting = forms.one_of("waiting", ("keep", "remove")) == "remove"
        current().queues.close(tx, queue_id, staff(staff_account().id), remove_waiting=remove_waiting)
        return {"done": "closed"}

    return _act(queue_id, work)


def _done(what: str, ticket: Ticket, queue_id: str) -> dict[str, Any]:
    """What the board says of an action. Raises NotFound where the ticket is not of the board's queue."""
    if ticket.queue_id != queue_id:
        raise NotFound(what="ticket")
    return {"done": what, "number": ticket.number}


def _undoes(tx: Transaction, queue: Queue) -> str:
    """What Undo takes back, in few words, so that nobody takes back a colleague's action for the own."""
    action = last_action(tx, queue)
    ticket = None if action is None else tx.tickets.get(action.ticket_id or "")
    if action is None or ticket is None or ticket.version != action.version:
        return ""
    return f"{ticket.number} {UNDOES[action.kind]}"


def _act(queue_id: str, work: Callable[[Transaction], dict[str, Any]]) -> AnyResponse:
    """Do it, and show the board with what became of it."""
    try:
        answer = act_once(work)
    except Refusal as refusal:
        flash(sentence(refusal), "refusal")
    else:
        flash(DONE[answer["done"]].format(**answer), "said")
    return _to_board(queue_id)


def _to_board(queue_id: str) -> AnyResponse:
    return redirect(url_for("board.show", queue_id=queue_id), 303)


def _board(queue_id: str, walk_in: dict[str, str] | None = None, refusal: Refusal | None = None) -> str:
    services = current()
    with services.records.reading() as tx:
        line = staff_line(tx, queue_id, staff_account().id)
        place = services.venues.queue(tx, staff_account().id, queue_id)
        undoes = _undoes(tx, line.queue)
    return render_template(
        "board.html",
        line=line,
        undoes=undoes,
        links=services.join_links(place),
        key=page_key(),
        walk_in=walk_in or {},
        **told(refusal),
    )


def _ticket_form(
    queue_id: str, ticket_id: str, values: dict[str, str] | None = None, refusal: Refusal | None = None
) -> str:
    with current().records.reading() as tx:
        ticket, queue = read_ticket(tx, staff_account().id, ticket_id)
    if queue.id != queue_id:
        raise NotFound(what="ticket")
    known = {"guest_name": ticket.guest_name, "party_size": ticket.party_size, "note": ticket.note}
    return render_template(
        "ticket_form.html", ticket=ticket, queue=queue, values=values or known, key=page_key(), **told(refusal)
    )
