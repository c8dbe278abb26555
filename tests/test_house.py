"""The house itself: its commands, its packages, and the databases that the other tests stand on."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from packaging.requirements import Requirement
from sqlalchemy import Engine, create_engine, inspect, text

from core.storage.tables import metadata
from tests.databases import Databases

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    """The packages of a requirements file, by name in lower case, with their versions."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    parts = [re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line) for line in lines if line]
    assert all(parts), f"{name} holds something else than name==version"
    return {part[1].lower().replace("_", "-"): part[2] for part in parts if part}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-dev.txt", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]),
        ("requirements-checkov.txt", (ROOT / "requirements-checkov.in").read_text().splitlines()[1:]),
    ],
)
def test_every_range_has_its_exact_version(name: str, wanted: list[str]) -> None:
    pinned = pins(name)
    for requirement in map(Requirement, wanted):
        version = pinned[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(version), f"{requirement} but {name} says {version}: make pins"


def test_what_runs_is_what_was_tested() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_make_names_every_command() -> None:
    shown = run_make("help").stdout
    for command in ("setup", "run", "check", "test", "bench", "soak", "stack", "deploy", "destroy", "pins"):
        assert f"make {command} " in shown


def test_setup_without_a_fitting_python_says_which_is_needed(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3.11", "python3", "python"):
        program = programs / name
        program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n')
        program.chmod(0o755)
    venv = tmp_path / "venv"

    answer = run_make("setup", f"VENV={venv}", path=f"{programs}:/usr/bin:/bin")

    assert answer.returncode != 0
    assert "Queue Manager needs Python 3.11 or later; python3 here is: Python 3.9.2." in answer.stderr
    assert not venv.exists()


def test_missing_servers_are_named_to_who_may_not_install_them(tmp_path: Path) -> None:
    id_of_a_guest = tmp_path / "id"
    id_of_a_guest.write_text("#!/bin/sh\necho 1000\n")
    id_of_a_guest.chmod(0o755)
    for name in ("sh", "make", "echo"):
        (tmp_path / name).symlink_to(Path("/bin") / name)

    answer = run_make("system-packages", "MARIADBD=/nowhere", path=str(tmp_path))

    assert answer.returncode != 0
    assert "Please install mariadb-server chromium first" in answer.stderr


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_what_changes_a_stage_wants_to_know_which(command: str) -> None:
    answer = run_make(command)

    assert answer.returncode != 0
    assert f"Which one? make {command} STAGE=prod" in answer.stderr


def test_migrations_make_the_tables_columns_and_indexes_that_the_code_names(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_each_test_has_a_migrated_database_of_its_own(databases: Databases) -> None:
    def count(url: str, change: str) -> int:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(change))
            found: int = connection.execute(text("SELECT COUNT(*) FROM phone_numbers")).scalar_one()
        engine.dispose()
        return found

    insert = "INSERT INTO phone_numbers (number, account_id) VALUES ('+15550100001', 'a')"

    assert count(databases.migrated(), insert) == 1
    assert count(databases.migrated(), "DELETE FROM phone_numbers WHERE number = ''") == 0


def test_an_empty_database_has_no_tables(database_url: str) -> None:
    engine = create_engine(database_url)
    tables = inspect(engine).get_table_names()
    engine.dispose()

    assert tables == []


def run_make(*words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Call make in the project's root, not as a part of the make that runs the tests."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env={**environment, "PATH": path or environment["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
