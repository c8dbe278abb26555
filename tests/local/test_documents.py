"""What operators read names everything that they can set."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_setting_is_in_the_documentation_and_nothing_else() -> None:
    code = "".join((ROOT / f"core/{name}.py").read_text() for name in ("settings", "environment"))
    settings = set(re.findall(r'"([A-Z][A-Z_]+[A-Z])"', code)) - {"HOST_AND_PORT"}
    settings |= {f"MYSQL_{part}" for part in ("HOST", "USER", "DATABASE")}
    table = (ROOT / "docs/running.md").read_text().partition("## In front of it")[0]
    documented = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])`", table.partition("| name |")[2].partition("\n\n")[0]))

    assert documented == settings - {"USER", "DATABASE"}


def test_every_page_that_the_readme_names_is_there() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        links = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
        missing = [link for link in links if not (page.parent / link).exists()]
        assert missing == [], page.name
