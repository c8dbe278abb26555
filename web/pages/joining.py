"""The page that a poster's code opens: how long the line is, and how to join it by message."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from core.estimates import estimate
from core.storage.queues import QueueAtVenue
from web.languages import asked_language, browser_languages, language_for, words
from web.pages.protection import protect
from web.services import JoinLinks, current

joining = Blueprint("joining", __name__)
protect(joining, for_guests=True)

ALIKE = 60


@dataclass(frozen=True, slots=True)
class Way:
    """One way to join: an address that opens the app, and the same as a QR code."""

    channel: str
    url: str
    code: Markup


def place_of(join_code: str) -> QueueAtVenue | Response | tuple[str, int]:
    """The queue with this code; otherwise the answer to give: the code as it is written, or the nearest."""
    written = join_code.upper()
    with current().records.reading() as tx:
        place = tx.queues.at_venue_by_code(written) if len(written) <= 20 else None
        if place is None:
            # Loaded when it is needed, as a function of AWS starts without it.
            from rapidfuzz import process

            nearest = process.extractOne(written, tx.queues.join_codes_like(written), score_cutoff=ALIKE)
            language = asked_language()
            page = render_template(
                "unknown_code.html", code=written[:20], nearest=nearest and nearest[0], **words(language)
            )
            return page, 404
    return place


@joining.get("/q/<join_code>")
def show(join_code: str) -> str | Response | tuple[str, int]:
    """How to join."""
    place = place_of(join_code)
    if not isinstance(place, QueueAtVenue):
        return place
    if join_code != place.queue.join_code:
        return redirect(url_for("joining.show", join_code=place.queue.join_code), 302)
    links = current().join_links(place)
    language = language_for(*browser_languages(), place.language)
    return render_template(
        "join.html",
        place=place,
        links=links,
        ways=ways(links),
        estimate=estimate(place.queue, place.queue.waiting + 1),
        **words(language),
    )


def ways(links: JoinLinks) -> list[Way]:
    """The channels that are connected, the most used first."""
    found = []
    if links.sms_url and links.sms_number:
        found.append(Way("sms", links.sms_url, qr_code(f"SMSTO:{links.sms_number}:{links.sms_text}")))
    if links.whatsapp_url:
        found.append(Way("whatsapp", links.whatsapp_url, qr_code(links.whatsapp_url)))
    if links.telegram_url:
        found.append(Way("telegram", links.telegram_url, qr_code(links.telegram_url)))
    return found


def qr_code(text: str) -> Markup:
    """The text as a QR code in SVG, dark on light whatever the page's colours are."""
    # Loaded when it is needed, as a function of AWS starts without it.
    import segno

    code = segno.make(text, error="m", micro=False)
    # Markup of segno's own making: the text is in it as squares only.
    return Markup(code.svg_inline(scale=4, border=3, dark="#101413", light="#ffffff", omitsize=True))  # noqa: S704
