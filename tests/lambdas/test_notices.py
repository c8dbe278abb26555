"""Notices through the fan-out: topic, queues, the functions that read them, and the sweep."""

import json
import secrets
from datetime import timedelta

import pytest

from core.clock import system_clock
from core.model import Ticket
from core.storage.fan_out import Nudge
from core.storage.queue_messages import written
from core.storage.records import Records
from tests.bots.carriers import Answer
from tests.core.lines import OWNER
from tests.lambdas.conftest import Deployed, wait_until
from tests.lambdas.guests import chat, heard, phone, text, write
from tests.lambdas.surroundings import ACCEPTED, TAKEN

# A container's first call takes seconds.
pytestmark = pytest.mark.timeout(300)

BUSY = Answer(429, {"code": 20429, "message": "Too many requests", "status": 429}, {"Retry-After": "1"})


@pytest.fixture
def code(deployed: Deployed) -> str:
    """A queue of the test's own, whose second in line is almost there."""
    deployed.twilio.answer, deployed.telegram.answer = ACCEPTED, TAKEN
    code = f"Q{secrets.token_hex(4).upper()}"
    deployed.bars.queue(code, almost_there_at=2)
    return code


@pytest.fixture
def earlier(deployed: Deployed) -> Records:
    """The record, twenty seconds ago, for a process that dies before it publishes."""
    return Records(deployed.stack.engine, lambda: system_clock() - timedelta(seconds=20))


def call(deployed: Deployed, code: str, earlier: Records) -> Ticket:
    return earlier.transaction(lambda tx: deployed.bars.queues.call_next(tx, code.lower(), OWNER))


def state(deployed: Deployed, ticket: Ticket) -> str | None:
    """What staff are shown of the last notice."""
    with deployed.bars.records.reading() as tx:
        now = tx.tickets.get(ticket.id)
    assert now is not None
    return now.last_notice_state


def test_who_comes_nearer_is_told_at_once_on_the_own_channel(deployed: Deployed, code: str) -> None:
    first, second, third = phone(), chat(), phone()
    text(deployed, first, f"JOIN {code} 2")
    write(deployed, second, f"/start {code}")
    text(deployed, third, f"JOIN {code} 2")

    text(deployed, first, "LEAVE")
    assert "left" in text(deployed, first, "LEAVE")

    wait_until(lambda: heard(deployed.telegram, str(second)) and heard(deployed.twilio, third))
    assert "place 1" in heard(deployed.telegram, str(second))[0].lower()
    assert "place 2" in heard(deployed.twilio, third)[0].lower()
    assert heard(deployed.twilio, first) == []


def test_what_nobody_published_is_sent_by_the_sweep(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = phone()
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)

    assert "FunctionError" not in deployed.invoke("Sweep", {"what": "minute"})

    wait_until(lambda: state(deployed, ticket) == "sent")
    assert len(heard(deployed.twilio, guest)) == 1


def test_a_nudge_that_comes_twice_tells_once(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = phone()
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)
    records = [
        {
            "messageId": id_,
            "receiptHandle": id_,
            "body": written(Nudge(ticket.id)),
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
        }
        for id_ in "ab"
    ]

    answer = deployed.invoke("NotifySms", {"Records": records})

    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    assert len(heard(deployed.twilio, guest)) == 1


def test_a_throttled_notice_is_put_back_and_counts_as_no_try(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = phone()
    deployed.twilio.answers[guest] = [BUSY, BUSY, BUSY, ACCEPTED]
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)

    deployed.invoke("Sweep", {"what": "minute"})

    wait_until(lambda: state(deployed, ticket) == "sent")
    assert len(heard(deployed.twilio, guest)) == 4
    assert deployed.waiting_in("SmsNoticesFailed") == 0
