"""What can go wrong, by code: the HTTP status, a title, and a sentence that says what it was this time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale

from core.queues import LARGEST_PARTY

Details = Mapping[str, Any]


def country_name(code: str) -> str:
    """What people call the country with this code of ISO 3166; the code where nobody does."""
    return str(Locale("en").territories.get(code, code))


STATES = {
    "waiting": "is waiting",
    "called": "has been called",
    "served": "was served",
    "no_show": "did not come",
    "left": "has left the line",
    "removed": "was removed from the line",
}
REASONS: dict[str, Callable[[Details], str]] = {
    "missing": lambda _: "is missing",
    "not-a-number": lambda d: f"must be a whole number from {d['at_least']} to {d['at_most']}",
    "too-short": lambda d: f"must have at least {d['at_least']} characters",
    "too-long": lambda d: f"must have at most {d['at_most']} characters",
    "not-an-email-address": lambda _: "is not an e-mail address",
    "not-a-phone-number": lambda d: (
        "is not a phone number; write it with its country code, like +55 11 98765-4321"
        + ("" if d.get("country") is None else f", unless it is of {country_name(d['country'])}")
    ),
    "unknown-time-zone": lambda d: (
        "is not a time zone of the IANA database, such as America/Sao_Paulo"
        + (f"; did you mean {d['nearest']}?" if d.get("nearest") else "")
    ),
    "unknown-language": lambda d: f"must be one of {', '.join(d['allowed'])}",
    "not-a-time-of-day": lambda _: "must be a time of day as HH:MM, such as 06:00",
    "not-a-join-code": lambda _: "must be 3 to 20 letters A to Z and digits, with at least one letter",
    "reserved-join-code": lambda _: "is a word that guests send for something else",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of problem. `detail` makes the sentence from what is known of this one."""

    status: int
    title: str
    detail: Callable[[Details], str]


def subject(details: Details, otherwise: str) -> str:
    """What a sentence on the value of an InvalidValue begins with: the value itself, where it helps to see it."""
    return str(details.get("given") or otherwise)


def reason(details: Details) -> str:
    """What is wrong with the value of an InvalidValue."""
    return REASONS[details["reason"]](details)


def _always(sentence: str) -> Callable[[Details], str]:
    return lambda _: sentence


def _already_in_line(d: Details) -> str:
    if d["position"] is None:
        return f"This guest was called already, with number {d['number']}."
    return f"This guest is in this line already, with number {d['number']}, at position {d['position']}."


def _empty(d: Details) -> str:
    return "Nobody waits." if d["seats"] is None else f"Nobody waits whose party fits {d['seats']} seats."


