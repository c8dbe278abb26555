"""The AWS edition around its functions: their queues and settings, and what API Gateway and SQS do."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.clock import system_clock
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from infra.templates import expanded
from tests.bots.carriers import Answer, Asked, Carrier
from tests.parameters import PARAMETERS
from tests.servers import MiniStack, Valkey
from tests.soak.containers import Container, Function, Killed, Setting

STAGE = "soak"
# Shorter than the template's, so that the evening does not wait for it: who comes back too early finds nothing to do.
VISIBILITY_SECONDS = 4
# Containers of each function, and in how many calls one dies.
FUNCTIONS = {
    "sms_webhook": (3, 25),
    "telegram_webhook": (3, 25),
    "api": (3, 25),
    "notify_sms": (2, 6),
    "notify_telegram": (2, 6),
    "sweep": (1, 2),
}
CHANNELS = {"notify_sms": "Sms", "notify_telegram": "Telegram"}
"""The functions that read a queue, and what the template's names of it begin with."""


class Twilio(Carrier):
    """Takes every text, and gives each an id of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)

    def answer_to(self, asked: Asked) -> Answer:
        return Answer(201, {"sid": f"SM{next(self._numbers):032x}", "status": "queued"})


class Telegram(Carrier):
    """Takes every message, and gives each an id of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)

    def answer_to(self, asked: Asked) -> Answer:
        chat = {"id": int(asked.to), "type": "private"}
        return Answer(200, {"ok": True, "result": {"message_id": next(self._numbers), "date": 1, "chat": chat}})


