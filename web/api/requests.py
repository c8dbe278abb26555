"""What the API takes: bodies and queries. Types are strict, and what is not known is refused."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    StringConstraints,
    Tag,
)

from core import passwords, venues
from core.model import ACTIVE_STATES, QueueState, TicketState
from core.names import ONE_LINE, tidy_name, tidy_text
from core.queues import LARGEST_PARTY
from core.venues import (
    LARGEST_CAPACITY,
    LAST_ALMOST_THERE,
    LONGEST_MINUTES,
    LONGEST_RETENTION_DAYS,
    QUEUE_DEFAULTS,
    VENUE_DEFAULTS,
)
from web.api.models import Model

MOST_ITEMS = 100
IN_ORDER = (*ACTIVE_STATES, *(state for state in TicketState if state not in ACTIVE_STATES))
# Lines and tabs, and nothing else that can't be seen.
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


def _whole(value: Any) -> Any:
    """JSON knows no integers: 2.0 is as whole as 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=venues.LONGEST["name"], pattern=ONE_LINE),
    AfterValidator(tidy_name),
]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=venues.LONGEST["text"], pattern=LINES),
    AfterValidator(tidy_text),
]
Email = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
Password = Annotated[str, Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]
Phone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=30,
        json_schema_extra={"format": "phone-number"},
        description="With + and the country code, or as it is dialled in the venue's country.",
        examples=["+5511987654321"],
    ),
]
TimeZone = Annotated[
    str,
    Field(
        max_length=64,
        json_schema_extra={"format": "time-zone"},
        description="A name of the IANA database.",
        examples=["America/Sao_Paulo"],
    ),
]
Language = Literal["en", "pt-BR", "pt_BR", "pt", "es"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["06:00"])]
JoinCode = Annotated[
    str, Field(pattern=r"^[0-9]*[A-Za-z][A-Za-z0-9]*$", min_length=3, max_length=20, examples=["DEMO"])
]
PartySize = Annotated[int, Field(ge=1, le=LARGEST_PARTY), WHOLE]
Capacity = Annotated[int, Field(ge=1, le=LARGEST_CAPACITY), WHOLE]
RetentionDays = Annotated[int, Field(ge=1, le=LONGEST_RETENTION_DAYS), WHOLE]
Minutes = Annotated[int, Field(ge=1, le=LONGEST_MINUTES), WHOLE]


class Body(Model):
    """A JSON object that holds nothing else."""

    model_config = ConfigDict(strict=True, extra="forbid")

    def given(self) -> dict[str, Any]:
        """What the request named, and nothing else."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Registration(Body):
    """Who wants an account."""

    email: Email
    password: Password


class Verification(Body):
    """The token of the mailed link."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class ResetRequest(Body):
    """Whose password is forgotten."""

    email: Email


class ResetConfirmation(Body):
    """The token of the mailed link, and the new password."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


def _kind_of_reset(value: Any) -> str:
    named = value if isinstance(value, dict) else {}
    return "confirmation" if "token" in named or "password" in named else "request"


class Reset(
    RootModel[
        Annotated[
            Annotated[ResetRequest, Tag("request")] | Annotated[ResetConfirmation, Tag("confirmation")],
            Discriminator(_kind_of_reset),
        ]
    ]
):
    """Ask for a mail with a link, or choose a new password with the link's token."""


class Login(Body):
    """An account's address and password."""

    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=passwords.LONGEST)]


class NewVenue(Body):
    """A venue to be made."""

    name: Name
    time_zone: TimeZone
    language: Language = "en"
    phone_number: Phone | None = VENUE_DEFAULTS["phone_number"]
    day_starts_at: TimeOfDay = VENUE_DEFAULTS["day_starts_at"]
    retention_days: RetentionDays = VENUE_DEFAULTS["retention_days"]


def _without_defaults(schema: dict[str, Any]) -> None:
    """What a change leaves out stays as it is, whatever a model needs as a default."""
    for field in schema["properties"].values():
        field.pop("default", None)


CHANGE = ConfigDict(strict=True, extra="forbid", json_schema_extra=_without_defaults)


class VenueChange(Body):
    """What is to be different about a venue."""

    model_config = CHANGE

    name: Name = ""
    time_zone: TimeZone = ""
    language: Language = "en"
    phone_number: Phone | None = None
    day_starts_at: TimeOfDay = ""
    retention_days: RetentionDays = 30


class QueueChange(Body):
    """What is to be different about a queue. null stands for "no limit"."""

    model_config = CHANGE

    name: Name = ""
    join_code: JoinCode = ""
    text: Text = Field(default="", description="What guests read while they wait.")
    called_message: Text = Field(default="", description="What guests read when they are called.")
    state: QueueState = QueueState.OPEN
    capacity: Capacity | None = Field(default=None, description="How many may wait.")
    largest_party: PartySize | None = None
    almost_there_at: Annotated[int, Field(ge=0, le=LAST_ALMOST_THERE), WHOLE] = Field(
        default=QUEUE_DEFAULTS["almost_there_at"],
        description="Guests are told at this position that their turn is near; 0: never.",
    )
    no_show_minutes: Minutes | None = Field(
        default=QUEUE_DEFAULTS["no_show_minutes"],
        description="Who was called and has not come after so long is a no-show; null: never by itself.",
    )
    grace_minutes: Annotated[int, Field(ge=0, le=LONGEST_MINUTES), WHOLE] = Field(
        default=QUEUE_DEFAULTS["grace_minutes"], description="For so long a no-show may come back."
    )


def _without_join_code(schema: dict[str, Any]) -> None:
    schema["properties"]["join_code"].pop("default")


class NewQueue(QueueChange):
    """A queue to be made; a short join code is made up where none is given."""

    model_config = ConfigDict(json_schema_extra=_without_join_code)

    name: Name


class Closing(Body):
    """What becomes of those who wait: they keep their places, or are removed and told."""

    waiting: Literal["keep", "remove"]


class WalkIn(Body):
    """A guest who stands in front of staff. With a phone, the place is told by text."""

    guest_name: Name
    party_size: PartySize
    phone: Phone | None = None
    email: None = Field(default=None, description="Notices by e-mail are not available yet.")
    note: Text = ""


class TicketChange(Body):
    """What is to be different about a party."""

    model_config = CHANGE

    guest_name: Name = ""
    party_size: PartySize = 1
    note: Text = ""


class FreeSeats(Body):
    """Call the first whose party fits."""

    seats: PartySize | None = None


class Place(Body):
    """A position in line, from 1; one beyond the end is the end."""

    position: Annotated[int, Field(ge=1, le=1_000_000), WHOLE]


def _separate(value: Any) -> Any:
    return [part for item in value for part in item.split(",")] if isinstance(value, list) else value


def _in_order(states: list[TicketState]) -> list[TicketState]:
    return [state for state in IN_ORDER if state in states]


Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS)]
Cursor = Annotated[str, Field(max_length=200, json_schema_extra={"format": "cursor"})]


class Page(Model):
    """Which part of a list."""

    limit: Limit = 50
    cursor: Cursor | None = Field(default=None, description="The `next` of the page before.")


class LinePart(Page):
    """Which part of the line."""

    state: Annotated[list[TicketState], BeforeValidator(_separate), AfterValidator(_in_order)] = Field(
        default=[TicketState.CALLED, TicketState.WAITING], min_length=1
    )
