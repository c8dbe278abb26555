"""Reads the environment: one variable after the other, each checked, and what is wrong with them collected."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Of what is made and kept; what is made is longer.
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a setting. `id` is stable, `sentence` says what it is, `hint` how to mend it."""

    id: str
    sentence: str
    hint: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint} [{self.id}]"


class SettingsError(Exception):
    """The settings can't be used; `findings` holds everything that is wrong with them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class Environment:
    """The variables by their kind; `findings` collects what is wrong with them. An empty one is not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.findings: list[Finding] = []
        self.data_dir = Path(self.text("DATA_DIR") or ".data").expanduser().absolute()
        self._secrets_dir = self.data_dir / "secrets"

    def open_data_dir(self) -> None:
        """Make DATA_DIR, where the secrets are kept that nobody has set, unless it is there."""
        try:
            _make_private(self._secrets_dir)
        except OSError as error:
            self.find(
                "data-dir-unusable",
                f"DATA_DIR={self.data_dir} can't be used: {error.strerror}.",
                "Name a directory that you may write to.",
            )

    def find(self, identifier: str, sentence: str, hint: str) -> None:
        self.findings.append(Finding(identifier, sentence, hint))

    def text(self, name: str) -> str | None:
        return self._variables.get(name, "").strip() or None

    def number(self, name: str, default: int, smallest: int = 1, largest: int = 65535) -> int:
        given = self.text(name)
        if given is None:
            return default
        if given.isascii() and given.isdecimal() and smallest <= int(given) <= largest:
            return int(given)
        identifier = name.lower().replace("_", "-") + "-invalid"
        self.find(
            identifier,
            f"{name}={given} is not a number from {smallest} to {largest}.",
            f"Set one, or leave it out for {default}.",
        )
        return default

    def choice(self, name: str, default: str, *others: str) -> str:
        given = self.text(name)
        if given is None or given in (default, *others):
            return given or default
        identifier = name.lower().replace("_", "-") + "-unknown"
        choices = " or ".join((default, *others))
        self.find(identifier, f"{name}={given} is not known.", f"Set it to {choices}; {default} when left out.")
        return default

    def countries(self, name: str) -> tuple[str, ...] | None:
        given = self.text(name)
        if given is None:
            return None
        countries = tuple(country.strip().upper() for country in given.split(","))
        if not all(re.fullmatch("[A-Z]{2}", country) for country in countries):
            self.find(
                "text-countries-invalid",
                f"{name}={given} is not a list of countries.",
                "Write their two letters with commas between them, such as BR,US.",
            )
        return countries

    def host(self, name: str, hint: str) -> str | None:
        given = self.text(name)
        if given is not None and not re.fullmatch(r"[^\s/@?#]+", given):
            identifier = name.lower().replace("_", "-") + "-invalid"
            # Without what it is: whoever wrote a URL may have put a password into it.
            self.find(identifier, f"{name} is not the name or the address of a host.", hint)
        return given

    def url(self, name: str, *, only_host: bool = False) -> str | None:
        """A URL without the slash at its end."""
        given = self.text(name)
        if given is None:
            return None
        identifier = name.lower().replace("_", "-") + "-invalid"
        try:
            parts = urlsplit(given)
            well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            self.find(identifier, f"{name} is not a URL.", "Write it like https://line.example.com.")
            return None
        if not well_formed or parts.query or parts.fragment or parts.username or parts.password:
            self.find(
                identifier,
                f"{name} is not a whole URL: scheme and host, and no user, query or fragment.",
                "Write it like https://line.example.com.",
            )
        elif only_host and parts.path not in ("", "/"):
            self.find(
                identifier,
                f"{name}={given} has a path.",
                "Queue Manager needs a host of its own; leave the path out.",
            )
        return given.rstrip("/")

    def secret(self, name: str, make: str | None = None) -> str:
        """The value that is set, else the one that was made and kept, else a new one (`make`, or random)."""
        given = self.text(name)
        if given is not None:
            return given
        file = self._secrets_dir / name.lower()
        try:
            kept = _kept(file, make or secrets.token_urlsafe(SHORTEST_SECRET))
        except OSError as error:
            if not any(finding.id in ("data-dir-unusable", "secrets-unusable") for finding in self.findings):
                self.find(
                    "secrets-unusable",
                    f"{self._secrets_dir} can't be used: {error.strerror}.",
                    f"Make it readable and writable for this user, or set {name}.",
                )
            return ""
        if len(kept) < SHORTEST_SECRET:
            self.find(
                "secret-damaged",
                f"{file} is empty or cut off: what is kept there has {SHORTEST_SECRET} characters or more.",
                f"Put it back from a backup, or set {name}. Where neither can be done, delete it: a new one is made.",
            )
        return kept

    def together(self, identifier: str, *names: str) -> bool:
        """Whether all of these are set; half of them is a finding."""
        missing = [name for name in names if self.text(name) is None]
        if missing and len(missing) < len(names):
            given = " and ".join(name for name in names if name not in missing)
            self.find(
                identifier,
                f"{given} is set, but {' and '.join(missing)} is not.",
                "Set all of them, or none.",
            )
        return not missing


def _make_private(directory: Path) -> None:
    """Make a directory for this user alone, and its parent likewise where that is missing too."""
    for path in (directory.parent, directory):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(13, "no permission to write", str(directory))


def _kept(path: Path, new: str) -> str:
    """What the file holds; without one, `new`, which it then holds. Two processes get the same."""
    try:
        return path.read_text("ascii", "replace").strip()
    except FileNotFoundError:
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            return path.read_text("ascii", "replace").strip()
        finally:
            unfinished.unlink()
        return new
