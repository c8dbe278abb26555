"""The templates of the stack, as they will be read by CloudFormation."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint import decode
from cfnlint.api import ManualArgs, lint_file

import infra
from bots.channels import CHANNELS
from lambdas.wiring import TRIES
from web.causes import CAUSES

FOLDER = Path(infra.__file__).parent
TEMPLATES = sorted(FOLDER.glob("*.yaml"))


def resources(name: str, kind: str) -> dict[str, Any]:
    """The properties of a template's resources of one type, by name."""
    template, problems = decode.decode(str(FOLDER / name))
    assert not problems
    return {key: resource["Properties"] for key, resource in template["Resources"].items() if resource["Type"] == kind}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_a_template_before_or_after_its_transform(template: Path) -> None:
    found = lint_file(template, config=ManualArgs(regions=["sa-east-1"]))

    assert [str(problem) for problem in found] == []


def test_there_are_two_public_and_two_private_subnets_in_two_zones() -> None:
    subnets = resources("network.yaml", "AWS::EC2::Subnet")

    assert {name: subnet["CidrBlock"] for name, subnet in subnets.items()} == {
        "PublicSubnetA": "10.0.0.0/24",
        "PublicSubnetB": "10.0.1.0/24",
        "PrivateSubnetA": "10.0.2.0/24",
        "PrivateSubnetB": "10.0.3.0/24",
    }
    for name, subnet in subnets.items():
        zone = subnet["AvailabilityZone"]["Fn::Select"][0]
        assert zone == (0 if name.endswith("A") else 1)


def test_whoever_is_let_in_is_named_by_group_and_the_bastion_lets_nobody_in() -> None:
    groups = resources("network.yaml", "AWS::EC2::SecurityGroup")
    rules = list(resources("network.yaml", "AWS::EC2::SecurityGroupIngress").values())
    for name, group in groups.items():
        rules += [{"GroupId": {"Ref": name}} | rule for rule in group.get("SecurityGroupIngress", [])]

    assert rules
    for rule in rules:
        assert rule["SourceSecurityGroupId"]["Ref"] in groups
        assert not {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & rule.keys()
    assert {rule["GroupId"]["Ref"] for rule in rules} == {"DatabaseGroup", "CacheGroup", "NatGroup"}


def test_a_function_may_do_what_is_named_to_what_is_named() -> None:
    functions = resources("application.yaml", "AWS::Serverless::Function").values()
    statements = [each for function in functions for policy in function["Policies"] for each in policy["Statement"]]

    assert statements
    for statement in statements:
        assert "*" not in str(statement["Action"])
        assert "*" not in str(statement["Resource"])


def test_each_channel_has_one_queue_that_a_function_reads_in_time_and_gives_up_after_three_tries() -> None:
    queues = resources("application.yaml", "AWS::SQS::Queue")
    subscriptions = resources("application.yaml", "AWS::SNS::Subscription").values()
    functions = resources("application.yaml", "AWS::Serverless::Function").values()
    sources = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: (function["Timeout"], event["Properties"])
        for function in functions
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    }

    told = [channel for subscription in subscriptions for channel in subscription["FilterPolicy"]["channel"]]
    assert sorted(told) == sorted(CHANNELS)
    for subscription in subscriptions:
        name = subscription["Endpoint"]["Fn::GetAtt"][0]
        timeout, source = sources[name]
        assert subscription["RawMessageDelivery"] is True
        assert queues[name]["VisibilityTimeout"] > timeout
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == TRIES
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues


def test_the_gateway_lets_nobody_but_staff_to_what_is_theirs() -> None:
    [api] = resources("application.yaml", "AWS::Serverless::Api").values()
    paths = api["DefinitionBody"]["paths"]
    guarded = {path for path, methods in paths.items() if all("security" in method for method in methods.values())}

    assert guarded == {
        "/api/v1/accounts/me",
        "/api/v1/venues",
        *(f"/api/v1/{things}/{{proxy+}}" for things in ("venues", "queues", "tickets")),
    }
    assert api["Auth"]["Authorizers"]["Staff"]["Identity"]["ReauthorizeEvery"] == 0


