"""A process under load, to be killed: it answers guests, calls them, and says what it has acknowledged."""

import os
import random
from contextlib import suppress
from functools import partial
from threading import Thread

from bots.conversation import Conversation
from bots.messages import Message
from core.clock import system_clock
from core.contacts import ContactBook
from core.errors import Refusal
from core.queues import QueueService
from core.storage.engine import open_engine
from core.storage.records import Records
from core.storage.view import Positions
from tests.core.lines import OWNER

THREADS = 3
KEY = b"a key for tests"


def work(url: str, acknowledged: str, life: int) -> None:
    """Work on the queue `queue` until killed. Each answered JOIN's address is appended to `acknowledged`."""
    records = Records(open_engine(url), system_clock)
    queues = QueueService()
    conversation = Conversation(
        records, queues, ContactBook(KEY), Positions(records, None), "https://queue.example.com"
    )
    said = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def act(thread: int) -> None:
        number = 0
        while True:
            number += 1
            address = f"+1555{life:03}{thread}{number:03}"
            message = Message("sms", address, f"SM{address}", "JOIN QUEUE 2 Ana")
            conversation.answer(message)
            os.write(said, f"{address}\n".encode())
            step = random.choice([queues.call_next, queues.undo])
            with suppress(Refusal):
                records.transaction(partial(step, queue_id="queue", actor=OWNER))

    for thread in range(THREADS):
        Thread(target=act, args=(thread,)).start()
