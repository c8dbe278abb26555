"""Builds the code of the functions: one zip with our packages and what they import.

python -m infra.build FILE [--runtime python3.14] [--architecture arm64]   for Lambda
python -m infra.build FILE --here                                          for this interpreter, as tests need it
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from infra.stage import Impossible, sentences

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "bots", "web", "lambdas")
# What the one-machine edition alone needs, and what Lambda brings. Cryptography is for the log-in at a MySQL server
# without TLS.
LEFT_OUT = ("cryptography", "valkey", "waitress", "botocore", "python-dateutil", "six")
SOURCES_ONLY = shutil.ignore_patterns("__pycache__", "*.po", "*.pot")
# Two thirds of the whole, of which Lambda takes 50 MB: the towns that numbers belong to, languages that we do not
# speak, and what Twilio has to offer besides messages.
NEVER_READ = (
    ("phonenumbers", "geodata", None),
    ("babel", "locale-data/*", re.compile(r"(root|(en|es|pt)(_.*)?)\.dat")),
    ("twilio", "rest/*", re.compile(r"__init__\.py|api")),
)
# Hundreds of modules of which we read a few.
RARELY_READ = "/twilio/rest/"
# The newest of Lambda's for which all that we depend on has wheels.
RUNTIME, ARCHITECTURE = "python3.14", "x86_64"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
NO_BYTECODE = (
    "There is no {runtime} on the PATH, and so no bytecode in the zip: each new container compiles what it imports "
    "and takes three times as long to begin. docs/deploying.md says how to get Python {version}; then do this again."
)
# Where Lambda puts the zip.
TASK = "/var/task"
LONG_AGO = 1_000_000_000.0
# RDS signs its servers' certificates itself.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
RDS_AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
AUTHORITIES = "authorities.pem"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lambda:
    """What functions run on: a runtime such as "python3.14", and a key of MACHINES."""

    runtime: str = RUNTIME
    architecture: str = ARCHITECTURE

    @property
    def wheels(self) -> tuple[str, ...]:
        """What pip has to be told.

        https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-native-libraries
        """
        machine = MACHINES[self.architecture]
        return (
            "--only-binary=:all:",
            "--implementation=cp",
            f"--python-version={_version(self.runtime)}",
            f"--platform=manylinux2014_{machine}",
            f"--platform=manylinux_2_28_{machine}",
        )


def build(target: Path, on: Lambda | None) -> None:
    """Write the zip, for Lambda or, with None, for the interpreter that runs this.

    Raises CalledProcessError where pip or Python's compiler fails, which have said why, and Impossible where AWS does
    not tell which authorities RDS has.
    """
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        _install(code, Path(folder) / "requirements.txt", () if on is None else on.wheels)
        _leave_out(code)
        if on is not None:
            add_authorities(code, RDS_AUTHORITIES)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, code / package, ignore=SOURCES_ONLY)
        add_bytecode(code, HERE if on is None else on.runtime)
        for path in code.rglob("*"):
            # The same code makes the same zip.
            os.utime(path, (LONG_AGO, LONG_AGO))
        shutil.make_archive(str(target.with_suffix("")), "zip", code)


def add_authorities(code: Path, rds: str) -> None:
    """Write AUTHORITIES, those that everybody trusts and those of the URL `rds`. Raises Impossible."""
    try:
        with urllib.request.urlopen(rds, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own word
            authorities = answer.read()
    except (OSError, HTTPException) as error:
        raise Impossible(f"{rds} can't be read: {error}.") from error
    (code / AUTHORITIES).write_bytes((code / "certifi" / "cacert.pem").read_bytes() + authorities)


def add_bytecode(code: Path, runtime: str) -> None:
    """Put the bytecode of this Python beside the sources, or say that there is none here to make it.

    A function's disk is read-only: what comes without, each container compiles anew. Raises CalledProcessError.
    """
    interpreter = _interpreter(runtime)
    if interpreter is None:
        print(NO_BYTECODE.format(runtime=runtime, version=_version(runtime)), flush=True)
        return
    subprocess.run(  # noqa: S603 - our own words
        [interpreter, "-I", "-m", "compileall", "-q", "-j", "0", "-x", RARELY_READ, "-s", code, "-p", TASK,
         "--invalidation-mode", "unchecked-hash", code],
        check=True,
    )  # fmt: skip


def _interpreter(runtime: str) -> str | None:
    """The one that runs this where it is of this version, else one on the PATH, or None."""
    if runtime == HERE:
        return sys.executable
    found = shutil.which(runtime)
    if found is None:
        return None
    # A version manager has a program of this name, too, for a Python that it does not have.
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return found if said.stdout.startswith(f"Python {_version(runtime)}.") else None


def _version(runtime: str) -> str:
    return runtime.removeprefix("python")


def _install(code: Path, requirements: Path, options: Sequence[str]) -> None:
    pinned = (ROOT / "requirements.txt").read_text().splitlines(keepends=True)
    requirements.write_text("".join(line for line in pinned if not line.startswith(LEFT_OUT)))
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
         "--target", code, "--requirement", requirements, *options],
        check=True,
    )  # fmt: skip


def _leave_out(code: Path) -> None:
    for package, pattern, kept in NEVER_READ:
        for path in (code / package).glob(pattern):
            if kept is not None and kept.fullmatch(path.name):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.build", description="Build the functions' code.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--runtime", default=RUNTIME)
    parser.add_argument("--architecture", default=ARCHITECTURE, choices=MACHINES)
    parser.add_argument("--here", action="store_true", help="for this interpreter instead of Lambda's")
    arguments = parser.parse_args()
    with sentences():
        build(arguments.file, None if arguments.here else Lambda(arguments.runtime, arguments.architecture))


if __name__ == "__main__":
    main()
