"""Venues and their queues: the overview, and the forms that make and change them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from babel.core import get_global
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core.errors import Refusal
from core.model import Queue, Venue
from core.storage.accounts import Account
from core.storage.records import Transaction
from core.venues import (
    LANGUAGES,
    LONGEST,
    QUEUE_DEFAULTS,
    RANGES,
    VENUE_DEFAULTS,
    QueueSettings,
    VenueSettings,
)
from web.pages import forms
from web.pages.once import act_once, page_key
from web.pages.protection import protect
from web.pages.refusals import form_status, told
from web.pages.sessions import ask_to_log_in, staff_account
from web.services import current

venues = Blueprint("venues", __name__)
venues.before_request(ask_to_log_in)
protect(venues)

Page = str | tuple[str, int] | Response
LANGUAGE_NAMES = {"en": "English", "pt-BR": "Português (Brasil)", "es": "Español"}


def overview(account: Account) -> str:
    """The venues of an account with their queues."""
    services = current()
    with services.records.reading() as tx:
        found: list[tuple[Venue, list[Queue]]] = [
            (venue, tx.queues.of_venue(venue.id)) for venue in services.venues.all(tx, account.id)
        ]
    return render_template("venues.html", venues=found)


@venues.get("/venues/new")
def new_venue_page() -> Page:
    """The form for a new venue."""
    return _venue_form(None, VENUE_DEFAULTS)


@venues.post("/venues/new")
def new_venue() -> Page:
    """Make a venue."""

    def work(tx: Transaction) -> dict[str, Any]:
        return {"venue": current().venues.create(tx, staff_account().id, **_venue_settings()).id}

    try:
        made = act_once(work)
    except Refusal as refusal:
        return _venue_form(None, request.form.to_dict(), refusal), form_status(refusal)
    flash("The venue is there. Now give it a queue.", "said")
    return redirect(url_for("venues.new_queue_page", venue_id=made["venue"]), 303)


@venues.get("/venues/<venue_id>/settings")
def venue_settings_page(venue_id: str) -> Page:
    """The form with a venue's settings."""
    return _venue_settings_form(venue_id)


@venues.post("/venues/<venue_id>/settings")
def change_venue(venue_id: str) -> Page:
    """Change a venue's settings."""

    def work(tx: Transaction) -> dict[str, Any]:
        return {"venue": current().venues.change(tx, staff_account().id, venue_id, **_venue_settings()).id}

    try:
        act_once(work)
    except Refusal as refusal:
        return _venue_settings_form(venue_id, request.form.to_dict(), refusal), form_status(refusal)
    flash("Saved.", "said")
    return redirect(url_for("accounts.home"), 303)


@venues.get("/venues/<venue_id>/queues/new")
def new_queue_page(venue_id: str) -> Page:
    """The form for a new queue."""
    return _queue_form(venue_id, {})


@venues.post("/venues/<venue_id>/queues/new")
def new_queue(venue_id: str) -> Page:
    """Make a queue."""

    def work(tx: Transaction) -> dict[str, Any]:
        settings = _queue_settings()
        return {"queue": current().venues.create_queue(tx, staff_account().id, venue_id, **settings).id}

    try:
        made = act_once(work)
    except Refusal as refusal:
        return _queue_form(venue_id, request.form.to_dict(), refusal), form_status(refusal)
    flash("The queue is open.", "said")
    return redirect(url_for("board.show", queue_id=made["queue"]), 303)


@venues.get("/queues/<queue_id>/settings")
def queue_settings_page(queue_id: str) -> Page:
    """The form with a queue's settings."""
    return _settings_form(queue_id)


@venues.post("/queues/<queue_id>/settings")
def change_queue(queue_id: str) -> Page:
    """Change a queue's settings."""

    def work(tx: Transaction) -> dict[str, Any]:
        return {"queue": current().venues.change_queue(tx, staff_account().id, queue_id, **_queue_settings()).id}

    try:
        act_once(work)
    except Refusal as refusal:
        return _settings_form(queue_id, request.form.to_dict(), refusal), form_status(refusal)
    flash("Saved.", "said")
    return redirect(url_for("board.show", queue_id=queue_id), 303)


def _venue_settings() -> VenueSettings:
    default_retention = VENUE_DEFAULTS["retention_days"]
    return {
        "name": forms.text("name", LONGEST["name"], required=True),
        "time_zone": forms.text("time_zone", 64, required=True),
        "language": forms.one_of("language", LANGUAGES),
        "phone_number": forms.text("phone_number", 30) or None,
        "day_starts_at": forms.text("day_starts_at", 5) or VENUE_DEFAULTS["day_starts_at"],
        "retention_days": forms.number("retention_days", *RANGES["retention_days"], default_retention),
    }


def _queue_settings() -> QueueSettings:
    settings: dict[str, Any] = {
        "name": forms.text("name", LONGEST["name"], required=True),
        "text": forms.lines("text", LONGEST["text"]),
        "called_message": forms.lines("called_message", LONGEST["called_message"]),
        "capacity": forms.number("capacity", *RANGES["capacity"]),
        "largest_party": forms.number("largest_party", *RANGES["largest_party"]),
        "almost_there_at": forms.number("almost_there_at", *RANGES["almost_there_at"], 0),
        "no_show_minutes": forms.number("no_show_minutes", *RANGES["no_show_minutes"]),
        "grace_minutes": forms.number("grace_minutes", *RANGES["grace_minutes"], 0),
    }
    join_code = forms.text("join_code", 20)
    if join_code:
        settings["join_code"] = join_code
    return cast(QueueSettings, settings)


def _venue_form(venue: Venue | None, values: Mapping[str, Any], refusal: Refusal | None = None) -> str:
    return _form(
        "venue_form.html",
        values,
        refusal,
        venue=venue,
        languages=LANGUAGE_NAMES,
        zones=sorted(get_global("zone_territories")),
    )


def _venue_settings_form(venue_id: str, values: dict[str, Any] | None = None, refusal: Refusal | None = None) -> str:
    services = current()
    with services.records.reading() as tx:
        venue = services.venues.get(tx, staff_account().id, venue_id)
    return _venue_form(venue, values or asdict(venue), refusal)


def _queue_form(venue_id: str, values: dict[str, Any], refusal: Refusal | None = None) -> str:
    services = current()
    with services.records.reading() as tx:
        venue = services.venues.get(tx, staff_account().id, venue_id)
    return _form("queue_form.html", {**QUEUE_DEFAULTS, **values}, refusal, venue=venue, queue=None)


def _settings_form(queue_id: str, values: dict[str, Any] | None = None, refusal: Refusal | None = None) -> str:
    services = current()
    with services.records.reading() as tx:
        queue = services.venues.queue(tx, staff_account().id, queue_id).queue
        venue = services.venues.get(tx, staff_account().id, queue.venue_id)
    return _form("queue_form.html", values or asdict(queue), refusal, venue=venue, queue=queue)


def _form(template: str, values: Mapping[str, Any], refusal: Refusal | None, **about: Any) -> str:
    """A form with these values, the limits of its fields, and what was wrong with them."""
    return render_template(
        template, values=values, longest=LONGEST, ranges=RANGES, key=page_key(), **told(refusal), **about
    )
