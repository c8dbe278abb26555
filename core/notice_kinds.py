"""Which event tells its guest what, and until when and how often that is worth sending."""

from datetime import timedelta
from typing import Any

from core.model import EventKind, NoticeKind, NoticeState, TicketState

SHELF_LIFE = {
    NoticeKind.JOINED: timedelta(minutes=15),
    NoticeKind.ALMOST_THERE: timedelta(minutes=5),
    NoticeKind.CALLED: timedelta(minutes=10),
    NoticeKind.RECALLED: timedelta(minutes=10),
    NoticeKind.NOT_YET: timedelta(minutes=10),
    NoticeKind.NO_SHOW: timedelta(minutes=30),
    NoticeKind.REMOVED: timedelta(minutes=30),
    NoticeKind.CLOSED: timedelta(minutes=60),
}

STATES_TOLD = {
    NoticeKind.JOINED: (TicketState.WAITING,),
    NoticeKind.ALMOST_THERE: (TicketState.WAITING,),
    NoticeKind.CALLED: (TicketState.CALLED,),
    NoticeKind.RECALLED: (TicketState.CALLED,),
    NoticeKind.NOT_YET: (TicketState.WAITING,),
    NoticeKind.NO_SHOW: (TicketState.NO_SHOW,),
    NoticeKind.REMOVED: (TicketState.REMOVED,),
    NoticeKind.CLOSED: (TicketState.REMOVED,),
}
"""In which states of its ticket a notice is true."""

OPTED_OUT = "opted-out"
"""The code of a guest who told one sender of ours to stop: others still reach this guest."""

ERASED = "erased"
"""The code of a guest whose address was erased before the notice went out."""

ARRIVED = (NoticeState.DELIVERED, NoticeState.READ)
"""The states of a notice that is on the guest's phone."""

CALLS = (NoticeKind.CALLED, NoticeKind.RECALLED)

ABOUT_A_CALL = (*CALLS, NoticeKind.NOT_YET)
"""What keeps its order among itself, and waits for nothing else."""

NOT_REACHED = (NoticeState.UNDELIVERED, NoticeState.FAILED, NoticeState.DEAD)
"""The states of a notice that will not come, or did not get through."""

AN_HOUR = timedelta(hours=1)
TEXTS_AN_HOUR = 200
"""From one number to walk-ins, whose phones nobody but staff has named."""


_ALWAYS = {
    EventKind.ALMOST_THERE: NoticeKind.ALMOST_THERE,
    EventKind.CALLED: NoticeKind.CALLED,
    EventKind.RECALLED: NoticeKind.RECALLED,
    EventKind.PUT_BACK: NoticeKind.NOT_YET,
    EventKind.NO_SHOW: NoticeKind.NO_SHOW,
    EventKind.REMOVED: NoticeKind.REMOVED,
    EventKind.CLOSED: NoticeKind.CLOSED,
}
# By what was undone and the state that it gave back.
_AFTER_UNDO = {
    (EventKind.CALLED, TicketState.WAITING): NoticeKind.NOT_YET,
    (EventKind.PUT_BACK, TicketState.CALLED): NoticeKind.RECALLED,
    (EventKind.NO_SHOW, TicketState.CALLED): NoticeKind.RECALLED,
    (EventKind.SERVED, TicketState.CALLED): NoticeKind.CALLED,
    (EventKind.CAME_BACK, TicketState.NO_SHOW): NoticeKind.NO_SHOW,
    (EventKind.REMOVED, TicketState.CALLED): NoticeKind.RECALLED,
    (EventKind.REMOVED, TicketState.WAITING): NoticeKind.JOINED,
}


def notice_kind(kind: EventKind, data: dict[str, Any]) -> NoticeKind | None:
    """What an event of this kind tells the guest of its ticket; None when it tells nothing.

    A guest who joined by a message was answered there; `announce` in the event's data marks those who were not
    (walk-ins, a place given back by staff).
    """
    if kind in (EventKind.JOINED, EventKind.CAME_BACK):
        return NoticeKind.JOINED if data.get("announce") else None
    if kind is EventKind.UNDONE:
        return _AFTER_UNDO.get((EventKind(data["undone"]), TicketState(data["state"])))
    return _ALWAYS.get(kind)