@dataclass
class Edition:
    """The functions, each of which can be called, and the parts that they work with."""

    aws: MiniStack
    valkey: Valkey
    engine: Engine
    accounts: AccountService
    twilio: Carrier
    telegram: Carrier
    functions: dict[str, Function]
    queue_urls: dict[str, str]
    stopped: Event = field(default_factory=Event)
    """Set when all is over, or nobody hands on the queues' messages any more."""
    interrupted: "Counter[str]" = field(default_factory=Counter)
    """How often a container died that had this ticket's nudge."""

    def request(
        self, function: str, method: str, path: str, body: str = "", headers: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Any]:
        """A request that API Gateway hands to a function; the function's answer. Raises Killed, Raised."""
        path, _, query = path.partition("?")
        asked = [pair.split("=", 1) for pair in query.split("&") if pair]
        answer: dict[str, Any] = self.functions[function](
            {
                "httpMethod": method,
                "path": path,
                "headers": dict(headers),
                "multiValueHeaders": {name: [value] for name, value in headers.items()},
                "queryStringParameters": dict(asked),
                "multiValueQueryStringParameters": {name: [value] for name, value in asked},
                "requestContext": {"identity": {"sourceIp": "203.0.113.1"}, "requestId": str(uuid4())},
                "body": body,
                "isBase64Encoded": False,
            }
        )
        return answer

    def poll(self, function: str) -> None:
        """Hand a queue's messages to its function until all is over; what fails here ends it."""
        sqs, url = self.aws.client("sqs"), self.queue_urls[function]
        try:
            while not self.stopped.is_set():
                messages = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=5, WaitTimeSeconds=1, AttributeNames=["All"]
                ).get("Messages")
                done = self._done(function, messages) if messages else []
                if done:
                    sqs.delete_message_batch(QueueUrl=url, Entries=done)
        finally:
            self.stopped.set()

    def _done(self, function: str, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """The messages that need not come again, as SQS deletes them; of a container that died, none."""
        try:
            answer = self.functions[function]({"Records": [_record(message) for message in messages]})
        except Killed:
            self.interrupted.update({json.loads(message["Body"])["ticket_id"] for message in messages})
            return []
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        return [
            {"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]}
            for message in messages
            if message["MessageId"] not in again
        ]

    def sweep_each(self, seconds: float, until: Event) -> None:
        """Sweep as the schedule does, at a quicker pace."""
        while not until.wait(seconds):
            self.sweep()

    def sweep(self) -> None:
        """One sweep; a container that dies leaves it to the next."""
        try:
            self.functions["sweep"]({"what": "minute"})
        except Killed:
            return

    def nudges(self) -> int:
        """How many messages the queues hold, and what is being worked on."""
        sqs = self.aws.client("sqs")
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            for url in self.queue_urls.values()
        ]
        return sum(int(number) for attributes in found for number in attributes.values())

    def be_deadly(self, deadly: bool) -> None:
        """Let containers die from now on, or live."""
        for function in self.functions.values():
            function.deadly = deadly


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Lambda gets it: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


@contextmanager
def running(
    aws: MiniStack, valkey: Valkey, database_url: str, directory: Path, chance: random.Random, rarity: int
) -> Iterator[Edition]:
    """The edition on these servers, whose database has its tables; the containers log to files in `directory`.

    Containers die so many times more rarely than FUNCTIONS says.
    """
    with Twilio().serving() as twilio, Telegram().serving() as telegram:
        carriers = {"TWILIO_API_URL": twilio.url, "TELEGRAM_API_URL": telegram.url}
        _put_parameters(aws, database_url, valkey, carriers)
        customer, pre_customer = aws.account_tables()
        topic, queue_urls = _fan_out(aws)
        environment = {
            **aws.environment,
            "CREATE_PRE_CUSTOMER": _queue(aws.client("sqs"), "CreatePreCustomerQueue", {}),
            "CUSTOMER": customer,
            "PRE_CUSTOMER": pre_customer,
            "PARAMETERS": f"/queue-manager/{STAGE}",
            "TICKET_EVENTS": topic,
            "POWERTOOLS_METRICS_NAMESPACE": "QueueManager",
            "POWERTOOLS_SERVICE_NAME": STAGE,
        }
        functions = {}
        for name, (containers, one_in) in FUNCTIONS.items():
            of_queue = {"CHANNEL_QUEUE": queue_urls[name]} if name in queue_urls else {}
            start = partial(Container, Setting(name, environment | of_queue, directory / f"{name}.log"))
            functions[name] = Function(start, containers, one_in * rarity, chance)
        store = DynamoAccountStore(customer, pre_customer, system_clock, aws.resource("dynamodb"))
        accounts = AccountService(store, no_mail, PARAMETERS["PUBLIC_URL"])
        engine = open_engine(database_url)
        yield Edition(aws, valkey, engine, accounts, twilio, telegram, functions, queue_urls)
        engine.dispose()
        for function in functions.values():
            function.close()


def _put_parameters(aws: MiniStack, database_url: str, valkey: Valkey, carriers: dict[str, str]) -> None:
    host, _, database = database_url.rpartition("@")[2].partition("/")
    parts = {"MYSQL_DATABASE": database, "MYSQL_HOST": host, "MYSQL_USER": "root", "REDIS_HOST": valkey.url}
    ssm = aws.client("ssm")
    for name, value in (PARAMETERS | parts | carriers).items():
        ssm.put_parameter(Name=f"/queue-manager/{STAGE}/{name}", Value=value, Type="SecureString")


def _fan_out(aws: MiniStack) -> tuple[str, dict[str, str]]:
    """The topic's ARN, and the URL of each function's queue, which get from it what the template says."""
    resources = expanded("application")["Resources"]
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic: str = sns.create_topic(Name="ticket-events")["TopicArn"]
    urls = {}
    for function, channel in CHANNELS.items():
        failed = _queue(sqs, f"{channel}NoticesFailed", {})
        wanted = resources[f"{channel}NoticesQueue"]["Properties"]
        redrive = {**wanted["RedrivePolicy"], "deadLetterTargetArn": _arn(sqs, failed)}
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)}
        urls[function] = _queue(sqs, f"{channel}Notices", attributes)
        policy = resources[f"{channel}Subscription"]["Properties"]["FilterPolicy"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=_arn(sqs, urls[function]),
            Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps(policy)},
        )
    return topic, urls


def _queue(sqs: Any, name: str, attributes: Mapping[str, str]) -> str:
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def _arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
