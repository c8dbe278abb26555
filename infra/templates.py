"""Our templates, as CloudFormation reads them."""

from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import decode
from cfnlint.template import Template

FOLDER = Path(__file__).parent
STACKS = ("network", "storage", "application", "front")
"""Those that every stage has; the others are put up where they are asked for."""


def written(name: str) -> dict[str, Any]:
    """A template by its name, such as "storage", as it stands in the file. Raises cfnlint's DecodeError."""
    body, problems = decode(str(FOLDER / f"{name}.yaml"))
    assert not problems
    return dict(body)


@cache
def expanded(name: str) -> dict[str, Any]:
    """A template with its loops written out, and what its defaults choose: the same each time, to be read only."""
    template = Template(str(FOLDER / f"{name}.yaml"), written(name), ["sa-east-1"])
    problems = template.transform()
    assert not problems
    return dict(template.template)


def resources(name: str, kind: str) -> dict[str, Any]:
    """The properties of a template's resources of one type, by name."""
    made = expanded(name)["Resources"]
    return {key: resource["Properties"] for key, resource in made.items() if resource["Type"] == kind}
