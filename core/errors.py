"""Every way in which the queue service says no.

A refusal changes nothing. `code` is stable (the API's problem type, the conversation's choice of words) and
`details` hold what the sentence needs; the words themselves belong to whoever answers the person.
"""

from typing import Any


class Refusal(Exception):
    """The request was understood and can't be done; the transaction is rolled back."""

    code = "refused"

    def __init__(self, **details: Any) -> None:
        super().__init__(self.code, details)
        self.details = details


class NotFound(Refusal):
    """There is no such thing, or it is not the asker's. `what`: venue, queue, ticket."""

    code = "not-found"


class NotAllowed(Refusal):
    """The account is a member of the venue, but only its owner may do this."""

    code = "not-allowed"


class InvalidValue(Refusal):
    """A value can't be used. `field` and `reason`."""

    code = "invalid-value"


class QueuePaused(Refusal):
    """The queue takes no joins for now. `queue`."""

    code = "queue-paused"


class QueueClosed(Refusal):
    """The queue is closed. `queue`."""

    code = "queue-closed"


class QueueFull(Refusal):
    """As many wait as the queue has room for. `queue`, `capacity`."""

    code = "queue-full"


class PartyTooLarge(Refusal):
    """The party is larger than the queue takes. `largest_party`."""

    code = "party-too-large"


class InvalidPartySize(Refusal):
    """A party is a whole number from 1 to `at_most`. `party_size`."""

    code = "invalid-party-size"


class AlreadyInLine(Refusal):
    """The contact has an active ticket in this queue. `ticket` (the Ticket), `position` (None when called)."""

    code = "already-in-line"


class QueueEmpty(Refusal):
    """Nobody waits. With `seats`: nobody whose party fits."""

    code = "queue-empty"


class WrongState(Refusal):
    """The ticket's state does not allow this step. `state`, `action`."""

    code = "wrong-state"


class GraceOver(Refusal):
    """The no-show was too long ago to come back. `grace_minutes`."""

    code = "grace-over"


class NothingToUndo(Refusal):
    """There is no staff action of the last minute to take back."""

    code = "nothing-to-undo"


class ChangedSince(Refusal):
    """Somebody acted on the ticket after the action that was to be undone."""

    code = "changed-since"


class ActedSince(Refusal):
    """Staff did something else after the action that was to be undone."""

    code = "acted-since"


class NumberTaken(Refusal):
    """The phone number belongs to another owner's account. `phone_number`."""

    code = "number-taken"


class JoinCodeTaken(Refusal):
    """Another queue has this join code. `join_code`."""

    code = "join-code-taken"


class VenueHasNoNumber(Refusal):
    """The venue has no phone number that a text could go out from."""

    code = "venue-has-no-number"


class CountryNotAllowed(Refusal):
    """Texts to this country are not allowed for the venue, only to `countries`. `country`: ISO 3166 codes."""

    code = "country-not-allowed"


class TooManyTexts(Refusal):
    """Walk-ins had as many texts from the venue's number in the last hour as they may. `texts`: how many."""

    code = "too-many-texts"


class SignUpClosed(Refusal):
    """Accounts are made by invitation only."""

    code = "sign-up-closed"


class WrongCredentials(Refusal):
    """No account has this address and this password."""

    code = "wrong-credentials"


class InvalidToken(Refusal):
    """The mailed link was used before, has expired, or never was one. `purpose`: verify or reset."""

    code = "invalid-token"


class EmailTaken(Refusal):
    """An account has this address."""

    code = "email-taken"


class TooBusy(Refusal):
    """More people log in, register or ask for mail than can be served beside the line. `retry_after` in seconds."""

    code = "too-busy"


class KeyReused(Refusal):
    """The Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"


class RecordUnavailable(Exception):
    """The database can't be reached, or stayed locked through every try: nothing was changed."""


class OutcomeUnknown(Exception):
    """The connection was lost while the database committed: the change may or may not have been made.

    A change with a receipt is simply tried again, and this is raised only where the database stays away.
    """
