"""The AWS edition as it is deployed: our templates and our zip on MiniStack, with a real MariaDB and Valkey."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.bots.bars import Bars
from tests.bots.carriers import Carrier
from tests.lambdas.containers import unpack
from tests.lambdas.surroundings import Surroundings, surroundings
from tests.once import once
from tests.parameters import PARAMETERS
from tests.servers import Mailbox, MariaDB, MiniStack, Valkey
from tests.stack import STAGE, Stack, put_up

PUBLIC_URL = PARAMETERS["PUBLIC_URL"]
AUTH_TOKEN = PARAMETERS["TWILIO_AUTH_TOKEN"]


def wait_until(look: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running AWS."""
    with MiniStack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def unpacked(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the functions' code, and of what Lambda brings."""
    return once(tmp_path_factory.getbasetemp(), "code", lambda folder: unpack(zipped, folder))


@pytest.fixture(scope="session")
def around(aws: MiniStack, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """Everything that the functions need, without a stack that calls them."""
    with surroundings(tmp_path_factory.mktemp("alone"), aws, unpacked) as around:
        yield around


@dataclass
class Deployed:
    """The deployed stacks, as the carriers see them, and the carriers and the mail server, as the stacks see them."""

    stack: Stack
    bars: Bars
    twilio: Carrier
    telegram: Carrier
    mailbox: Mailbox

    @property
    def aws(self) -> MiniStack:
        return self.stack.aws

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Run a function by its name in the template; the answer of Lambda."""
        answer: dict[str, Any] = self.aws.client("lambda").invoke(
            FunctionName=self.stack.physical_id(function), Payload=json.dumps(event).encode()
        )
        return answer

    def waiting_in(self, queue: str) -> int:
        """How many messages there are in a queue by its name in the template, seen or hidden."""
        counts = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        url = self.stack.physical_id(queue)
        found = self.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
        return sum(int(number) for number in found.values())

    def ask(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> httpx.Response:
        """A request to API Gateway, as the front passes it on."""
        ours = {"Host": self.stack.host, "X-Origin-Key": self.stack.secret["ORIGIN_KEY"]}
        url = f"{self.aws.url}/{STAGE}{path}"
        return httpx.request(method, url, content=content, headers={**ours, **headers}, timeout=30, verify=False)

    def post(self, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """A request of a carrier's."""
        return self.ask("POST", path, content, headers)

    def text(self, path: str, form: dict[str, str], *, token: str = AUTH_TOKEN) -> httpx.Response:
        """A form as Twilio signs it."""
        signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return self.post(path, str(httpx.QueryParams(form)).encode(), headers)

    def update(self, update: dict[str, Any], *, secret: str | None = None) -> httpx.Response:
        """An update of the Bot API."""
        secret = secret or self.stack.secret["TELEGRAM_WEBHOOK_SECRET"]
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
        return self.post("/webhooks/telegram", json.dumps(update).encode(), headers)


@pytest.fixture(scope="session")
def deployed(aws: MiniStack, mariadb: MariaDB, _valkey: Valkey, _mailbox: Mailbox, zipped: Path) -> Iterator[Deployed]:
    """The stacks with a queue DEMO at a venue."""
    with Carrier().serving() as twilio, Carrier().serving() as telegram:
        environment = {
            "MAIL_FROM": "line@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(_mailbox.port),
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_BOT_TOKEN": PARAMETERS["TELEGRAM_BOT_TOKEN"],
            "TWILIO_ACCOUNT_SID": PARAMETERS["TWILIO_ACCOUNT_SID"],
            "TWILIO_API_URL": twilio.url,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        }
        with put_up(aws, zipped, mariadb, _valkey, PUBLIC_URL, environment) as stack:
            bars = Bars(stack.records)
            bars.queue()
            yield Deployed(stack, bars, twilio, telegram, _mailbox)
