"""The commands of a stage as they are called: the carriers told where it is, and what is said where there is none."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from infra.stage import stack_name
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
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    with suppress(ClientError):  # it is there already
        aws.client("cloudformation").create_stack(
            StackName=stack_name("door", "application"), TemplateBody=json.dumps(template)
        )
    return "door"


def run(aws: MiniStack, program: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """In the region of the documents, and with nothing of this machine's own."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"} | more
    command = [sys.executable, "-m", f"infra.{program}", *arguments]
    return subprocess.run(command, env=others | environment, capture_output=True, text=True, check=False)


def test_each_number_and_the_bot_are_pointed_at_the_line(
    aws: MiniStack, carriers: CarriersAccounts, stage: str
) -> None:
    answer = run(aws, "connect", stage, NUMBER)

    assert (answer.returncode, answer.stderr) == (0, "")
    told = dict(carriers.told)
    assert told["PN1.json"]["SmsUrl"] == WEBHOOK
    assert told["setWebhook"]["secret_token"] == PARAMETERS["TELEGRAM_WEBHOOK_SECRET"]
    assert "@TheLineBot" in answer.stdout


def test_without_a_number_it_says_what_to_enter_at_twilio(
    aws: MiniStack, carriers: CarriersAccounts, stage: str
) -> None:
    answer = run(aws, "connect", stage)

    assert f"Twilio: enter {WEBHOOK} at each number" in answer.stdout
    assert "PN1.json" not in dict(carriers.told)


@pytest.mark.parametrize("program", ["add_account", "connect", "redrive"])
def test_a_stage_that_is_nowhere_is_said_to_be(aws: MiniStack, program: str) -> None:
    more = ["ann@example.com"] if program == "add_account" else []
    answer = run(aws, program, "nowhere", *more)

    assert (answer.returncode, answer.stderr) == (1, "There is no stage nowhere in sa-east-1.\n")


def test_a_profile_that_is_nowhere_is_said_to_be(aws: MiniStack) -> None:
    answer = run(aws, "deploy", "prod", AWS_PROFILE="nobodys")

    assert (answer.returncode, answer.stderr) == (1, "AWS: The config profile (nobodys) could not be found\n")
