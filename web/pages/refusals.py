"""Why something could not be done, in a sentence for staff: the API's, unless a page says it better."""

from collections.abc import Callable, Mapping
from typing import Any

from core.accounts import MailUnavailable
from core.errors import InvalidValue, OutcomeUnknown, RecordUnavailable, Refusal
from web.causes import CAUSES, reason, say, subject
from web.languages import ENGLISH

Details = Mapping[str, Any]

FIELDS = {
    "email": "The e-mail address",
    "password": "The password",
    "name": "The name",
    "guest_name": "The name",
    "note": "The note",
    "time_zone": "The time zone",
    "language": "The language",
    "phone": "The phone number",
    "phone_number": "The phone number",
    "join_code": "The join code",
    "capacity": "The number who may wait",
    "largest_party": "The largest party",
    "day_starts_at": "The hour at which the day starts",
    "retention_days": "The number of days",
    "almost_there_at": "The place for “almost there”",
    "no_show_minutes": "The time to come when called",
    "grace_minutes": "The time to come back",
    "position": "The place in line",
    "seats": "The number of free seats",
    "text": "The text for who waits",
    "called_message": "The text for who is called",
}
STATES = {
    "waiting": "is waiting",
    "called": "has been called",
    "served": "was served",
    "no_show": "did not come",
    "left": "has left the line",
    "removed": "was removed from the line",
}
# Which field of the form is wrong, where the refusal is not about a value as such.
WRONG_FIELD = {
    "already-in-line": "phone",
    "country-not-allowed": "phone",
    "invalid-party-size": "party_size",
    "join-code-taken": "join_code",
    "number-taken": "phone_number",
    "party-too-large": "party_size",
    "too-many-texts": "phone",
    "venue-has-no-number": "phone",
}
FORMS = {"not-a-choice": "must be chosen from the list"}
SENTENCES: dict[str, Callable[[Details], str]] = {
    "not-found": lambda _: "That is not there any more, or it is not yours.",
    "queue-paused": lambda d: f"{d['queue']} is paused. Open it to let guests join.",
    "queue-closed": lambda d: f"{d['queue']} is closed. Open it to let guests join.",
    "wrong-state": lambda d: f"That can’t be done now: this guest {STATES[d['state']]}.",
    "nothing-to-undo": lambda _: "There is nothing to undo. Only the last action can be, within a minute.",
    "changed-since": lambda _: "This can’t be undone: something has happened to that guest since.",
    "acted-since": lambda _: "Somebody did something else meanwhile. Press Undo again to take that back.",
    "idempotency-key-reused": lambda _: "This was sent before, with something else in it. Please try again.",
    "too-many-tries": lambda d: f"That was too often. Please wait {_pause(d['retry_after'])} and try again.",
    "invalid-token": lambda d: (
        "This link was used before, or it is too old. Please "
        + ("ask for a new one." if d["purpose"] == "reset" else "register again.")
    ),
}
UNAVAILABLE: dict[type[Exception], str] = {
    RecordUnavailable: "The database does not answer, so nothing was changed. Please try again in a moment.",
    OutcomeUnknown: "The connection to the database was lost. Look whether it was done before you try again.",
    MailUnavailable: "The mail could not be sent just now. Please try again in a few minutes.",
}


def sentence(refusal: Refusal) -> str:
    """What to tell the member of staff whose wish was refused."""
    details = dict(refusal.details)
    if isinstance(refusal, InvalidValue):
        fault = FORMS.get(details["reason"]) or reason(details, ENGLISH)
        complaint = f"{subject(details, FIELDS.get(details['field'], 'A value'))} {fault}"
        return complaint if complaint.endswith("?") else f"{complaint}."
    if "ticket" in details:
        details["number"] = details["ticket"].number
    if refusal.code in SENTENCES:
        return SENTENCES[refusal.code](details)
    return say(CAUSES[refusal.code].detail, details, ENGLISH)


def told(refusal: Refusal | None) -> dict[str, str | None]:
    """What a form that is shown again says: the sentence, and which of its fields is wrong."""
    if refusal is None:
        return {}
    return {"refusal": sentence(refusal), "wrong_field": refusal.details.get("field", WRONG_FIELD.get(refusal.code))}


def form_status(refusal: Refusal) -> int:
    """The HTTP status of a form that is shown again: 429 or 503 where it may be sent later, 422 where it is wrong."""
    status = CAUSES[refusal.code].status
    return status if status in (429, 503) else 422


def _pause(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
