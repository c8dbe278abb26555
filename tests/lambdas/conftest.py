"""The AWS edition as it is deployed: our template and our zip on MiniStack, with a real MariaDB and Valkey."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from core.clock import system_clock
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from infra.build import build
from infra.deploy import deploy_stack, upload
from tests.bots.bars import Bars
from tests.bots.carriers import Answer, Carrier
from tests.databases import Databases
from tests.parameters import PARAMETERS
from tests.servers import MiniStack, Valkey

STAGE = "test"
PUBLIC_URL = PARAMETERS["PUBLIC_URL"]
AUTH_TOKEN = PARAMETERS["TWILIO_AUTH_TOKEN"]
WEBHOOK_SECRET = PARAMETERS["TELEGRAM_WEBHOOK_SECRET"]


ACCEPTED = Answer(201, {"sid": "SM" + "0" * 32, "status": "queued"})


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


@dataclass
class Deployed:
    """The deployed stack, as the carriers see it, its database, and the carriers, as the stack sees them."""

    aws: MiniStack
    api_id: str
    bars: Bars
    accounts: DynamoAccountStore
    database_url: str
    twilio: Carrier
    telegram: Carrier

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Run a function by its name in the template; the answer of Lambda."""
        answer: dict[str, Any] = self.aws.client("lambda").invoke(
            FunctionName=self.physical_id(function), Payload=json.dumps(event).encode()
        )
        return answer

    def physical_id(self, name: str) -> str:
        """What AWS calls the resource that has this name in the template."""
        found = self.aws.client("cloudformation").describe_stack_resource(
            StackName="application", LogicalResourceId=name
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def ask(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> httpx.Response:
        """A request to API Gateway."""
        host = f"{self.api_id}.execute-api.localhost:{self.aws.port}"
        url = f"{self.aws.url}/{STAGE}{path}"
        return httpx.request(method, url, content=content, headers={"Host": host, **headers}, timeout=30)

    def post(self, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """A request of a carrier's."""
        return self.ask("POST", path, content, headers)

    def text(self, path: str, form: dict[str, str], *, token: str = AUTH_TOKEN) -> httpx.Response:
        """A form as Twilio signs it."""
        signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return self.post(path, str(httpx.QueryParams(form)).encode(), headers)

    def update(self, update: dict[str, Any], *, secret: str = WEBHOOK_SECRET) -> httpx.Response:
        """An update of the Bot API."""
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
        return self.post("/webhooks/telegram", json.dumps(update).encode(), headers)


@pytest.fixture(scope="session")
def deployed(
    aws: MiniStack, mariadb_databases: Databases, _valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The stack with a queue DEMO at a venue."""
    url = mariadb_databases.empty()
    with Carrier().serving() as twilio, Carrier().serving() as telegram:
        _put_parameters(aws, url, _valkey, {"TWILIO_API_URL": twilio.url, "TELEGRAM_API_URL": telegram.url})
        key = _upload(aws, _built_once(tmp_path_factory.getbasetemp()))
        customer, pre_customer = aws.account_tables()
        api_id = _deploy(aws, key, customer, pre_customer)
        engine = open_engine(url)
        bars = Bars(Records(engine, system_clock))
        bars.queue()
        accounts = DynamoAccountStore(customer, pre_customer, system_clock, aws.resource("dynamodb"))
        yield Deployed(aws, api_id, bars, accounts, url, twilio, telegram)
        engine.dispose()


def _put_parameters(aws: MiniStack, database_url: str, valkey: Valkey, carriers: dict[str, str]) -> None:
    host, _, database = database_url.rpartition("@")[2].partition("/")
    parts = {"MYSQL_DATABASE": database, "MYSQL_HOST": host, "MYSQL_USER": "root", "REDIS_HOST": valkey.url}
    ssm = aws.client("ssm")
    for name, value in (PARAMETERS | parts | carriers).items():
        ssm.put_parameter(Name=f"/queue-manager/{STAGE}/{name}", Value=value, Type="SecureString")


def _built_once(base: Path) -> Path:
    """The functions' zip, which takes as long as all tests here: one for all processes of the run."""
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    file = shared / "code.zip"
    with (shared / "code.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            build(shared / "unfinished.zip", here=True)
            (shared / "unfinished.zip").rename(file)
    return file


def _upload(aws: MiniStack, file: Path) -> str:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    return upload(s3, "code", file)


def _deploy(aws: MiniStack, key: str, customer: str, pre_customer: str) -> str:
    """Deploy the template; the API's id."""
    parameters = {
        "Stage": STAGE,
        "CodeBucket": "code",
        "CodeKey": key,
        "Customer": customer,
        "PreCustomer": pre_customer,
        "AwsEndpointUrl": aws.url,
        "PrivateSubnets": "subnet-0a,subnet-0b",
        "FunctionsGroup": "sg-0a",
        "Alarms": aws.client("sns").create_topic(Name="alarms")["TopicArn"],
    }
    return deploy_stack(aws.client("cloudformation"), "application", "application", parameters)["ApiId"]
