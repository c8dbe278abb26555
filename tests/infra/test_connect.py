"""Telling the carriers where a stage is, by the command."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.carriers_accounts import NUMBER, CarriersAccounts
from tests.parameters import PARAMETERS
from tests.servers import MiniStack

WEBHOOK = f"{PARAMETERS['PUBLIC_URL']}/webhooks/sms#rc=3&rp=ct,rt,5xx"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture
def stage(aws: MiniStack, carriers: CarriersAccounts) -> str:
    kept = PARAMETERS | {"TWILIO_API_URL": carriers.url, "TELEGRAM_API_URL": carriers.url}
    for name, value in kept.items():
        aws.client("ssm").put_parameter(Name=f"/queue-manager/door/{name}", Value=value, Type="String", Overwrite=True)
    return "door"


def connect(aws: MiniStack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """In the region of the documents, and with nothing of this machine's own."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    command = [sys.executable, "-m", "infra.connect", *arguments]
    return subprocess.run(command, env=others | environment, capture_output=True, text=True, check=False)


def test_each_number_and_the_bot_are_pointed_at_the_line(
    aws: MiniStack, carriers: CarriersAccounts, stage: str
) -> None:
    answer = connect(aws, stage, NUMBER)

    assert (answer.returncode, answer.stderr) == (0, "")
    told = dict(carriers.told)
    assert told["PN1.json"]["SmsUrl"] == WEBHOOK
    assert told["setWebhook"]["secret_token"] == PARAMETERS["TELEGRAM_WEBHOOK_SECRET"]
    assert "@TheLineBot" in answer.stdout


def test_without_a_number_it_says_what_to_enter_at_twilio(
    aws: MiniStack, carriers: CarriersAccounts, stage: str
) -> None:
    answer = connect(aws, stage)

    assert f"Twilio: enter {WEBHOOK} at each number" in answer.stdout
    assert "PN1.json" not in dict(carriers.told)


def test_a_stage_that_is_nowhere_is_said_to_lack_its_settings(aws: MiniStack) -> None:
    answer = connect(aws, "nowhere")

    assert answer.returncode == 1
    assert "PUBLIC_URL is not set." in answer.stderr
    assert "Traceback" not in answer.stderr
