"""Our templates, as CloudFormation reads them."""

from pathlib import Path
from typing import Any

from cfnlint.decode import decode
from cfnlint.template import Template

import infra

FOLDER = Path(infra.__file__).parent
TEMPLATES = sorted(FOLDER.glob("*.yaml"))


def written(name: str) -> dict[str, Any]:
    """A template by its name, such as "storage", as it stands in the file."""
    body, problems = decode(str(FOLDER / f"{name}.yaml"))
    assert not problems
    return dict(body)


def expanded(name: str) -> dict[str, Any]:
    """A template with its loops written out, and what its defaults choose."""
    template = Template(str(FOLDER / f"{name}.yaml"), written(name), ["sa-east-1"])
    assert not template.transform()
    return dict(template.template)


def resources(name: str, kind: str) -> dict[str, Any]:
    """The properties of a template's resources of one type, by name."""
    made = expanded(name)["Resources"]
    return {key: resource["Properties"] for key, resource in made.items() if resource["Type"] == kind}
