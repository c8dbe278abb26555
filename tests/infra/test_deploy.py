"""Putting the stacks up: what is secret is kept once, and what a template names is made."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint import decode

from infra.deploy import FOLDER, GIVEN, MADE, Missing, deploy_stack, put_secrets
from tests.servers import MiniStack

ENVIRONMENT = dict.fromkeys(GIVEN, "given")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


def kept(aws: MiniStack, stage: str) -> dict[str, tuple[str, str]]:
    found = aws.client("ssm").get_parameters_by_path(Path=f"/queue-manager/{stage}", WithDecryption=True, MaxResults=10)
    return {one["Name"].rpartition("/")[2]: (one["Type"], one["Value"]) for one in found["Parameters"]}


def test_secrets_are_made_once_and_what_is_given_anew_is_kept(aws: MiniStack) -> None:
    put_secrets(aws.client("ssm"), "once", ENVIRONMENT)
    first = kept(aws, "once")
    put_secrets(aws.client("ssm"), "once", {"TWILIO_AUTH_TOKEN": "another"})
    second = kept(aws, "once")

    assert first.keys() == {*GIVEN, *MADE}
    assert {type_ for type_, _ in first.values()} == {"SecureString"}
    assert min(len(first[name][1]) for name in MADE) >= 32
    assert second == first | {"TWILIO_AUTH_TOKEN": ("SecureString", "another")}


def test_what_is_missing_is_named_and_nothing_is_written(aws: MiniStack) -> None:
    with pytest.raises(Missing, match="PUBLIC_URL, TELEGRAM_BOT_TOKEN"):
        put_secrets(aws.client("ssm"), "missing", {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"})

    assert kept(aws, "missing") == {}


@pytest.fixture(scope="module")
def network(aws: MiniStack) -> dict[str, str]:
    """What the network's stack gives, without what MiniStack can't make."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{aws.REGION}{zone}")["Subnet"]
        for n, zone in ((2, "a"), (3, "b"))
    ]
    groups = [ec2.create_security_group(GroupName=f"g{n}", Description="-", VpcId=vpc)["GroupId"] for n in range(2)]
    return {
        "PrivateSubnets": ",".join(subnet["SubnetId"] for subnet in subnets),
        "DatabaseGroup": groups[0],
        "CacheGroup": groups[1],
    }


def deploy_storage(aws: MiniStack, network: dict[str, str]) -> dict[str, str]:
    parameters = {"Stage": "storage", "AlarmMail": "operator@example.com"} | network
    return deploy_stack(aws.client("cloudformation"), "storage", "storage", parameters)


def test_what_the_storage_names_is_made_and_watched(aws: MiniStack, network: dict[str, str]) -> None:
    put_secrets(aws.client("ssm"), "storage", ENVIRONMENT)

    outputs = deploy_storage(aws, network)

    template, _ = decode.decode(str(FOLDER / "storage.yaml"))
    made: dict[str, Any] = {
        resource["LogicalResourceId"]: resource
        for resource in aws.client("cloudformation").describe_stack_resources(StackName="storage")["StackResources"]
    }
    assert made.keys() == template["Resources"].keys()
    assert {resource["ResourceStatus"] for resource in made.values()} == {"CREATE_COMPLETE"}
    assert outputs.keys() == template["Outputs"].keys()
    databases = [made["Database"]["PhysicalResourceId"]]
    for alarm in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]:
        assert alarm["AlarmActions"] == [outputs["Alarms"]]
        [dimension] = alarm["Dimensions"]
        if dimension["Name"] == "DBInstanceIdentifier":
            assert [dimension["Value"]] == databases
        else:
            assert dimension["Value"] == f"{made['Cache']['PhysicalResourceId']}-001"


def test_a_stack_that_is_as_it_should_be_is_left_alone(aws: MiniStack, network: dict[str, str]) -> None:
    put_secrets(aws.client("ssm"), "storage", ENVIRONMENT)

    assert deploy_storage(aws, network) == deploy_storage(aws, network)
