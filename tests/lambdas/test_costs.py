"""What a function costs in a container that is warm: counted from outside, by the servers that it asks."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pymysql.cursors import Cursor
from twilio.request_validator import RequestValidator

from core.storage.fan_out import Nudge
from core.storage.queue_messages import written
from tests.bots.carriers import Answer, Carrier
from tests.core.counting import RedisCost, counted_redis
from tests.lambdas.containers import Container, functions
from tests.lambdas.surroundings import RECORDED, Surroundings
from tests.parameters import PARAMETERS

pytestmark = pytest.mark.timeout(300)

STATEMENTS = ("Com_select", "Com_insert", "Com_update", "Com_delete", "Com_replace", "Com_call_procedure")
# https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
PUBLISHED = b"""<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>
<Failed/><Successful/></PublishBatchResult></PublishBatchResponse>"""


@dataclass
class Cost:
    """What the servers were asked meanwhile."""

    redis: RedisCost
    statements: int = -1
    commits: int = -1
    connections: int = -1
    published: int = -1


class Webhook:
    """A container of a webhook, whose topic counts."""

    def __init__(self, around: Surroundings, container: Container, topic: Carrier) -> None:
        self.around, self._container, self._topic = around, container, topic

    def invoke(self, event: dict[str, Any]) -> str:
        """The body of the answer."""
        answer = self._container.invoke(event)["answer"]
        assert answer["statusCode"] in (200, 204)
        return str(answer["body"])

    @contextmanager
    def counted(self) -> Iterator[Cost]:
        """What one or more calls cost."""
        with self.around.mariadb.connect() as connection, connection.cursor() as cursor:
            before, published = status(cursor), len(self._topic.asked)
            with self.around.valkey.client() as client, counted_redis(client) as redis:
                cost = Cost(redis)
                yield cost
            spent = {name: number - before[name] for name, number in status(cursor).items()}
        cost.statements = sum(spent[name] for name in spent if name.startswith(STATEMENTS))
        cost.commits, cost.connections = spent["Com_commit"], spent["Connections"]
        cost.published = len(self._topic.asked) - published


def status(cursor: Cursor) -> dict[str, int]:
    """MariaDB's own counters: nobody else uses it meanwhile."""
    cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%' OR Variable_name = 'Connections'")
    return {name: int(number) for name, number in cursor.fetchall()}


@pytest.fixture
def open_webhook(around: Surroundings) -> Iterator[Callable[[str], Webhook]]:
    """Starts a container of a webhook."""
    with Carrier().serving() as topic:
        topic.answer = Answer(body=PUBLISHED)
        open_: list[Container] = []

        def start(module: str) -> Webhook:
            open_.append(around.container(module, AWS_ENDPOINT_URL_SNS=topic.url))
            return Webhook(around, open_[-1], topic)

        yield start
        for container in open_:
            container.__exit__(None, None, None)


def signed(event: dict[str, Any], **changes: str) -> dict[str, Any]:
    """A recorded form of Twilio's with other values."""
    form = dict(parse_qsl(event["body"], keep_blank_values=True)) | changes
    url = PARAMETERS["PUBLIC_URL"] + event["path"]
    signature = RequestValidator(PARAMETERS["TWILIO_AUTH_TOKEN"]).compute_signature(url, form)
    return {**event, "body": urlencode(form), "headers": {**event["headers"], "X-Twilio-Signature": signature}}


def text(around: Surroundings, guest: str, body: str) -> dict[str, Any]:
    sid = f"SM{secrets.token_hex(16)}"
    return signed(around.event("sms_webhook", "join"), From=guest, Body=body, MessageSid=sid, SmsMessageSid=sid)


def update(around: Surroundings, guest: int, said: str) -> dict[str, Any]:
    event = around.event("telegram_webhook", "start")
    body = json.loads(event["body"])
    body["update_id"] = secrets.randbelow(10**9)
    body["message"] |= {"text": said, "chat": {"id": guest, "type": "private"}}
    body["message"]["from"]["id"] = guest
    return {**event, "body": json.dumps(body)}


@pytest.fixture
def code(around: Surroundings) -> str:
    """A queue of the test's own, whose second in line is almost there."""
    code = f"Q{secrets.token_hex(4).upper()}"
    around.bars.queue(code, almost_there_at=2)
    return code


