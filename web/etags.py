"""The tags by which those who ask for a line again and again know that it is new."""

import hashlib
from collections.abc import Sequence

from core.model import LineEntry, Queue, Ticket


def line_tag(queue: Queue, entries: Sequence[LineEntry], more: Sequence[str | None] = ()) -> str:
    """Another one whenever these tickets would be shown otherwise, for an ETag.

    That is with the queue's version, with who can be reached (an opt-out changes no queue), and with `more`. Read the
    queue before its tickets: then a change that comes between makes the next tag differ, and is not taken for seen.
    """
    reached = [(entry.id, entry.reachable) for entry in entries]
    return _tag(queue.id, queue.version, reached, more)


def ticket_tag(ticket: Ticket, queue: Queue, position: int | None, more: Sequence[str | bool] = ()) -> str:
    """Another one whenever its guest would be shown this ticket otherwise, for an ETag.

    The ticket is read before its queue, and the position from the view: a step that comes between changes one of them
    later, and a delivery report changes the clock alone.
    """
    return _tag(queue.version, ticket.version, ticket.no_show_at, position, more)


def _tag(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:20]
