"""The search over the logs: its template, and what its domain is told."""

import ast
import json
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from infra.log_search import TEMPLATE, NotPrepared, deploy_log_search, kept_password, prepare
from infra.templates import FOLDER, resources, written
from tests.opensearch import OpenSearch
from tests.servers import MiniStack

ROLE = "arn:aws:iam::123456789012:role/ship-logs"
FIELDS = TEMPLATE["template"]["mappings"]["properties"]
OBJECTS = [json.loads(line) for line in (FOLDER / "dashboards.ndjson").read_text().splitlines()]


@pytest.fixture
def opensearch() -> Iterator[OpenSearch]:
    with OpenSearch().serving() as server:
        yield server


@pytest.fixture
def domain(opensearch: OpenSearch) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=opensearch.url, auth=("operator", "secret")) as client:
        yield client


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


def put(opensearch: OpenSearch, path: str) -> Any:
    [asked] = [asked for asked in opensearch.asked if (asked.method, asked.path) == ("PUT", path)]
    return json.loads(asked.body)


def test_the_functions_role_may_write_to_our_indices_and_do_no_more(
    opensearch: OpenSearch, domain: httpx.Client
) -> None:
    prepare(domain, ROLE)

    assert put(opensearch, "/_plugins/_security/api/rolesmapping/ship_logs") == {"backend_roles": [ROLE]}
    assert put(opensearch, "/_plugins/_security/api/roles/ship_logs") == {
        "cluster_permissions": ["indices:data/write/bulk"],
        "index_permissions": [{"index_patterns": ["queue-manager-*"], "allowed_actions": ["create_index", "index"]}],
    }


def test_our_indices_have_one_copy_and_are_deleted_after_thirty_days(
    opensearch: OpenSearch, domain: httpx.Client
) -> None:
    prepare(domain, ROLE)

    template = put(opensearch, "/_index_template/queue-manager")
    assert template["index_patterns"] == ["queue-manager-*"]
    assert template["template"]["settings"]["number_of_replicas"] == 0
    policy = put(opensearch, "/_plugins/_ism/policies/queue-manager")["policy"]
    assert policy["ism_template"][0]["index_patterns"] == ["queue-manager-*"]
    kept, forgotten = policy["states"]
    assert kept["name"] == policy["default_state"]
    assert kept["transitions"] == [{"state_name": forgotten["name"], "conditions": {"min_index_age": "30d"}}]
    assert forgotten["actions"] == [{"delete": {}}]


def test_the_dashboards_are_brought_for_all_who_log_in(opensearch: OpenSearch, domain: httpx.Client) -> None:
    prepare(domain, ROLE)

    [asked] = [asked for asked in opensearch.asked if asked.path == "/_dashboards/api/saved_objects/_import"]
    assert asked.query == {"overwrite": "true"}
    assert (asked.headers["osd-xsrf"], asked.headers["securitytenant"]) == ("true", "global")
    assert b'filename="dashboards.ndjson"' in asked.body
    assert (FOLDER / "dashboards.ndjson").read_bytes() in asked.body


def test_what_is_there_already_is_brought_up_to_date(opensearch: OpenSearch, domain: httpx.Client) -> None:
    prepare(domain, ROLE)
    prepare(domain, ROLE)

    assert opensearch.policies == {"/_plugins/_ism/policies/queue-manager": 2}


@pytest.mark.parametrize(
    "path",
    [
        "/_plugins/_security/api/roles/ship_logs",
        "/_plugins/_security/api/rolesmapping/ship_logs",
        "/_index_template/queue-manager",
        "/_plugins/_ism/policies/queue-manager",
        "/_dashboards/api/saved_objects/_import",
    ],
)
def test_what_the_domain_refuses_is_named(opensearch: OpenSearch, domain: httpx.Client, path: str) -> None:
    opensearch.refused = {path: (403, {"message": "no permissions"})}

    with pytest.raises(NotPrepared, match=f"{path}: 403 .*no permissions"):
        prepare(domain, ROLE)


def test_dashboards_that_were_not_taken_are_named_too(opensearch: OpenSearch, domain: httpx.Client) -> None:
    path = "/_dashboards/api/saved_objects/_import"
    errors = [{"id": "texts-by-state", "error": {"type": "missing_references"}}]
    opensearch.refused = {path: (200, {"success": False, "errors": errors})}

    with pytest.raises(NotPrepared, match=r"texts-by-state.*missing_references"):
        prepare(domain, ROLE)


