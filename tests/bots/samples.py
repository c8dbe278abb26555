"""Every text that a guest may be sent, as it looks on an ordinary evening."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bots.notice_texts import NoticeTexts
from bots.phrases import Standing
from bots.replies import Replies, slow_down
from core.errors import InvalidPartySize, PartyTooLarge, QueueClosed, QueueFull, QueuePaused
from core.model import NoticeKind, Queue, QueueState, Ticket, TicketState
from core.storage.places import Entrance, Place
from core.storage.queues import QueueAtVenue

PUBLIC_URL = "https://queue.example.com"
NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)

QUEUE = Queue(
    id="q",
    venue_id="v",
    name="Blue Door",
    join_code="BLUE",
    text="",
    called_message="",
    state=QueueState.OPEN,
    capacity=None,
    largest_party=8,
    almost_there_at=3,
    no_show_minutes=10,
    grace_minutes=15,
    version=1,
    waiting=12,
    last_number=112,
    last_order_key=1,
    day_ends_at=NOW,
    last_called_at=NOW,
    pace_seconds=120.0,
    pace_deviation_seconds=60.0,
    pace_samples=9,
    last_action_version=0,
    created_at=NOW,
)
TICKET = Ticket(
    id="0123456789abcdef",
    queue_id="q",
    number=112,
    token="AbCdEfGhIjKlMnOpQr_-uv",
    guest_name="Ana",
    party_size=4,
    note="",
    contact_id="c",
    channel="sms",
    sender="+15550100001",
    added_by_staff=False,
    state=TicketState.WAITING,
    order_key=1,
    version=1,
    joined_at=NOW,
)
AT = QueueAtVenue(QUEUE, "The Blue Door", "en", "+15550100001", "America/Sao_Paulo", "06:00")
TERRACE = replace(AT, queue=replace(QUEUE, name="Terrace", join_code="TERR"))
WAITING = Standing(TICKET, AT, 12)
CALLED = Standing(replace(TICKET, state=TicketState.CALLED), AT, None)
MISSED = Standing(replace(TICKET, state=TicketState.NO_SHOW, ended_at=NOW), AT, None)


def replies(language: str) -> dict[str, str]:
    """The replies by what they are, on a channel without buttons."""
    say = Replies(language, PUBLIC_URL, has_buttons=False, pressed=False)
    here, there = Entrance.of(AT), Entrance.of(TERRACE)
    places = [Place(TICKET, AT), Place(TICKET, TERRACE)]
    known: dict[str, Any] = {"party_said": True, "asks_party": False, "stopped": False}
    samples: dict[str, Callable[[], Any]] = {
        "joined": lambda: say.joined(WAITING, **known),
        "joined, party asked": lambda: say.joined(WAITING, party_said=False, asks_party=True, stopped=False),
        "joined after STOP": lambda: say.joined(WAITING, **(known | {"stopped": True})),
        "came back": lambda: say.came_back(replace(WAITING, position=1), stopped=False),
        "already in line": lambda: say.already_in_line(WAITING),
        "already called": lambda: say.already_in_line(CALLED),
        "party size set": lambda: say.party_size_set(WAITING),
        "party size changed": lambda: say.party_size_set(WAITING, say.already()),
        "position": lambda: say.position(WAITING),
        "position when called": lambda: say.position(CALLED),
        "late": lambda: say.late([WAITING]),
        "leave asked": lambda: say.leave_asked(places[0]),
        "left": lambda: say.left(here),
        "which position": lambda: say.which_position(places),
        "which leave": lambda: say.which_leave(places),
        "which queue": lambda: say.which_queue([here, there]),
        "which queue, unknown code": lambda: say.which_queue([here, there], "XYZ"),
        "party size not understood": lambda: say.party_size_not_understood(places[0]),
        "standings": lambda: say.standings([WAITING, replace(WAITING, at=TERRACE)], None),
        "code needed": say.code_needed,
        "unknown code": lambda: say.unknown_code("BLEU", "BLUE"),
        "unknown code, none near": lambda: say.unknown_code("XYZ", None),
        "paused": lambda: say.refused(QueuePaused(), here),
        "closed": lambda: say.refused(QueueClosed(), here),
        "full": lambda: say.refused(QueueFull(), here),
        "party too large": lambda: say.refused(PartyTooLarge(largest_party=8), here),
        "party too large, asked again": lambda: say.refused(PartyTooLarge(largest_party=8), here, TICKET),
        "party too large, in line": lambda: say.refused(PartyTooLarge(largest_party=8), here, TICKET, say.already()),
        "no party size": lambda: say.refused(InvalidPartySize(), here),
        "not in line": lambda: say.not_in_line([here]),
        "missed": lambda: say.missed(here),
        "help": lambda: say.help("The Blue Door"),
        "not understood": lambda: say.not_understood([], [here]),
        "not understood, in line": lambda: say.not_understood([WAITING], [here]),
        "language set": say.language_set,
        "which language": say.which_language,
        "stopped": lambda: say.stopped(in_line=True),
        "how to stop": lambda: say.how_to_stop(places[:1], has_stop=True),
        "how to stop, in a chat": lambda: say.how_to_stop(places[:1], has_stop=False),
        "started": lambda: say.standings([WAITING], say.started()),
        "place is over": say.place_is_over,
        "slow down": lambda: slow_down(language, PUBLIC_URL),
    }
    return {name: make().text or "" for name, make in samples.items()}


def notices(language: str) -> dict[str, str]:
    """The notices by what they are."""
    texts = NoticeTexts(language, PUBLIC_URL)
    kinds = {NoticeKind.CALLED: CALLED, NoticeKind.RECALLED: CALLED, NoticeKind.NO_SHOW: MISSED}
    samples = {f"notice: {kind}": texts.text(kind, kinds.get(kind, WAITING), NOW) for kind in NoticeKind}
    walk_in = replace(WAITING, ticket=replace(TICKET, added_by_staff=True))
    return samples | {
        "notice: walk-in": texts.text(NoticeKind.JOINED, walk_in, NOW),
        "notice: no-show, too late": texts.text(NoticeKind.NO_SHOW, MISSED, NOW + timedelta(minutes=15)),
    }
