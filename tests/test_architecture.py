"""What docs/architecture.md says is where the house has it."""

import re
from pathlib import Path

import pytest

from infra.templates import expanded

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text()
DIAGRAMS = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
# What is quoted within a line of text.
QUOTED = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
RESOURCES = {
    name: resource
    for template in (ROOT / "infra").glob("*.yaml")
    for name, resource in expanded(template.stem)["Resources"].items()
}


def test_every_path_that_it_names_exists() -> None:
    paths = {each for each in QUOTED if re.fullmatch(r"[a-z_]+/[\w./-]*", each)}

    assert len(paths) > 50
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_function_of_the_stacks_is_named_with_its_file() -> None:
    functions = {
        name: resource["Properties"]["Handler"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }

    assert len(functions) >= 9
    for name, handler in functions.items():
        file = handler.rpartition(".")[0].replace(".", "/") + ".py"
        assert f"| `{name}` | `{file}` |" in PAGE


@pytest.mark.parametrize("kind", ["SQS::Queue", "SNS::Topic", "DynamoDB::Table", "S3::Bucket", "EC2::SecurityGroup"])
def test_every_resource_that_keeps_or_hands_on_something_is_named(kind: str) -> None:
    names = {name for name, resource in RESOURCES.items() if resource["Type"] == f"AWS::{kind}"}

    assert names
    assert names - QUOTED == set()


def test_every_resource_that_it_names_stands_in_a_template() -> None:
    # Resources and parameters begin with a capital and go on in small letters.
    named = {each for each in QUOTED if re.fullmatch(r"([A-Z][a-z0-9]+)+[A-Z]?", each)}
    parameters = {"AtOnce", "MultiAz", "Nat"}

    assert len(named) > 30
    assert named - RESOURCES.keys() == parameters


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.partition("\n")[0])
def test_a_diagram_has_nothing_that_mermaid_trips_over(diagram: str) -> None:
    first, *lines = diagram.splitlines()

    assert first in ("flowchart TD", "flowchart LR", "sequenceDiagram", "stateDiagram-v2")
    # It ends a statement, even in the middle of a sentence; the word begins a participant.
    assert [line for line in lines if ";" in line or re.search(r"\bcreate\s*-+>|>\s*create\b", line)] == []
    opened = sum(bool(re.match(r"\s*(subgraph|rect|alt)\b", line)) for line in lines)
    assert sum(line.strip() == "end" for line in lines) == opened
