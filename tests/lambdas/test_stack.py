"""What the templates name is what stands: nothing is skipped in silence."""

from typing import Any

import httpx
import pytest

from infra.deploy import settings_version
from infra.stage import FRONT_REGION, stack_name
from infra.templates import expanded
from tests.lambdas.conftest import Deployed
from tests.stack import STAGE
from web.pages.assets import CONTENTS, HASHES

pytestmark = pytest.mark.timeout(300)


def made(deployed: Deployed, template: str) -> dict[str, Any]:
    region = FRONT_REGION if template == "firewall" else deployed.aws.REGION
    cloudformation = deployed.aws.client("cloudformation", region_name=region)
    found = cloudformation.describe_stack_resources(StackName=stack_name(STAGE, template))
    return {resource["LogicalResourceId"]: resource for resource in found["StackResources"]}


@pytest.mark.parametrize("template", ["storage", "application", "firewall", "front"])
def test_whatever_a_template_names_was_made(deployed: Deployed, template: str) -> None:
    resources = made(deployed, template)

    assert expanded(template)["Resources"].keys() - resources.keys() == set()
    assert {resource["ResourceStatus"] for resource in resources.values()} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert expanded(template).get("Outputs", {}).keys() <= deployed.stack.known.keys()


def test_the_functions_begin_anew_with_the_address_that_only_the_front_knows(deployed: Deployed) -> None:
    [stack] = deployed.aws.client("cloudformation").describe_stacks(StackName=stack_name(STAGE, "application"))[
        "Stacks"
    ]
    function = deployed.aws.client("lambda").get_function_configuration(
        FunctionName=deployed.stack.physical_id("Pages")
    )
    read = {**deployed.stack.secret, "PUBLIC_URL": deployed.stack.known["PublicUrl"]}

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert function["Environment"]["Variables"]["SETTINGS_VERSION"] == settings_version(deployed.stack.known, read)


def test_each_alarm_watches_what_the_stack_has_and_tells_the_topic(deployed: Deployed) -> None:
    storage, application = made(deployed, "storage"), made(deployed, "application")
    ids = {resource["PhysicalResourceId"] for resource in (storage | application).values()}
    queues = {one.rpartition("/")[2] for one in ids if one.startswith("http")}
    caches = {f"{storage['Cache']['PhysicalResourceId']}-00{number}" for number in (1, 2)}
    apis = {api["name"] for api in deployed.aws.client("apigateway").get_rest_apis()["items"]}
    found = deployed.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    alarms = [alarm for alarm in found if alarm["AlarmName"] in ids]

    for alarm in alarms:
        assert {dimension["Value"] for dimension in alarm["Dimensions"]} <= ids | queues | caches | apis | {STAGE}
        assert alarm["AlarmActions"] == [deployed.stack.known["Alarms"]]
    names = {name for made_ in (storage, application) for name, one in made_.items() if "Alarm" in one["ResourceType"]}
    assert len(alarms) == len(names)


def test_the_files_of_pages_lie_where_the_front_looks_for_them(deployed: Deployed) -> None:
    s3 = deployed.aws.client("s3")
    for name, content in CONTENTS.items():
        kept = s3.get_object(Bucket=deployed.stack.known["Static"], Key=f"assets/{HASHES[name]}/{name}")
        assert kept["Body"].read() == content
        assert "immutable" in kept["CacheControl"]


def test_who_comes_past_the_front_is_turned_away(deployed: Deployed) -> None:
    for key in ({}, {"X-Origin-Key": "guessed"}):
        url = f"{deployed.aws.url}/{STAGE}/"
        assert httpx.get(url, headers={"Host": deployed.stack.host, **key}, timeout=30).status_code == 403
