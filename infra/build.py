"""Builds the code of the functions: one zip with our packages and what they import.

python -m infra.build FILE [--runtime python3.14] [--architecture arm64]   for Lambda
python -m infra.build FILE --here                                          for this interpreter, as tests need it
"""

import argparse
import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "bots", "web", "lambdas")
# What the one-machine edition alone needs, and what Lambda brings. Cryptography is for the log-in at a MySQL server
# without TLS.
LEFT_OUT = ("cryptography", "valkey", "waitress", "botocore", "python-dateutil", "six")
UNCHECKED_HASH = PycInvalidationMode.UNCHECKED_HASH
SOURCES_ONLY = shutil.ignore_patterns("__pycache__", "*.po", "*.pot")
# Two thirds of the whole, of which Lambda takes 50 MB: the towns that numbers belong to, languages that we do not
# speak, and what Twilio has to offer besides messages.
NEVER_READ = (
    ("phonenumbers", "geodata", None),
    ("babel", "locale-data/*", re.compile(r"(root|(en|es|pt)(_.*)?)\.dat")),
    ("twilio", "rest/*", re.compile(r"__init__\.py|api")),
)
# Hundreds of modules of which we read a few.
RARELY_READ = re.compile("/twilio/rest/")
# The Python that the tests run on; there are wheels for the newer ones as well.
RUNTIME, ARCHITECTURE = "python3.11", "x86_64"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


LONG_AGO = 1_000_000_000.0
# RDS signs its servers' certificates itself.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
RDS_AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
AUTHORITIES = "authorities.pem"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lambda:
    """What functions run on: a runtime such as "python3.11", and a key of MACHINES."""

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
            f"--python-version={self.runtime.removeprefix('python')}",
            f"--platform=manylinux2014_{machine}",
            f"--platform=manylinux_2_28_{machine}",
        )

    @property
    def reads_our_bytecode(self) -> bool:
        """Whether it is the Python that runs this."""
        return self.runtime == f"python{sys.version_info.major}.{sys.version_info.minor}"


def build(target: Path, on: Lambda | None) -> None:
    """Write the zip, for Lambda or, with None, for the interpreter that runs this.

    Raises CalledProcessError where pip fails, and OSError where AWS does not tell which authorities RDS has.
    """
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        _install(code, Path(folder) / "requirements.txt", () if on is None else on.wheels)
        _leave_out(code)
        if on is not None:
            add_authorities(code, RDS_AUTHORITIES)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, code / package, ignore=SOURCES_ONLY)
        if on is None or on.reads_our_bytecode:
            # Without it every container would compile what it imports: three times as long.
            compileall.compile_dir(code, quiet=1, workers=0, rx=RARELY_READ, invalidation_mode=UNCHECKED_HASH)
        for path in code.rglob("*"):
            # The same code makes the same zip.
            os.utime(path, (LONG_AGO, LONG_AGO))
        shutil.make_archive(str(target.with_suffix("")), "zip", code)


def add_authorities(code: Path, rds: str) -> None:
    """Write AUTHORITIES, those that everybody trusts and those of the URL `rds`. Raises OSError."""
    with urllib.request.urlopen(rds, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own word
        trusted = (code / "certifi" / "cacert.pem").read_bytes() + answer.read()
    (code / AUTHORITIES).write_bytes(trusted)


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
    build(arguments.file, None if arguments.here else Lambda(arguments.runtime, arguments.architecture))


if __name__ == "__main__":
    main()
