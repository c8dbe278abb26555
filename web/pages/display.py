"""The screen for the room: the numbers called, and how many wait. No names."""

from flask import Blueprint, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.model import Ticket, TicketState
from core.storage.queues import QueueAtVenue
from web.languages import browser_languages, language_for, words
from web.pages.joining import place_of, qr_code
from web.pages.live import fresh_or_rendered
from web.pages.protection import protect
from web.services import current

display = Blueprint("display", __name__)
protect(display, for_guests=True)

MOST_CALLED = 8
MOST_NEXT = 5

Page = str | tuple[str, int] | Response | AnyResponse


@display.get("/display/<join_code>")
def show(join_code: str) -> Page:
    """The screen."""
    place = place_of(join_code)
    if not isinstance(place, QueueAtVenue):
        return place
    if join_code != place.queue.join_code:
        return redirect(url_for("display.show", join_code=place.queue.join_code), 302)
    join_page = f"{current().public_url}/q/{place.queue.join_code}"
    links = current().join_links(place)
    return render_template("display.html", links=links, code=qr_code(join_page), **_shown(place))


@display.get("/display/<join_code>/live")
def live(join_code: str) -> Page:
    """The part of the screen that refreshes itself."""
    place = place_of(join_code)
    if not isinstance(place, QueueAtVenue):
        return place
    return fresh_or_rendered(_tag(place), lambda: render_template("display_live.html", **_shown(place)))


def _language(place: QueueAtVenue) -> str:
    """The venue's: the screen hangs in its room."""
    return language_for(place.language, *browser_languages())


def _tag(place: QueueAtVenue) -> str:
    return f"{place.queue.version}-{_language(place)}"


def _shown(place: QueueAtVenue) -> dict[str, object]:
    with current().records.reading() as tx:
        called = tx.tickets.in_states(place.queue.id, [TicketState.CALLED])
        following = tx.tickets.first_waiting(place.queue.id, MOST_NEXT)
    called.sort(key=_last_call, reverse=True)
    return {
        "place": place,
        "tag": _tag(place),
        "called": [ticket.number for ticket in called[:MOST_CALLED]],
        "following": [ticket.number for ticket in following],
        **words(_language(place)),
    }


def _last_call(ticket: Ticket) -> float:
    return 0.0 if ticket.called_at is None else ticket.called_at.timestamp()
