"""GitHub's workflows, and the role that it deploys by: what they use is pinned, and who may come is named."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cfnlint import decode

from infra.build import RUNTIME
from infra.deploy import GIVEN
from infra.templates import FOLDER

WORKFLOWS = sorted((FOLDER.parent / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    found, problems = decode.decode(str(path))
    assert not problems
    return dict(found)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_uses_actions_that_nobody_can_change_later(path: Path) -> None:
    steps = [step for job in read(path)["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_a_deployment_is_given_what_the_deploy_script_asks_for_and_no_key_of_aws() -> None:
    [job] = read(FOLDER.parent / ".github" / "workflows" / "deploy.yml")["jobs"].values()
    [deploy] = [step for step in job["steps"] if step.get("run", "").startswith("make deploy")]

    assert {*GIVEN, "STAGE"} <= deploy["env"].keys()
    assert "AWS_SECRET" not in str(job)
    assert job["permissions"] == {"contents": "read", "id-token": "write"}


def test_the_functions_python_makes_their_bytecode_and_runs_the_tests_beside_the_oldest() -> None:
    workflows = FOLDER.parent / ".github" / "workflows"
    [deploy], [test] = (read(workflows / name)["jobs"].values() for name in ("deploy.yml", "test.yml"))
    functions = RUNTIME.removeprefix("python")
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]

    assert deploy["container"].startswith(f"python:{functions}-")
    assert test["container"]["image"] == "python:${{ matrix.python }}"
    tested = [image.partition("-")[0] for image in test["strategy"]["matrix"]["python"]]
    assert tested == [project["requires-python"].removeprefix(">="), functions]


def test_the_role_trusts_one_environment_of_one_repository() -> None:
    role = read(FOLDER / "delivery.yaml")["Resources"]["Deploy"]["Properties"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Stage}"},
        }
    }


def test_the_role_changes_roles_of_its_stage_alone_and_never_itself() -> None:
    role = read(FOLDER / "delivery.yaml")["Resources"]["Deploy"]["Properties"]
    resources = [
        statement["Resource"]["Fn::Sub"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]

    assert resources
    for resource in resources:
        assert resource.rpartition("/")[2] == "queue-manager-${Stage}-*"
    assert not role["RoleName"]["Fn::Sub"].startswith("queue-manager-")
