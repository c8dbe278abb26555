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
from infra.redrive import redrive
from tests.bots.bars import NUMBER
from tests.bots.carriers import Answer, Carrier
from tests.core.lines import OWNER
from tests.lambdas.conftest import Deployed, wait_until
from tests.lambdas.surroundings import ACCEPTED, TAKEN
from tests.stack import STAGE

# A container's first call takes seconds, and a notice that fails twice waits for twenty-five.
pytestmark = pytest.mark.timeout(300)

BUSY = Answer(429, {"code": 20429, "message": "Too many requests", "status": 429}, {"Retry-After": "1"})
BROKEN = Answer(503, {"code": 20503, "message": "Service unavailable", "status": 503})


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


def number() -> str:
    return f"+551198{secrets.randbelow(10**7):07}"


def text(deployed: Deployed, address: str, body: str) -> str:
    form = {"MessageSid": f"SM{secrets.token_hex(16)}", "From": address, "To": NUMBER, "Body": body}
    return deployed.text("/webhooks/sms", form).text


def chat(deployed: Deployed, id_: int, body: str) -> None:
    who = {"id": id_, "is_bot": False, "first_name": "Tess", "language_code": "en"}
    message = {"message_id": 1, "date": 1764000000, "chat": {"id": id_, "type": "private"}, "from": who, "text": body}
    assert deployed.update({"update_id": secrets.randbelow(10**9), "message": message}).status_code == 200


def call(deployed: Deployed, code: str, earlier: Records) -> Ticket:
    return earlier.transaction(lambda tx: deployed.bars.queues.call_next(tx, code.lower(), OWNER))


def heard(carrier: Carrier, address: str) -> list[str]:
    """What the carrier was asked to tell this address."""
    return [asked.form.get("Body") or asked.form.get("text", "") for asked in carrier.asked if asked.to == address]


def state(deployed: Deployed, ticket: Ticket) -> str | None:
    """What staff are shown of the last notice."""
    with deployed.bars.records.reading() as tx:
        now = tx.tickets.get(ticket.id)
    assert now is not None
    return now.last_notice_state


def waiting_in(deployed: Deployed, queue: str) -> int:
    sqs = deployed.aws.client("sqs")
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    found = sqs.get_queue_attributes(QueueUrl=deployed.stack.physical_id(queue), AttributeNames=names)["Attributes"]
    return sum(int(number) for number in found.values())


def test_who_comes_nearer_is_told_at_once_on_the_own_channel(deployed: Deployed, code: str) -> None:
    first, second, third = number(), secrets.randbelow(10**9), number()
    text(deployed, first, f"JOIN {code} 2")
    chat(deployed, second, f"/start {code}")
    text(deployed, third, f"JOIN {code} 2")

    text(deployed, first, "LEAVE")
    assert "left" in text(deployed, first, "LEAVE")

    wait_until(lambda: heard(deployed.telegram, str(second)) and heard(deployed.twilio, third))
    assert "place 1" in heard(deployed.telegram, str(second))[0].lower()
    assert "place 2" in heard(deployed.twilio, third)[0].lower()
    assert heard(deployed.twilio, first) == []


def test_what_nobody_published_is_sent_by_the_sweep(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = number()
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)

    assert "FunctionError" not in deployed.invoke("Sweep", {"what": "minute"})

    wait_until(lambda: state(deployed, ticket) == "sent")
    assert len(heard(deployed.twilio, guest)) == 1


def test_a_nudge_that_comes_twice_tells_once(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = number()
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)
    records = [
        {"messageId": id_, "receiptHandle": id_, "body": written(Nudge(ticket.id)), "eventSource": "aws:sqs"}
        for id_ in "ab"
    ]

    answer = deployed.invoke("NotifySms", {"Records": records})

    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    assert len(heard(deployed.twilio, guest)) == 1


def test_a_throttled_notice_is_put_back_and_counts_as_no_try(deployed: Deployed, code: str, earlier: Records) -> None:
    guest = number()
    deployed.twilio.answers[guest] = [BUSY, BUSY, BUSY, ACCEPTED]
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)

    deployed.invoke("Sweep", {"what": "minute"})

    wait_until(lambda: state(deployed, ticket) == "sent")
    assert len(heard(deployed.twilio, guest)) == 4
    assert waiting_in(deployed, "SmsNoticesFailed") == 0


def test_after_three_tries_a_notice_rests_until_somebody_sends_it_again(
    deployed: Deployed, code: str, earlier: Records
) -> None:
    guest = number()
    deployed.twilio.answers[guest] = [BROKEN]
    text(deployed, guest, f"JOIN {code} 2")
    ticket = call(deployed, code, earlier)

    deployed.invoke("Sweep", {"what": "minute"})

    wait_until(lambda: waiting_in(deployed, "SmsNoticesFailed") == 1, seconds=120)
    assert state(deployed, ticket) == "dead"
    assert len(heard(deployed.twilio, guest)) == 3
    deployed.twilio.answers[guest] = [ACCEPTED]
    assert redrive(deployed.aws.client("sqs"), STAGE) == 1
    wait_until(lambda: state(deployed, ticket) == "sent")
    assert waiting_in(deployed, "SmsNoticesFailed") == 0
