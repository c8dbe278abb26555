"""The bytecode that a zip brings: of the runtime's Python, wherever that is, and read instead of the sources."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.build import HERE, add_bytecode

NOWHERE = "python3.99"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A module of ours, and one that is rarely read."""
    return written(tmp_path / "code")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, and empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def written(code: Path) -> Path:
    rare = code / "twilio" / "rest" / "fax.py"
    rare.parent.mkdir(parents=True)
    rare.write_text("SAYS = 'rarely'\n")
    (code / "module.py").write_text("SAYS = 'compiled'\n")
    return code


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def bytecode(code: Path) -> dict[str, bytes]:
    return {str(path.relative_to(code)): path.read_bytes() for path in code.rglob("*.pyc")}


def said(code: Path) -> str:
    """What a fresh interpreter is told by the module."""
    ask = f"import sys; sys.path.insert(0, {str(code)!r}); import module; print(module.SAYS)"
    return subprocess.run([sys.executable, "-I", "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def test_what_is_often_read_is_compiled_and_its_source_not_looked_at(code: Path) -> None:
    add_bytecode(code, HERE)
    (code / "module.py").write_text("SAYS = 'the source, with another time and length'\n")

    assert bytecode(code).keys() == {f"__pycache__/module.{sys.implementation.cache_tag}.pyc"}
    assert said(code) == "compiled"


def test_the_same_code_makes_the_same_bytecode_wherever_it_was_compiled(code: Path, tmp_path: Path) -> None:
    elsewhere = written(tmp_path / "elsewhere")
    add_bytecode(code, HERE)
    add_bytecode(elsewhere, HERE)

    assert bytecode(code) == bytecode(elsewhere)
    assert bytecode(code)


def test_another_python_of_that_version_is_found_on_the_path(code: Path, programs: Path) -> None:
    version, asked = NOWHERE.removeprefix("python"), programs / "asked"
    program(
        programs / NOWHERE,
        f'[ "$1" = --version ] && echo Python {version}.1 && exit; echo "$@" >{asked}; exec {sys.executable} "$@"',
    )

    add_bytecode(code, NOWHERE)

    assert "compileall" in asked.read_text()
    assert bytecode(code)


@pytest.mark.parametrize("there", [None, "echo not installed >&2; exit 127", "echo Python 3.9.2"])
def test_without_one_the_zip_has_none_and_the_build_says_what_that_costs(
    code: Path, programs: Path, capsys: pytest.CaptureFixture[str], there: str | None
) -> None:
    if there is not None:
        program(programs / NOWHERE, there)

    add_bytecode(code, NOWHERE)

    assert bytecode(code) == {}
    told = capsys.readouterr().out
    assert f"There is no {NOWHERE} on the PATH" in told
    assert "three times as long" in told
