"""Where the AWS edition is put together: what a container makes at its first call and keeps for the others."""

import os
from functools import cache

from core.clock import system_clock
from core.contacts import ContactBook
from core.notices import NoticeService
from core.queues import QueueService
from core.settings import Settings
from core.storage.engine import open_engine
from core.storage.fan_out import Topic
from core.storage.parameters import parameters
from core.storage.records import Records
from core.storage.redis_server import open_redis
from core.storage.view import Positions, PositionView, ViewUpdate
from lambdas.watching import start_logging

# A container serves one request at a time.
CONNECTIONS = 1
# As often as the channels' queues let a message come.
TRIES = 3


class Parts:
    """What the functions have in common; connects at the first use."""

    def __init__(self, settings: Settings) -> None:
        assert settings.redis_url is not None  # Settings.from_parameters asks for it
        self.settings = settings
        self.redis_url = settings.redis_url
        self.redis = open_redis(settings.redis_url)
        self.view = PositionView(self.redis)
        self.topic = Topic(os.environ["TICKET_EVENTS"])
        self.engine = open_engine(settings.database_url, connections=CONNECTIONS)
        self.records = Records(self.engine, system_clock, [ViewUpdate(self.view), self.topic])
        self.notices = NoticeService(self.records, settings.texts_an_hour, tries=TRIES)
        self.queues = QueueService()
        self.contacts = ContactBook(settings.contact_key)
        self.positions = Positions(self.records, self.view)


@cache
def parts() -> Parts:
    """The container's parts, from the parameters below the path in PARAMETERS.

    Raises SettingsError, which names what is missing.
    """
    settings = Settings.from_parameters({**os.environ, **parameters(os.environ["PARAMETERS"])})
    start_logging(settings.secret_values)
    return Parts(settings)
