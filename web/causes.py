"""What can go wrong, by code: the HTTP status, a title, and a sentence that says what it was this time.

`N_` marks the sentences for the catalogues of web/locales; they are put into a language when somebody is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale

from web.languages import N_, translated

Details = Mapping[str, Any]
# Filled in with the details, which may also choose it.
Sentence = str | Callable[[Details], str]
# The details that are countries, by their codes of ISO 3166.
COUNTRIES = ("country", "countries")


def say(sentence: Sentence, details: Details, language: str) -> str:
    """The sentence of a cause or a reason in this language, with its details filled in."""
    chosen = sentence(details) if callable(sentence) else sentence
    return translated(chosen, language) % {name: _shown(name, value, language) for name, value in details.items()}


def subject(details: Details, otherwise: str) -> str:
    """What a sentence on the value of an InvalidValue begins with: the value itself, where it helps to see it."""
    return str(details.get("given") or otherwise)


def reason(details: Details, language: str) -> str:
    """What is wrong with the value of an InvalidValue."""
    return say(REASONS[details["reason"]], details, language)


def _shown(name: str, value: Any, language: str) -> Any:
    """A detail as a sentence has it: a country by its name, a list with commas."""
    if isinstance(value, list):
        return ", ".join(_shown(name, item, language) for item in value)
    if name in COUNTRIES and value is not None:
        return Locale.parse(language, sep="-").territories.get(value, value)
    return value


def _already_in_line(d: Details) -> str:
    if d["position"] is None:
        return N_("This guest was called already, with number %(number)s.")
    return N_("This guest is in this line already, with number %(number)s, at position %(position)s.")


def _not_a_phone_number(d: Details) -> str:
    if d.get("country") is None:
        return N_("is not a phone number; write it with its country code, like +55 11 98765-4321")
    return N_(
        "is not a phone number; write it with its country code, like +55 11 98765-4321, "
        "unless its country is %(country)s"
    )


def _unknown_time_zone(d: Details) -> str:
    if not d.get("nearest"):
        return N_("is not a time zone of the IANA database, such as America/Sao_Paulo")
    return N_("is not a time zone of the IANA database, such as America/Sao_Paulo; did you mean %(nearest)s?")


NOT_FOUND = {
    None: N_("There is no such address."),
    "venue": N_("There is no such venue, or it is not yours."),
    "queue": N_("There is no such queue, or it is not yours."),
    "ticket": N_("There is no such ticket, or it is not yours."),
}
WRONG_STATE = {
    "waiting": N_("The action %(action)s is not possible now: this guest is waiting."),
    "called": N_("The action %(action)s is not possible now: this guest has been called."),
    "served": N_("The action %(action)s is not possible now: this guest was served."),
    "no_show": N_("The action %(action)s is not possible now: this guest did not come."),
    "left": N_("The action %(action)s is not possible now: this guest has left the line."),
    "removed": N_("The action %(action)s is not possible now: this guest was removed from the line."),
}
REASONS: dict[str, Sentence] = {
    "missing": N_("is missing"),
    "not-a-number": N_("must be a whole number from %(at_least)s to %(at_most)s"),
    "too-short": N_("must have at least %(at_least)s characters"),
    "too-long": N_("must have at most %(at_most)s characters"),
    "not-an-email-address": N_("is not an e-mail address"),
    "not-a-phone-number": _not_a_phone_number,
    "unknown-time-zone": _unknown_time_zone,
    "unknown-language": N_("must be one of: %(allowed)s"),
    "not-a-time-of-day": N_("must be a time of day as HH:MM, such as 06:00"),
    "not-a-join-code": N_("must be 3 to 20 letters A to Z and digits, with at least one letter"),
    "reserved-join-code": N_("is a word that guests send for something else"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of problem. `detail` is what was wrong this time."""

    status: int
    title: str
    detail: Sentence


