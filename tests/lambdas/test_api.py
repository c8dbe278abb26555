"""The pages and the JSON API behind API Gateway and its authorizer."""

import json
import secrets
from typing import Any

import boto3
import httpx
import pytest

from core.accounts import AccountService
from core.storage.account_queues import Mail
from core.storage.queue_messages import written
from infra.add_account import add_account
from infra.redrive import redrive
from infra.stage import Impossible
from tests.dynamodb import WRITE, Between, error
from tests.lambdas.conftest import Deployed, wait_until
from tests.servers import free_port
from tests.stack import STAGE

pytestmark = pytest.mark.timeout(300)

PASSWORD = "correct horse"


class Staff:
    """An account that calls the API."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.email = f"{secrets.token_hex(4)}@example.com"
        self.mails: list[str] = []
        self.service = AccountService(deployed.stack.accounts, self._read, "https://line.example.com")
        self.account = self.service.add(self.email, PASSWORD)
        self.token = self.call("POST", "/login", {"email": self.email, "password": PASSWORD}).json()["token"]

    def _read(self, _to: str, _subject: str, text: str) -> None:
        self.mails.append(text)

    def ends_sessions(self) -> None:
        """Choose a new password by a mailed link."""
        self.service.ask_reset(self.email)
        self.service.reset(self.mails[-1].partition("token=")[2].split()[0], "another password")

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        token = token or getattr(self, "token", None)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = b"" if body is None else json.dumps(body).encode()
        return self.deployed.ask(method, f"/api/v1{path}", content, headers)


@pytest.fixture(scope="module")
def staff(deployed: Deployed) -> Staff:
    return Staff(deployed)


def test_who_is_invited_gets_an_account_by_the_command(deployed: Deployed) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    aws = deployed.aws.session()

    password = add_account(aws, STAGE, email)

    body = json.dumps({"email": email, "password": password}).encode()
    assert deployed.ask("POST", "/api/v1/login", body, {"Content-Type": "application/json"}).status_code == 200
    with pytest.raises(Impossible, match=f"{email} has an account already"):
        add_account(aws, STAGE, email)
    with pytest.raises(Impossible, match="nobody is not an e-mail address"):
        add_account(aws, STAGE, "nobody")


def test_the_command_says_whether_there_is_an_account_when_dynamodb_does_not_answer(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    for name, value in deployed.aws.environment.items():
        monkeypatch.setenv(name, value)

    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Impossible, match=r"may have an account now: .* AWS: Could not connect to the endpoint URL"):
        add_account(boto3.Session(), STAGE, email)
    with Between(deployed.aws.url).serving() as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", between.url)
        between.says = {WRITE: [(400, error("AccessDeniedException"))]}
        with pytest.raises(Impossible, match=r"No account was made\. AWS: .*AccessDeniedException"):
            add_account(boto3.Session(), STAGE, email)
        between.loses = WRITE
        with pytest.raises(Impossible, match=f"{email} may have an account now: do it again, and see"):
            add_account(boto3.Session(), STAGE, email)
    with pytest.raises(Impossible, match=f"{email} has an account already"):
        add_account(deployed.aws.session(), STAGE, email)


def test_a_mail_that_no_server_takes_rests_after_three_tries_until_it_is_sent_again(deployed: Deployed) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    sqs, queue = deployed.aws.client("sqs"), deployed.stack.physical_id("EmailSenderQueue")
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    # Longer than a new container takes to begin, else a try goes by; the template's would take the test minutes.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "8"})
    refused, deployed.mailbox.refuses = deployed.mailbox.refused, True
    try:
        sqs.send_message(QueueUrl=queue, MessageBody=written(Mail(email, "Hello", "Text")))
        wait_until(lambda: deployed.waiting_in("EmailSenderFailed") == 1)
    finally:
        deployed.mailbox.refuses = False
    assert deployed.mailbox.refused - refused == 3
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)
    assert redrive(sqs, STAGE) == 1

    assert deployed.mailbox.wait_for(email, timeout=60)["Subject"] == "Hello"


@pytest.mark.parametrize("token", ["", "forged", "of another session"])
def test_a_stranger_gets_no_further_than_the_gateway(staff: Staff, token: str) -> None:
    if token == "of another session":
        somebody = Staff(staff.deployed)
        token = somebody.token
        somebody.ends_sessions()

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = staff.deployed.ask("GET", "/api/v1/venues", headers=headers)

    # MiniStack does not know that our gateway says 401 here.
    assert answer.status_code == 403


def test_who_logged_in_is_known_and_reaches_what_is_theirs_alone(deployed: Deployed, staff: Staff) -> None:
    assert staff.call("GET", "/accounts/me").json() == {"id": staff.account.id, "email": staff.email}
    assert staff.call("GET", "/queues/demo").status_code == 404


def test_pages_need_no_token(deployed: Deployed) -> None:
    log_in = deployed.ask("GET", "/")
    health = deployed.ask("GET", "/healthz")
    unknown = deployed.ask("GET", "/api/v1/nothing")

    assert (log_in.status_code, log_in.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Log in" in log_in.text
    assert (health.json()["database"], health.json()["redis"]) == (True, True)
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, "application/problem+json")