def assert_cheap(cost: Cost) -> None:
    """As on one machine, and one call to the topic at most."""
    assert (cost.commits, cost.connections) == (1, 0)
    assert 1 <= cost.statements <= 10
    assert cost.redis.round_trips <= 2
    assert cost.published <= 1


def cheapest_of_three(webhook: Webhook, event: Callable[[], dict[str, Any]], answered: str) -> Cost:
    """Asked three times: the first may have to build the view, and on a slow machine its lease may run out."""
    costs = []
    for _ in range(3):
        with webhook.counted() as cost:
            assert answered in webhook.invoke(event())
        costs.append(cost)
    return min(costs, key=lambda cost: cost.redis.round_trips)


def test_a_text_costs_what_it_costs_on_one_machine(
    around: Surroundings, open_webhook: Callable[[str], Webhook], code: str
) -> None:
    webhook = open_webhook("sms_webhook")
    first, second, third = (f"+1555060{secrets.randbelow(10**4):04}" for _ in range(3))
    # Connections, scripts and compiled statements are there before anything is counted.
    for said in (f"JOIN {code} 2", "POSITION", "LEAVE"):
        webhook.invoke(text(around, first, said))
    webhook.invoke(text(around, second, f"JOIN {code} 2"))

    with webhook.counted() as cost:
        assert "Place 3" in webhook.invoke(text(around, third, f"JOIN {code} 2"))
    assert_cheap(cost)
    with webhook.counted() as cost:
        assert "left" in webhook.invoke(text(around, first, "LEAVE"))
    assert_cheap(cost)
    assert cost.published == 1
    assert_cheap(cheapest_of_three(webhook, lambda: text(around, third, "POSITION"), "Place 2"))


def test_an_update_costs_what_it_costs_on_one_machine(
    around: Surroundings, open_webhook: Callable[[str], Webhook], code: str
) -> None:
    webhook = open_webhook("telegram_webhook")
    webhook.invoke(update(around, secrets.randbelow(10**9), f"/start {code}"))
    guest = secrets.randbelow(10**9)
    webhook.invoke(update(around, guest, "/help"))

    with webhook.counted() as cost:
        assert "Lugar 2" in webhook.invoke(update(around, guest, f"/start {code}"))
    assert_cheap(cost)
    assert_cheap(cheapest_of_three(webhook, lambda: update(around, guest, "/position"), "Lugar 2"))


def test_a_delivery_report_costs_what_it_costs_on_one_machine(
    around: Surroundings, open_webhook: Callable[[str], Webhook]
) -> None:
    sids = [f"SM{secrets.token_hex(16)}" for _ in range(2)]
    nudges = around.event("notify_sms", "nudge")
    usual = around.twilio.answer
    with around.container("notify_sms") as notify:
        for sid in sids:
            around.twilio.answer = Answer(201, {"sid": sid, "status": "queued"})
            nudges["Records"][0]["body"] = written(Nudge(around.called("sms")))
            assert notify.invoke(nudges)["answer"] == {"batchItemFailures": []}
    around.twilio.answer = usual
    reports = [signed(around.event("sms_status", "delivered"), MessageSid=sid, SmsSid=sid) for sid in sids]
    webhook = open_webhook("sms_status")
    webhook.invoke(reports[0])

    with webhook.counted() as cost:
        webhook.invoke(reports[1])

    assert_cheap(cost)


# Where it is not one of each.
KEPT: dict[str, list[str]] = {
    "authorizer": [],
    "create_pre_customer": [],
    "email_sender": [],
    "migrate": [],
    "sms_status": ["database"],
    "sweep": ["database"],
}


@pytest.mark.parametrize("module", sorted(functions()))
def test_a_container_keeps_one_connection_to_the_database_and_one_to_redis(around: Surroundings, module: str) -> None:
    names = [name for of, name in RECORDED if of == module]
    others = connections(around)
    with around.container(module) as container:
        kept = []
        for _ in range(2):
            for name in names:
                assert "answer" in container.invoke(around.event(module, name))
            kept.append(connections(around) - others)

    assert kept[0] == kept[1]
    assert sorted(kind for kind, _ in kept[0]) == KEPT.get(module, ["database", "redis"])


def connections(around: Surroundings) -> set[tuple[str, str]]:
    """Those that both servers have, but for the one that asks."""
    with around.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = 'line'")
        in_database = {("database", str(id_)) for (id_,) in cursor.fetchall()}
    with around.valkey.client() as client:
        own = client.client_id()
        return in_database | {("redis", each["id"]) for each in client.client_list() if int(each["id"]) != own}
