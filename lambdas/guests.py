"""What answers guests, and what takes down their carriers' reports, for the functions that are webhooks."""

from functools import cache

from bots.conversation import Conversation
from bots.message_limit import MessageLimit
from bots.reports import Reports
from lambdas.limits import counter
from lambdas.wiring import parts


@cache
def conversation() -> Conversation:
    """The container's own; messages are counted in Redis, for all containers. Raises SettingsError."""
    here = parts()
    return Conversation(
        here.records,
        here.queues,
        here.contacts,
        here.positions,
        here.settings.public_url,
        limit=MessageLimit(counter()),
    )


@cache
def reports() -> Reports:
    """The container's own. Raises SettingsError."""
    here = parts()
    return Reports(here.records, here.contacts, here.notices)
