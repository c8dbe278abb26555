"""The tags by which those who ask for a line again and again know that it is new."""

import hashlib
from collections.abc import Sequence

from core.model import LineEntry, Queue


def line_tag(queue: Queue, entries: Sequence[LineEntry], more: Sequence[str | None] = ()) -> str:
    """Another one whenever these tickets would be shown otherwise, for an ETag.

    That is with the queue's version, with who can be reached (an opt-out changes no queue), and with `more`. Read the
    queue before its tickets: then a change that comes between makes the next tag differ, and is not taken for seen.
    """
    reached = [(entry.id, entry.reachable) for entry in entries]
    return hashlib.sha256(repr((queue.id, queue.version, reached, more)).encode()).hexdigest()[:20]
