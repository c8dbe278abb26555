"""The templates of the stack, as they will be read by CloudFormation."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint, lint_file
from samtranslator.translator.transform import transform

from bots.channels import CHANNELS
from infra.build import ARCHITECTURE, RUNTIME
from infra.templates import FOLDER, expanded, resources, written
from lambdas.wiring import TRIES
from web.causes import CAUSES
from web.problems import RETRY_AFTER_SECONDS

TEMPLATES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_a_template(template: Path) -> None:
    found = lint_file(template, config=ManualArgs(regions=["sa-east-1"]))

    assert [str(problem) for problem in found] == []


@pytest.mark.parametrize("template", ["application", "log_search"])
def test_functions_run_on_what_their_code_is_built_for(template: str) -> None:
    parameters = written(template)["Parameters"]

    assert (parameters["Runtime"]["Default"], parameters["Architecture"]["Default"]) == (RUNTIME, ARCHITECTURE)


class NoPolicies:
    """SAM asks for AWS's managed policies by name; ours name none."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("template", ["application", "log_search"])
def test_nothing_is_wrong_with_a_template_after_its_transforms(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    made = transform(json.loads(json.dumps(expanded(template))), {}, NoPolicies())
    # For the dashboard, whose body is written out by it.
    made["Transform"] = "AWS::LanguageExtensions"
    # What the loops took from mappings and parameters is not asked for any more.
    config = ManualArgs(regions=["sa-east-1"], ignore_checks=["W2001", "W7001"])

    assert [str(problem) for problem in lint(json.dumps(made), config=config)] == []


def test_a_security_scan_finds_nothing_in_any_template() -> None:
    # The Makefile gives it an environment of its own, beside that of the tests.
    checkov = Path(sys.prefix) / "checkov" / "bin" / "checkov"

    scan = subprocess.run([checkov, "--output=json"], cwd=FOLDER.parent, capture_output=True, text=True, check=False)

    answer = json.loads(scan.stdout)
    results = answer["results"]
    assert [f"{check['check_id']} {check['resource']}" for check in results["failed_checks"]] == []
    assert results["parsing_errors"] == []
    looked_at = results["passed_checks"] + results["skipped_checks"]
    assert {Path(check["file_path"]).name for check in looked_at} == {path.name for path in TEMPLATES}
    assert scan.returncode == 0


def test_there_are_two_public_and_two_private_subnets_in_two_zones() -> None:
    subnets = resources("network", "AWS::EC2::Subnet")

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
    groups = resources("network", "AWS::EC2::SecurityGroup")
    rules = list(resources("network", "AWS::EC2::SecurityGroupIngress").values())
    for name, group in groups.items():
        rules += [{"GroupId": {"Ref": name}} | rule for rule in group.get("SecurityGroupIngress", [])]

    assert rules
    for rule in rules:
        assert rule["SourceSecurityGroupId"]["Ref"] in groups
        assert not {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & rule.keys()
    assert {rule["GroupId"]["Ref"] for rule in rules} == {"DatabaseGroup", "CacheGroup", "NatGroup"}


# What these are about can't be named.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html, list_awsx-ray.html
NAMELESS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_each_function_has_a_role_of_its_own_that_may_do_what_is_named_to_what_is_named() -> None:
    functions = resources("application", "AWS::Serverless::Function")
    roles = resources("application", "AWS::IAM::Role")
    policies = [policy for role in roles.values() for policy in role.get("Policies", ())]
    policies += resources("application", "AWS::IAM::Policy").values()

    assert {name: function["Role"]["Fn::GetAtt"][0] for name, function in functions.items()} == {
        name: f"{name}Role" for name in functions
    }
    assert roles.keys() == {f"{name}Role" for name in functions} | {"GatewayLogsRole"}
    assert {name for name, role in roles.items() if "ManagedPolicyArns" in role} == {"GatewayLogsRole"}
    for statement in (each for policy in policies for each in policy["PolicyDocument"]["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert "*" not in "".join(actions)
        assert "*" not in str(statement["Resource"]) or set(actions) <= NAMELESS


def test_the_functions_stand_in_the_private_subnets() -> None:
    networks = [function["VpcConfig"] for function in resources("application", "AWS::Serverless::Function").values()]
    private = {"SubnetIds": {"Ref": "PrivateSubnets"}, "SecurityGroupIds": [{"Ref": "FunctionsGroup"}]}

    assert networks == [private] * len(networks)


def test_each_function_writes_to_its_own_log_which_is_forgotten_in_time() -> None:
    functions = resources("application", "AWS::Serverless::Function")
    logs = resources("application", "AWS::Logs::LogGroup")

    for name, function in functions.items():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
        assert logs[f"{name}Logs"]["LogGroupName"] == {"Fn::Sub": f"/queue-manager/${{Stage}}/{name}"}
    assert {log["RetentionInDays"] for log in logs.values()} == {30}


def test_what_functions_refer_to_exists() -> None:
    template = expanded("application")
    known = template["Resources"].keys() | template["Parameters"].keys()
    environments = [
        function.get("Environment", {}).get("Variables", {})
        for function in resources("application", "AWS::Serverless::Function").values()
    ]
    environments.append(template["Globals"]["Function"]["Environment"]["Variables"])

    named = {value["Ref"] for variables in environments for value in variables.values() if "Ref" in value}
    assert {"TicketEvents", "CreatePreCustomerQueue", "EmailSenderQueue", "SmsNoticesQueue"} <= named <= known


def test_each_channel_has_one_queue_that_a_function_reads_in_time_and_gives_up_after_three_tries() -> None:
    queues = resources("application", "AWS::SQS::Queue")
    subscriptions = resources("application", "AWS::SNS::Subscription").values()
    sources = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: (function, event["Properties"])
        for function in resources("application", "AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    }

    told = [channel for subscription in subscriptions for channel in subscription["FilterPolicy"]["channel"]]
    assert sorted(told) == sorted(CHANNELS)
    assert all(subscription["RawMessageDelivery"] for subscription in subscriptions)
    assert {subscription["Endpoint"]["Fn::GetAtt"][0] for subscription in subscriptions} <= sources.keys()
    for name, (function, source) in sources.items():
        assert queues[name]["VisibilityTimeout"] > function["Timeout"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["ScalingConfig"]["MaximumConcurrency"] == function["ReservedConcurrentExecutions"]
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == TRIES
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues


def test_the_gateway_lets_nobody_but_staff_to_what_is_theirs() -> None:
    [api] = resources("application", "AWS::Serverless::Api").values()
    paths = api["DefinitionBody"]["paths"]
    guarded = {path for path, methods in paths.items() if all("security" in method for method in methods.values())}

    assert guarded == {
        "/api/v1/accounts/me",
        "/api/v1/venues",
        *(f"/api/v1/{things}/{{proxy+}}" for things in ("venues", "queues", "tickets")),
    }
    assert api["Auth"]["Authorizers"]["Staff"]["Identity"]["ReauthorizeEvery"] == 0


NOT_FOUND_OUT = ["AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR"]
"""What the gateway calls it when the authorizer does not answer, and when it raises."""


@pytest.mark.parametrize(
    "response", ["UNAUTHORIZED", "ACCESS_DENIED", *NOT_FOUND_OUT, "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"]
)
def test_the_gateways_own_errors_are_problems(response: str) -> None:
    [api] = resources("application", "AWS::Serverless::Api").values()
    answer = api["GatewayResponses"][response]
    body = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"…"')
    problem = json.loads(body)

    assert answer["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"
    assert problem["type"].removeprefix("/problems/") in CAUSES
    assert problem.get("status") == answer.get("StatusCode")


@pytest.mark.parametrize("response", NOT_FOUND_OUT)
def test_nobody_is_told_to_log_in_because_the_authorizer_could_not_find_out(response: str) -> None:
    [api] = resources("application", "AWS::Serverless::Api").values()
    answer = api["GatewayResponses"][response]
    problem = json.loads(answer["ResponseTemplates"]["application/json"])
    cause = CAUSES["record-unavailable"]

    assert answer["StatusCode"] == cause.status == 503
    assert answer["ResponseParameters"]["Headers"]["Retry-After"] == f"'{RETRY_AFTER_SECONDS}'"
    assert problem["title"] == cause.title
    assert "Nothing was changed" in problem["detail"]


def test_the_functions_leave_connections_to_the_database() -> None:
    template = written("application")
    # tests/lambdas/test_costs.py holds that these have none.
    without = {"Authorizer", "CreatePreCustomer", "EmailSender"}
    functions = {name: template["Resources"][name] for name in resources("application", "AWS::Serverless::Function")}
    at_once = [
        function["Properties"]["ReservedConcurrentExecutions"]["Fn::FindInMap"][2]
        for name, function in functions.items()
        if name not in without
    ]
    allowed = {"db.t4g.micro": 60, "db.t4g.small": 145, "db.t4g.medium": 300}

    assert without < functions.keys()
    for database, numbers in template["Mappings"]["AtOnce"].items():
        # Some are left for whoever comes through the bastion.
        assert sum(numbers[name] for name in at_once) <= allowed[database] - 5


def test_every_function_and_every_dead_letter_queue_is_watched() -> None:
    alarms = resources("application", "AWS::CloudWatch::Alarm").values()
    watched = {(alarm["MetricName"], str(alarm["Dimensions"][0]["Value"])) for alarm in alarms}
    functions = resources("application", "AWS::Serverless::Function")
    queues = resources("application", "AWS::SQS::Queue")
    failed = [
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    ]

    assert {("Errors", str({"Ref": name})) for name in functions} <= watched
    assert {("Throttles", str({"Ref": name})) for name in functions} <= watched
    assert {
        ("ApproximateNumberOfMessagesVisible", str({"Fn::GetAtt": [name, "QueueName"]})) for name in failed
    } <= watched
    assert {"OldestUnrelayedSeconds", "OldestCallSeconds"} <= {metric for metric, _ in watched}


@pytest.mark.parametrize(
    "metric", ["CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "ReadIOPS", "WriteIOPS"]
)
def test_the_database_is_watched(metric: str) -> None:
    assert_watched("AWS/RDS", metric, [{"Ref": "Database"}])


@pytest.mark.parametrize("metric", ["CPUUtilization", "Evictions", "CacheMisses"])
def test_both_nodes_of_the_cache_are_watched(metric: str) -> None:
    [cache] = resources("storage", "AWS::ElastiCache::ReplicationGroup").values()
    nodes = [{"Fn::Sub": f"${{Cache}}-00{number}"} for number in range(1, cache["NumCacheClusters"] + 1)]

    assert_watched("AWS/ElastiCache", metric, nodes)


def assert_watched(namespace: str, metric: str, of: list[dict[str, str]]) -> None:
    alarms = resources("storage", "AWS::CloudWatch::Alarm").values()
    found = [alarm for alarm in alarms if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)]

    assert [dimension["Value"] for alarm in found for dimension in alarm["Dimensions"]] == of
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in found)


def test_one_busy_core_of_the_caches_two_sets_its_alarm_off() -> None:
    alarms = resources("storage", "AWS::CloudWatch::Alarm")

    assert {alarms[f"Cache00{number}Cpu"]["Threshold"] for number in (1, 2)} == {45}


def test_reads_and_writes_set_an_alarm_off_before_they_take_all_that_the_disk_gives_for_long() -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html"""
    given = {"db.t4g.micro": 500, "db.t4g.small": 1000, "db.t4g.medium": 2000}
    storage = expanded("storage")

    assert {name: each["Operations"] * 2 for name, each in storage["Mappings"]["Alarms"].items()} == given
    assert storage["Parameters"]["DatabaseClass"]["AllowedValues"] == list(given)


@pytest.mark.parametrize("name", ["NotifySms", "NotifyTelegram"])
def test_a_carrier_that_hangs_does_not_cut_off_whoever_tells_guests(name: str) -> None:
    """To connect, and then to answer, each may take ten seconds."""
    function = resources("application", "AWS::Serverless::Function")[name]
    [source] = function["Events"].values()

    assert function["Timeout"] > source["Properties"]["BatchSize"] * 20


def test_requests_that_pages_and_the_api_fail_at_are_watched_at_the_gateway() -> None:
    """To Lambda, an answer with 500 is an answer."""
    [api] = resources("application", "AWS::Serverless::Api").values()
    alarms = resources("application", "AWS::CloudWatch::Alarm").values()
    [alarm] = [alarm for alarm in alarms if alarm["Namespace"] == "AWS/ApiGateway"]

    # Its average is 1 at most.
    assert (alarm["MetricName"], alarm["Statistic"]) == ("5XXError", "Sum")
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "ApiName": api["DefinitionBody"]["info"]["title"],
        "Stage": api["StageName"],
    }


def test_the_database_writes_no_statements_down() -> None:
    """They have guests' names and numbers in them, which the record erases in time."""
    [settings] = resources("storage", "AWS::RDS::DBParameterGroup").values()
    [database] = resources("storage", "AWS::RDS::DBInstance").values()

    assert {settings["Parameters"][name] for name in ("slow_query_log", "general_log")} == {"0"}
    assert settings["Parameters"]["innodb_lock_wait_timeout"] == "5"
    assert database["DBParameterGroupName"] == {"Ref": "DatabaseSettings"}
    assert database["EnableCloudwatchLogsExports"] == ["error"]


def test_what_is_kept_is_encrypted_private_and_backed_up() -> None:
    [database] = resources("storage", "AWS::RDS::DBInstance").values()
    assert (database["StorageEncrypted"], database["PubliclyAccessible"]) == (True, False)
    assert database["DeletionProtection"] == {"Ref": "Protected"}
    assert expanded("storage")["Parameters"]["Protected"]["Default"] == "true"
    assert database["BackupRetentionPeriod"] >= 7
    assert "resolve:ssm-secure" in str(database["MasterUserPassword"])
    [cache] = resources("storage", "AWS::ElastiCache::ReplicationGroup").values()
    assert {cache[name] for name in ("TransitEncryptionEnabled", "AtRestEncryptionEnabled", "MultiAZEnabled")} == {True}
    for table in resources("storage", "AWS::DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    for bucket in resources("storage", "AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]


@pytest.mark.parametrize("template", ["application", "log_search", "storage"])
def test_each_alarm_is_told_what_to_do_about(template: str) -> None:
    document = (FOLDER.parent / "docs" / "operating.md").read_text()

    assert [name for name in resources(template, "AWS::CloudWatch::Alarm") if f"`{name}`" not in document] == []


def test_the_dashboard_shows_what_the_alarms_of_guests_watch() -> None:
    [dashboard] = resources("application", "AWS::CloudWatch::Dashboard").values()
    widgets = dashboard["DashboardBody"]["Fn::ToJsonString"]["widgets"]
    shown = {metric[1] for widget in widgets for metric in widget["properties"]["metrics"]}

    assert {"OldestCallSeconds", "OldestUnrelayedSeconds", "ApproximateNumberOfMessagesVisible", "5XXError"} <= shown
    assert {"CPUUtilization", "DatabaseConnections", "Evictions"} <= shown
    nodes = [
        str(metric[3])
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if "AWS/ElastiCache" in metric
    ]
    assert [node[-6:-2] for node in sorted(nodes)] == ["-001", "-001", "-002", "-002"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_ec2_takes_the_descriptions_of_groups_and_rules(template: Path) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html"""
    described = re.findall(r"(?:Group)?Description: ([^}\n]+)", template.read_text())
    kinds = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress")
    wanted = [str(one) for kind in kinds for one in resources(template.stem, kind).values()]
    of_ec2 = [text for text in described if any(text in each for each in wanted)]

    assert [text for text in of_ec2 if not re.fullmatch(r"[a-zA-Z0-9. _:/()#,@\[\]+=&;{}!$*-]{0,255}", text)] == []


def test_a_template_can_be_sent_as_it_is() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    assert [path.stem for path in TEMPLATES if len(json.dumps(written(path.stem)).encode()) > 51_200] == []