CAUSES = {
    # The request itself.
    "bad-request": Cause(400, N_("Bad request"), N_("The server can't understand this request.")),
    "malformed-json": Cause(
        400, N_("Malformed JSON"), N_("The body can't be read as JSON at line %(line)s, column %(column)s.")
    ),
    "invalid-header": Cause(
        400,
        N_("Invalid header"),
        N_("The header %(header)s must be 1 to %(at_most)s ASCII characters, without a space at either end."),
    ),
    "unauthorized": Cause(401, N_("Not logged in"), lambda d: str(d["sentence"])),
    "not-found": Cause(404, N_("Not found"), lambda d: NOT_FOUND[d.get("what")]),
    "method-not-allowed": Cause(
        405, N_("Method not allowed"), N_("This address does not take %(method)s; see the header Allow.")
    ),
    "body-too-large": Cause(413, N_("Body too large"), N_("A body may have 64 kB at most.")),
    "unsupported-media-type": Cause(
        415, N_("Unsupported media type"), N_("The body must be JSON, with Content-Type: application/json.")
    ),
    "invalid-value": Cause(422, N_("Invalid value"), N_("A value can't be used: %(subject)s %(sentence)s.")),
    "invalid-values": Cause(
        422,
        N_("Invalid values"),
        lambda d: (
            N_("A value can't be used. The list errors says which and why.")
            if d["count"] == 1
            else N_("%(count)s values can't be used. The list errors says which and why.")
        ),
    ),
    "request-under-way": Cause(
        409,
        N_("Request under way"),
        N_("The first request under this key is still under way. Send it again in a few seconds."),
    ),
    "idempotency-key-reused": Cause(
        422,
        N_("Idempotency-Key reused"),
        N_("This Idempotency-Key was sent before with another request. Take a new key for a new request."),
    ),
    "too-busy": Cause(503, N_("Too busy"), N_("Too many do this at the moment. Try again in %(retry_after)s seconds.")),
    "too-many-tries": Cause(
        429, N_("Too many tries"), N_("This was tried too often. Try again in %(retry_after)s seconds.")
    ),
    # Accounts.
    "wrong-credentials": Cause(401, N_("Wrong credentials"), N_("The e-mail address or the password is wrong.")),
    "invalid-token": Cause(
        422,
        N_("Invalid token"),
        N_("The token was used before, has expired, or never was one. Ask for a new mail."),
    ),
    "sign-up-closed": Cause(403, N_("Sign-up closed"), N_("Accounts are made by invitation only.")),
    "not-allowed": Cause(403, N_("Not allowed"), N_("Only the owner of the venue may do this.")),
    # Venues and queues.
    "number-taken": Cause(409, N_("Number taken"), N_("The number %(phone_number)s belongs to another account.")),
    "join-code-taken": Cause(409, N_("Join code taken"), N_("Another queue has the join code %(join_code)s.")),
    "queue-paused": Cause(409, N_("Queue paused"), N_("The queue %(queue)s takes no guests for now.")),
    "queue-closed": Cause(409, N_("Queue closed"), N_("The queue %(queue)s is closed.")),
    "queue-full": Cause(
        409, N_("Queue full"), N_("The queue %(queue)s is full: it has room for %(capacity)s who wait.")
    ),
    # The line.
    "party-too-large": Cause(422, N_("Party too large"), N_("This queue takes parties of up to %(largest_party)s.")),
    "invalid-party-size": Cause(
        422, N_("Invalid party size"), N_("A party is a whole number of people from 1 to %(at_most)s.")
    ),
    "already-in-line": Cause(409, N_("Already in line"), _already_in_line),
    "queue-empty": Cause(
        409,
        N_("Queue empty"),
        lambda d: (
            N_("Nobody waits.")
            if d["seats"] is None
            else N_("Nobody waits whose party fits the free seats: %(seats)s.")
        ),
    ),
    "wrong-state": Cause(409, N_("Wrong state"), lambda d: WRONG_STATE[d["state"]]),
    "grace-over": Cause(
        409, N_("Grace over"), N_("It is more than %(grace_minutes)s minutes since this guest did not come.")
    ),
    "nothing-to-undo": Cause(
        409,
        N_("Nothing to undo"),
        N_("The last action by staff can't be undone, or is more than a minute old."),
    ),
    "changed-since": Cause(
        409,
        N_("Changed since"),
        N_("Somebody acted on this guest's place after the action, so it can't be undone."),
    ),
    "country-not-allowed": Cause(
        422,
        N_("Country not allowed"),
        N_("This venue may text to these countries only: %(countries)s. The country of this number is %(country)s."),
    ),
    "venue-has-no-number": Cause(
        409,
        N_("Venue has no number"),
        N_("The venue has no phone number of its own to text from. Add this guest without a phone."),
    ),
    "too-many-texts": Cause(
        429,
        N_("Too many texts"),
        N_("Walk-ins had %(texts)s texts from this number in the last hour. Add this one without a phone."),
    ),
    # The service.
    "internal-error": Cause(
        500, N_("Internal error"), N_("Something went wrong on our side. It was noted; nothing is half done.")
    ),
    "record-unavailable": Cause(
        503,
        N_("Record unavailable"),
        N_("The database does not answer. Nothing was changed; try again soon."),
    ),
    "outcome-unknown": Cause(
        503,
        N_("Outcome unknown"),
        N_(
            "The connection to the database was lost: the change may or may not have been made. "
            "Send an Idempotency-Key to be able to repeat a request safely."
        ),
    ),
    "mail-unavailable": Cause(
        503, N_("Mail unavailable"), N_("The mail could not be sent. Try again in a few minutes.")
    ),
}