def test_the_password_is_made_once_where_the_functions_do_not_read_it(aws: MiniStack) -> None:
    ssm = aws.client("ssm")

    first = kept_password(ssm, "prod")

    assert kept_password(ssm, "prod") == first
    assert len(first) >= 32
    assert all(re.search(kind, first) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    assert ssm.get_parameter(Name="/queue-manager-log-search/prod/PASSWORD")["Parameter"]["Type"] == "SecureString"
    assert ssm.get_parameters_by_path(Path="/queue-manager/prod", Recursive=True)["Parameters"] == []


def test_the_stack_is_put_up_beside_the_application_with_its_code(aws: MiniStack) -> None:
    session = aws.session()
    put_application(aws, "search")

    outputs, password = deploy_log_search(session, "search", "203.0.113.7/32,198.51.100.0/24")

    [function] = session.client("lambda").list_functions()["Functions"]
    assert outputs["Url"] == function["Environment"]["Variables"]["LOG_INDEX"]
    assert outputs["Role"] == function["Role"]
    assert password == kept_password(aws.client("ssm"), "search")
    domain = session.client("opensearch").describe_domain(DomainName="queue-manager-search")["DomainStatus"]
    assert outputs["Url"] == f"https://{domain['Endpoint']}"
    _, operator = json.loads(domain["AccessPolicies"])["Statement"]
    assert operator["Condition"]["IpAddress"]["aws:SourceIp"] == ["203.0.113.7/32", "198.51.100.0/24"]


def put_application(aws: MiniStack, stage: str) -> None:
    """A stack with the parameters and the log groups of the application's."""
    with BytesIO() as file:
        with ZipFile(file, "w") as archive:
            archive.writestr("lambdas/ship_logs.py", "")
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        s3.put_object(Bucket="code", Key="code.zip", Body=file.getvalue())
    given = {
        "Stage": stage,
        "CodeBucket": "code",
        "CodeKey": "code.zip",
        "Alarms": aws.client("sns").create_topic(Name="alarms")["TopicArn"],
    }
    groups = {
        name: {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/queue-manager/{stage}/{name}"}}
        for name in resources("application", "AWS::Serverless::Function")
        if name != "ShipLogs"
    }
    cloudformation, name = aws.client("cloudformation"), f"queue-manager-{stage}-application"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Parameters": {key: {"Type": "String"} for key in given}, "Resources": groups}),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def logged_fields() -> set[str]:
    """The names that our code gives to what it logs, wherever it calls a logger named log."""
    files = [file for folder in ("core", "bots", "web", "lambdas") for file in (FOLDER.parent / folder).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return {
        keyword.arg
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
        for keyword in node.keywords
        if keyword.arg
    }


def test_everything_that_we_log_can_be_searched() -> None:
    of_every_line = {
        "@timestamp",
        "cold_start",
        "event",
        "exception",
        "exception_name",
        "function",
        "function_request_id",
        "level",
        "logger",
        "message",
        "request_id",
        "stage",
        "xray_trace_id",
    }
    fields = logged_fields()

    assert {"channel", "ms", "path", "state", "status"} <= fields
    assert sorted((fields | of_every_line) - FIELDS.keys()) == []


def test_a_dashboard_asks_for_fields_that_are_there() -> None:
    asked: set[str] = set()
    for found in OBJECTS:
        attributes = found["attributes"]
        aggregations = json.loads(attributes.get("visState", '{"aggs": []}'))["aggs"]
        asked |= {each["params"]["field"] for each in aggregations if "field" in each["params"]}
        asked |= set(attributes.get("columns", ()))
        source = json.loads(attributes.get("kibanaSavedObjectMeta", {"searchSourceJSON": "{}"})["searchSourceJSON"])
        asked |= set(re.findall(r"([\w.@]+) (?::|>=) ", source.get("query", {"query": ""})["query"]))

    assert {"@timestamp", "event.exact", "function", "message", "ms", "state", "status"} <= asked
    assert sorted({name.removesuffix(".exact") for name in asked} - FIELDS.keys()) == []


def test_what_a_dashboard_is_made_of_comes_with_it() -> None:
    there = {(found["type"], found["id"]) for found in OBJECTS}
    needed = {(each["type"], each["id"]) for found in OBJECTS for each in found["references"]}

    assert {kind for kind, _ in there} == {"index-pattern", "visualization", "search", "dashboard"}
    assert needed == there - {("dashboard", "queue-manager")}


def test_the_log_of_each_function_is_shipped() -> None:
    _, shipped, _ = written("log_search")["Resources"]["Fn::ForEach::Functions"]

    assert sorted(shipped) == sorted({*resources("application", "AWS::Serverless::Function")} - {"ShipLogs"})


def test_the_domain_is_encrypted_and_lets_in_the_function_and_who_comes_from_a_known_address() -> None:
    [domain] = resources("log_search", "AWS::OpenSearchService::Domain").values()
    assert domain["EncryptionAtRestOptions"]["Enabled"] is True
    assert domain["NodeToNodeEncryptionOptions"]["Enabled"] is True
    assert domain["DomainEndpointOptions"]["EnforceHTTPS"] is True
    assert "TLS-1-2" in domain["DomainEndpointOptions"]["TLSSecurityPolicy"]
    assert domain["AdvancedSecurityOptions"]["Enabled"] is True
    function, operator = domain["AccessPolicies"]["Statement"]
    assert (function["Principal"], function["Action"]) == (
        {"AWS": {"Fn::GetAtt": ["ShipLogsRole", "Arn"]}},
        "es:ESHttpPost",
    )
    assert function["Resource"]["Fn::Sub"].endswith("domain/queue-manager-${Stage}/_bulk")
    assert operator["Condition"] == {"IpAddress": {"aws:SourceIp": {"Ref": "OperatorAddresses"}}}
