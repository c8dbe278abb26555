"""The one-machine edition as an operator starts it: a process of its own on a free port, with its own data."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.servers import Server

PASSWORD = "a password for tests"
# What this machine has set is none of a test's business.
OURS = re.compile("(MYSQL|REDIS|TWILIO|TELEGRAM|SMTP)_|(PUBLIC_URL|TOKEN_KEY|DATA_DIR|PORT|HOST|MAIL_FROM)$")


class Edition(Server):
    """`python -m local` on DATA_DIR `directory`/data; `settings` are added to its environment."""

    def __init__(self, directory: Path, **settings: str) -> None:
        directory.mkdir(exist_ok=True)
        super().__init__(directory)
        self.data_dir = directory / "data"
        self.settings = {"DEMO_PASSWORD": PASSWORD, **settings}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        """The server's, or with arguments another command's on the same data."""
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(self.port), **self.settings}
        unset = [f"--unset={name}" for name in os.environ if OURS.match(name)]
        set_ = [f"{name}={value}" for name, value in own.items()]
        return ["env", *unset, *set_, sys.executable, "-m", "local", *arguments]

    def ping(self) -> None:
        """Return once the server answers and its worker works."""
        try:
            # Asked many times while it starts. Without TLS there is no need to read whom to trust, which takes longest.
            answer = httpx.get(f"{self.url}/healthz", timeout=5, trust_env=False, verify=False)
            health = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise ConnectionError(str(error)) from error
        beat = health["worker_beat_seconds"]
        if beat is None or beat > 5:
            raise ConnectionError("the worker does not work yet")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command of the edition, on the same data."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False, timeout=60)

    def send(self, number: signal.Signals) -> None:
        """Send the server alone a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, by: signal.Signals) -> int:
        """Send the signal to the server alone; answers its exit code."""
        self.send(by)
        assert self._process is not None
        code = self._process.wait(60)
        self._process = None
        return code

    def children(self) -> set[int]:
        """The processes that work on this data, the server itself left out: its worker and its Valkey."""
        own = self._process.pid if self._process is not None else None
        found = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and self._works(entry)}
        return found - {own}

    def wait_for_no_children(self, timeout: float = 20.0) -> None:
        """TimeoutError when a process on this data outlives that."""
        deadline = time.monotonic() + timeout
        while left := self.children():
            if time.monotonic() > deadline:
                raise TimeoutError(f"still running: {left}")
            time.sleep(0.05)

    def _works(self, entry: Path) -> bool:
        """By its environment, or, since Valkey writes its title over that, by its arguments."""
        try:
            environment, arguments = ((entry / name).read_bytes() for name in ("environ", "cmdline"))
        except OSError:
            return False
        ours = str(self.data_dir).encode()
        return b"DATA_DIR=" + ours in environment.split(b"\0") or ours + b"/valkey" in arguments