CAUSES = {
    # The request itself.
    "bad-request": Cause(400, "Bad request", _always("The server can't understand this request.")),
    "malformed-json": Cause(400, "Malformed JSON", lambda d: f"The body can't be read as JSON: {d['sentence']}."),
    "invalid-header": Cause(400, "Invalid header", lambda d: f"The header {d['header']} {d['sentence']}."),
    "unauthorized": Cause(401, "Not logged in", lambda d: d["sentence"]),
    "not-found": Cause(
        404,
        "Not found",
        lambda d: f"There is no such {d.get('what', 'address')}" + (", or it is not yours." if "what" in d else "."),
    ),
    "method-not-allowed": Cause(
        405, "Method not allowed", lambda d: f"This address does not take {d['method']}; see the header Allow."
    ),
    "body-too-large": Cause(413, "Body too large", _always("A body may have 64 kB at most.")),
    "unsupported-media-type": Cause(
        415, "Unsupported media type", _always("The body must be JSON, with Content-Type: application/json.")
    ),
    "invalid-value": Cause(422, "Invalid value", lambda d: f"A value can't be used: {d['subject']} {d['sentence']}."),
    "invalid-values": Cause(422, "Invalid values", lambda d: f"{d['sentence']} The list errors says which and why."),
    "idempotency-key-reused": Cause(
        422,
        "Idempotency-Key reused",
        _always("This Idempotency-Key was sent before with another request. Take a new key for a new request."),
    ),
    "too-busy": Cause(503, "Too busy", _always("Too many people log in at this moment. Try again in a few seconds.")),
    "too-many-tries": Cause(
        429, "Too many tries", lambda d: f"This was tried too often. Try again in {d['retry_after']} seconds."
    ),
    # Accounts.
    "wrong-credentials": Cause(401, "Wrong credentials", _always("The e-mail address or the password is wrong.")),
    "invalid-token": Cause(
        422,
        "Invalid token",
        _always("The token was used before, has expired, or never was one. Ask for a new mail."),
    ),
    "sign-up-closed": Cause(403, "Sign-up closed", _always("Accounts are made by invitation only.")),
    "not-allowed": Cause(403, "Not allowed", _always("Only the owner of the venue may do this.")),
    # Venues and queues.
    "number-taken": Cause(409, "Number taken", lambda d: f"The number {d['phone_number']} belongs to another account."),
    "join-code-taken": Cause(409, "Join code taken", lambda d: f"Another queue has the join code {d['join_code']}."),
    "queue-paused": Cause(409, "Queue paused", lambda d: f"The queue {d['queue']} takes no guests for now."),
    "queue-closed": Cause(409, "Queue closed", lambda d: f"The queue {d['queue']} is closed."),
    "queue-full": Cause(
        409, "Queue full", lambda d: f"The queue {d['queue']} is full: it has room for {d['capacity']} who wait."
    ),
    # The line.
    "party-too-large": Cause(
        422, "Party too large", lambda d: f"This queue takes parties of up to {d['largest_party']}."
    ),
    "invalid-party-size": Cause(
        422, "Invalid party size", _always(f"A party is a whole number of people from 1 to {LARGEST_PARTY}.")
    ),
    "already-in-line": Cause(409, "Already in line", _already_in_line),
    "queue-empty": Cause(409, "Queue empty", _empty),
    "wrong-state": Cause(
        409,
        "Wrong state",
        lambda d: f"The action {d['action']} is not possible now: this guest {STATES[d['state']]}.",
    ),
    "grace-over": Cause(
        409, "Grace over", lambda d: f"It is more than {d['grace_minutes']} minutes since this guest did not come."
    ),
    "nothing-to-undo": Cause(
        409, "Nothing to undo", _always("The last action by staff can't be undone, or is more than a minute old.")
    ),
    "changed-since": Cause(
        409, "Changed since", _always("Somebody acted on this guest's place after the action, so it can't be undone.")
    ),
    "country-not-allowed": Cause(
        422,
        "Country not allowed",
        lambda d: (
            f"This venue may text to {', '.join(map(country_name, d['allowed']))} only; "
            f"this number is of {country_name(d['country'])}."
        ),
    ),
    "venue-has-no-number": Cause(
        409,
        "Venue has no number",
        _always("The venue has no phone number of its own to text from. Add this guest without a phone."),
    ),
    "too-many-texts": Cause(
        429,
        "Too many texts",
        lambda d: f"This venue added {d['limit']} walk-ins with a phone in the last hour. Add this one without.",
    ),
    # The service.
    "internal-error": Cause(
        500, "Internal error", _always("Something went wrong on our side. It was noted; nothing is half done.")
    ),
    "record-unavailable": Cause(
        503, "Record unavailable", _always("The database does not answer. Nothing was changed; try again soon.")
    ),
    "outcome-unknown": Cause(
        503,
        "Outcome unknown",
        _always(
            "The connection to the database was lost: the change may or may not have been made. "
            "Send an Idempotency-Key to be able to repeat a request safely."
        ),
    ),
    "mail-unavailable": Cause(
        503, "Mail unavailable", _always("The mail could not be sent. Try again in a few minutes.")
    ),
}
