"""The functions of the template, and a container for one of them as Lambda makes it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3

from infra.templates import expanded
from tests.lambdas import bootstrap

# What Lambda brings beside Python: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")


@dataclass(frozen=True)
class Function:
    """A function of the template. `variables` are as they stand there."""

    name: str
    handler: str
    variables: Mapping[str, Any]

    @property
    def module(self) -> str:
        """The module of its handler, which is also the name of the folder of its events."""
        return self.handler.split(".")[1]


def functions() -> dict[str, Function]:
    """The functions of the template by the module of their handler."""
    template = expanded("application")
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    found = [
        Function(name, of["Handler"], shared | of.get("Environment", {}).get("Variables", {}))
        for name, of in ((name, resource["Properties"]) for name, resource in template["Resources"].items())
        if "Handler" in of
    ]
    return {function.module: function for function in found}


def unpack(file: Path, folder: Path) -> None:
    """Lay a zip out as Lambda does: `task` is the code, which nobody may write to, and `runtime` what Lambda brings."""
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "task")
    for path in ((folder / "task"), *(folder / "task").rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    (folder / "runtime").mkdir()
    installed = Path(boto3.__file__).parent.parent
    for name in RUNTIME:
        (folder / "runtime" / name).symlink_to(installed / name)


class Container:
    """A fresh interpreter that knows nothing but the code and its environment; as a context manager, until it ends."""

    def __init__(self, handler: str, code: Path, environment: Mapping[str, str], log: Path) -> None:
        task, runtime = code / "task", code / "runtime"
        self._log = log
        self._modules: set[str] | None = None
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", bootstrap.__file__, handler, task, runtime],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=task,
                env={**environment, "LAMBDA_TASK_ROOT": str(task), "LAMBDA_RUNTIME_DIR": str(runtime)},
                text=True,
            )

    @property
    def log(self) -> str:
        """What the function has written so far."""
        return self._log.read_text()

    def invoke(self, event: Any) -> dict[str, Any]:
        """Give it an event: `{"answer": …}`, or `errorType` and `errorMessage`. RuntimeError where it has died."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._read()
        return answer

    def modules(self) -> set[str]:
        """End it; the names of all modules that it had imported."""
        if self._modules is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._modules = set(self._read())
        return self._modules

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the container died: {self.log[-3000:]}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