@pytest.mark.parametrize("response", ["UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"])
def test_the_gateways_own_errors_are_problems(response: str) -> None:
    [api] = resources("application.yaml", "AWS::Serverless::Api").values()
    answer = api["GatewayResponses"][response]
    body = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"…"')
    problem = json.loads(body)

    assert answer["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"
    assert problem["type"].removeprefix("/problems/") in CAUSES
    assert problem.get("status") == answer.get("StatusCode")


def test_the_functions_leave_connections_to_the_database() -> None:
    template, _ = decode.decode(str(FOLDER / "application.yaml"))
    functions = resources("application.yaml", "AWS::Serverless::Function").values()
    allowed = {"db.t4g.micro": 85, "db.t4g.small": 170, "db.t4g.medium": 341}

    for database, at_once in template["Mappings"]["AtOnce"].items():
        used = sum(at_once[function["ReservedConcurrentExecutions"]["Fn::FindInMap"][2]] for function in functions)
        # Some are left for whoever comes through the bastion.
        assert used <= allowed[database] - 5


def test_every_function_and_every_dead_letter_queue_is_watched() -> None:
    alarms = resources("application.yaml", "AWS::CloudWatch::Alarm").values()
    watched = {(alarm["MetricName"], str(alarm["Dimensions"][0]["Value"])) for alarm in alarms}
    functions = resources("application.yaml", "AWS::Serverless::Function")
    queues = resources("application.yaml", "AWS::SQS::Queue")
    failed = [
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    ]

    assert {("Errors", str({"Ref": name})) for name in functions} <= watched
    assert {("Throttles", str({"Ref": name})) for name in functions if name != "Migrate"} <= watched
    assert {
        ("ApproximateNumberOfMessagesVisible", str({"Fn::GetAtt": [name, "QueueName"]})) for name in failed
    } <= watched
    assert {"OldestUnrelayedSeconds", "OldestCallSeconds"} <= {metric for metric, _ in watched}


@pytest.mark.parametrize(
    "metric", ["CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "ReadIOPS", "WriteIOPS"]
)
def test_the_database_is_watched(metric: str) -> None:
    assert_watched("AWS/RDS", metric, "Database")


@pytest.mark.parametrize("metric", ["CPUUtilization", "Evictions", "CacheMisses"])
def test_the_cache_is_watched(metric: str) -> None:
    assert_watched("AWS/ElastiCache", metric, "Cache")


def assert_watched(namespace: str, metric: str, of: str) -> None:
    alarms = resources("storage.yaml", "AWS::CloudWatch::Alarm").values()
    found = [alarm for alarm in alarms if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)]

    assert len(found) == 1
    assert of in str(found[0]["Dimensions"])
    assert found[0]["AlarmActions"] == [{"Ref": "Alarms"}]


def test_what_is_kept_is_encrypted_private_and_backed_up() -> None:
    [database] = resources("storage.yaml", "AWS::RDS::DBInstance").values()
    assert (database["StorageEncrypted"], database["PubliclyAccessible"], database["DeletionProtection"]) == (
        True,
        False,
        True,
    )
    assert database["BackupRetentionPeriod"] >= 7
    assert "resolve:ssm-secure" in str(database["MasterUserPassword"])
    [cache] = resources("storage.yaml", "AWS::ElastiCache::ReplicationGroup").values()
    assert {cache[name] for name in ("TransitEncryptionEnabled", "AtRestEncryptionEnabled", "MultiAZEnabled")} == {True}
    for table in resources("storage.yaml", "AWS::DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    for bucket in resources("storage.yaml", "AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]


@pytest.mark.parametrize("template", ["application.yaml", "storage.yaml"])
def test_each_alarm_is_told_what_to_do_about(template: str) -> None:
    written = (FOLDER.parent / "docs" / "operating.md").read_text()

    assert [name for name in resources(template, "AWS::CloudWatch::Alarm") if f"`{name}`" not in written] == []
