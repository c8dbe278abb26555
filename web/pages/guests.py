"""The guest's own page: the place in line, live, opened by a token that nobody can guess."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.errors import WrongState
from core.estimates import estimate
from core.model import ACTIVE_STATES, GUEST, Queue, Ticket, Venue
from core.no_show_clock import back_until
from core.storage.records import Transaction
from web.etags import ticket_tag
from web.languages import asked_language, browser_languages, language_for, words
from web.pages.live import fresh_or_rendered
from web.pages.protection import protect
from web.services import current

guests = Blueprint("guests", __name__)
protect(guests, secret_address=True, for_guests=True)

SHOWN_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket as its guest sees it. `phone` is masked; `writes`: the guest is one who can send us messages."""

    ticket: Ticket
    queue: Queue
    venue: Venue
    language: str
    phone: str | None
    writes: bool

    @property
    def holds_place(self) -> bool:
        """Whether the guest waits or is called."""
        return self.ticket.state in ACTIVE_STATES

    @property
    def back_until(self) -> datetime | None:
        """Until when a guest who did not come can have the place back; None once that is over."""
        until = back_until(self.ticket, self.queue, self.venue)
        return until if until is not None and current().clock() < until else None


@guests.get("/t/<token>")
def show(token: str) -> str:
    """The page."""
    place, position = _find(token)
    return render_template("guest.html", **_shown(place, position))


@guests.get("/t/<token>/live")
def live(token: str) -> Response:
    """The part of the page that refreshes itself."""
    place, position = _find(token)
    shown = _shown(place, position)
    return fresh_or_rendered(str(shown["tag"]), lambda: render_template("guest_live.html", **shown))


@guests.post("/t/<token>/leave")
def leave(token: str) -> AnyResponse:
    """Give the place up."""
    place, _position = _find(token)
    # Where staff were faster, the page says what they did.
    with suppress(WrongState):
        current().records.transaction(lambda tx: current().queues.leave(tx, place.ticket.id, GUEST))
    return redirect(url_for("guests.show", token=token), 303)


def masked(phone: str) -> str:
    """A phone number of which only the last digits can be read."""
    return "••• " + phone[-SHOWN_DIGITS:]


def _find(token: str) -> tuple[Place, int | None]:
    with current().records.reading() as tx:
        place = _read(tx, token)
    if place is None:
        unknown = render_template("unknown_ticket.html", **words(asked_language()))
        abort(make_response(unknown, 404))
    return place, current().positions.position(place.ticket)


def _read(tx: Transaction, token: str) -> Place | None:
    ticket = tx.tickets.by_token(token) if len(token) <= 32 else None
    queue = None if ticket is None else tx.queues.get(ticket.queue_id)
    venue = None if queue is None else tx.venues.get(queue.venue_id)
    if ticket is None or queue is None or venue is None:
        return None
    contact = None if ticket.contact_id is None else tx.contacts.get(ticket.contact_id)
    wish = None if contact is None else contact.language
    language = language_for(wish, *browser_languages(), venue.language)
    texted = contact is not None and contact.channel in ("sms", "whatsapp") and contact.address
    phone = masked(contact.address) if contact and texted else None
    return Place(ticket, queue, venue, language, phone, writes=contact is not None)


def _shown(place: Place, position: int | None) -> dict[str, object]:
    back = place.back_until
    return {
        "place": place,
        "position": position,
        "estimate": estimate(place.queue, position),
        "back_until": back,
        "tag": ticket_tag(place.ticket, place.queue, position, (place.language, back is not None)),
        **words(place.language),
    }
