"""The AWS edition on this machine: the templates that `make deploy` puts up, on MiniStack, MariaDB and Valkey.

`make stack` runs it with the simulator's phones; tests put their own carriers in their place. What MiniStack can't do
is left out: the network, a proxy of RDS, the gateway's own errors, and the way through CloudFront, in whose place
stands `Front`.
"""

import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy import Engine
from werkzeug.middleware.http_proxy import ProxyMiddleware
from werkzeug.serving import make_server

from bots.email.sender import no_mail
from bots.words import RESERVED_CODES
from core.accounts import AccountService
from core.clock import system_clock
from core.queues import QueueService
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from core.venues import VenueService
from infra.build import build
from infra.deploy import deploy, put_secrets
from infra.stage import stack_name
from local.application import codes_of, numbers_of
from local.demo import EMAIL, JOIN_CODE, NUMBER, make_venue
from local.simulator import SimulatorSettings, State, create_simulator
from local.simulator.guard import PREFIX
from tests.servers import Mailbox, MariaDB, MiniStack, Valkey

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STAGE = "test"
DATABASE = "queue_manager"


class Stack:
    """The deployed stacks.

    known: their outputs. secret: what Parameter Store keeps. engine, records: the database, for whoever looks at it.
    """

    def __init__(self, aws: MiniStack, known: Mapping[str, str], secret: Mapping[str, str], engine: Engine) -> None:
        self.aws = aws
        self.known = known
        self.secret = secret
        self.engine = engine
        self.records = Records(engine, system_clock)
        self.accounts = DynamoAccountStore(
            known["Customer"], known["PreCustomer"], system_clock, aws.resource("dynamodb")
        )

    @property
    def host(self) -> str:
        """By what MiniStack knows the API."""
        return f"{self.known['ApiId']}.execute-api.localhost:{self.aws.port}"

    def physical_id(self, name: str, template: str = "application") -> str:
        """What AWS calls the resource that has this name in a template."""
        found = self.aws.client("cloudformation").describe_stack_resource(
            StackName=stack_name(STAGE, template), LogicalResourceId=name
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


@contextmanager
def put_up(
    aws: MiniStack, code: Path, mariadb: MariaDB, valkey: Valkey, public_url: str, environment: Mapping[str, str]
) -> Iterator[Stack]:
    """Deploy everything but the network on an empty MiniStack, with this database and cache.

    code: the functions' zip, built for this interpreter. public_url: where the stand-in for the front is. environment:
    what an operator would have set.
    """
    session = aws.session()
    secret = put_secrets(session.client("ssm"), STAGE, environment)
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        cursor.execute(f"GRANT ALL ON {DATABASE}.* TO {DATABASE} IDENTIFIED BY %s", (secret["MYSQL_PASSWORD"],))
    known = network(session.client("ec2"), aws.REGION) | {
        "AlarmMail": "operator@example.com",
        "AwsEndpointUrl": aws.url,
        "CacheUrl": valkey.url,
        "DatabaseHost": f"127.0.0.1:{mariadb.port}",
        "Firewall": "on",
        "Tracing": "Active",
    }
    known = deploy(session, STAGE, code, known, secret)
    session.client("ssm").put_parameter(
        Name=f"/queue-manager/{STAGE}/PUBLIC_URL", Value=public_url, Type="String", Overwrite=True
    )
    engine = open_engine(mariadb.url(DATABASE))
    yield Stack(aws, known, secret, engine)
    engine.dispose()


def network(ec2: Any, region: str) -> dict[str, str]:
    """What the network's stack gives, without what MiniStack can't make."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"]
        for n, zone in ((2, "a"), (3, "b"))
    ]
    groups = {
        name: ec2.create_security_group(GroupName=name, Description="-", VpcId=vpc)["GroupId"]
        for name in ("DatabaseGroup", "CacheGroup", "FunctionsGroup")
    }
    return {"PrivateSubnets": ",".join(subnet["SubnetId"] for subnet in subnets), **groups}


class Front:
    """Stands where CloudFront is: an address without the stage, and the key that shows who came through it.

    other: answers the paths that begin with one of `paths`, as the simulator of the carriers does.
    """

    def __init__(self, stack: Stack, other: "WSGIApplication | None" = None, paths: tuple[str, ...] = ()) -> None:
        self._options = {
            "target": stack.aws.url,
            "host": stack.host,
            "headers": {"X-Origin-Key": stack.secret["ORIGIN_KEY"]},
            "remove_prefix": False,
            "ssl_context": None,
        }
        self._other, self._paths = other, paths
        self._proxy = ProxyMiddleware(self._nothing, {}, timeout=30)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if self._other is not None and path.startswith(self._paths):
            return self._other(environ, start_response)
        return self._proxy.proxy_to(self._options, f"/{STAGE}{path}", "/")(environ, start_response)

    @staticmethod
    def _nothing(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
        raise AssertionError("everything is passed on")


class SimulatorsMailbox(Mailbox):
    """A mail server whose mails are read in the simulator."""

    def __init__(self, simulated: State) -> None:
        super().__init__()
        self._simulated = simulated

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """What aiosmtpd calls for each message."""
        answer = await super().handle_DATA(server, session, envelope)
        mail = self.messages[-1]
        self._simulated.receive_mail(str(mail["To"]), str(mail["Subject"]), mail.get_content())
        return answer


@contextmanager
def served(directory: Path, port: int, password: str, code: Path) -> Iterator[str]:
    """The whole edition with the simulator before it and a demo venue; answers its address.

    directory: an empty one. password: of the demo account. code: the functions' zip, built for this interpreter.
    """
    url = f"http://localhost:{port}"
    simulated = State(system_clock)
    mailbox = SimulatorsMailbox(simulated)
    environment = {
        "MAIL_FROM": "queue-manager@localhost",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mailbox.port),
        "TELEGRAM_API_URL": f"http://127.0.0.1:{port}{PREFIX}/telegram",
        "TELEGRAM_BOT_TOKEN": f"1000000001:{secrets.token_urlsafe(26)}",
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_API_URL": f"http://127.0.0.1:{port}{PREFIX}/twilio",
        "TWILIO_AUTH_TOKEN": secrets.token_urlsafe(24),
    }
    with ExitStack() as running:
        enter = running.enter_context
        folders = {name: directory / name for name in ("mariadb", "valkey", "ministack")}
        for folder in folders.values():
            folder.mkdir()
        mariadb, valkey = enter(MariaDB(folders["mariadb"])), enter(Valkey(folders["valkey"]))
        aws = enter(MiniStack(folders["ministack"]))
        enter(mailbox.serving())
        stack = enter(put_up(aws, code, mariadb, valkey, url, environment))
        make_demo(stack, password)
        front = Front(stack, _simulator(stack, simulated, url, port), (PREFIX,))
        server = make_server("127.0.0.1", port, front, threaded=True)
        Thread(target=server.serve_forever, daemon=True).start()
        # Nobody is let in any more before what answers goes.
        running.callback(server.server_close)
        running.callback(server.shutdown)
        yield url


def make_demo(stack: Stack, password: str) -> None:
    """The demo venue of the one-machine edition, with its account."""
    account = AccountService(stack.accounts, no_mail, "").add(EMAIL, password)
    venues = VenueService(QueueService(), RESERVED_CODES)
    stack.records.transaction(lambda tx: make_venue(tx, venues, account.id))


def _simulator(stack: Stack, simulated: State, url: str, port: int) -> Flask:
    settings = SimulatorSettings(
        public_url=url,
        base_url=f"http://127.0.0.1:{port}",
        twilio_account_sid=stack.secret["TWILIO_ACCOUNT_SID"],
        twilio_auth_token=stack.secret["TWILIO_AUTH_TOKEN"],
        telegram_bot_token=stack.secret["TELEGRAM_BOT_TOKEN"],
        telegram_webhook_secret=stack.secret["TELEGRAM_WEBHOOK_SECRET"],
        telegram_bot_name="QueueManagerBot",
        numbers=partial(numbers_of, stack.records),
        codes=partial(codes_of, stack.records),
    )
    app = Flask("simulator")
    app.register_blueprint(create_simulator(settings, simulated))
    return app


def _is_free(port: str) -> bool:
    with socket.socket() as listener:
        # As the server does: connections of the one before may linger.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", int(port)))
        except (OSError, OverflowError, ValueError):
            return False
    return True


def _wait() -> None:
    """Until somebody stops it; whoever is impatient then does not stop the stopping."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        print("Stopping ...", flush=True)


def main() -> None:
    """`make stack`: run it until stopped, and say where it is."""
    password, port = os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9), os.environ.get("PORT", "8000")
    if not _is_free(port):
        sys.exit(f"Port {port} is taken, or is none. Choose another: PORT=9000 make stack")
    # An ordinary stop is one by Ctrl-C too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    print("Building the functions and putting the stacks up; it takes a minute ...", flush=True)
    try:
        with ExitStack() as running:
            directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
            build(directory / "code.zip", None)
            url = running.enter_context(served(directory, int(port), password, directory / "code.zip"))
            print(
                f"""
  The line    {url}
  Log in as   {EMAIL}, {password}
  Phones      {url}{PREFIX}: text JOIN to {NUMBER}, or write {JOIN_CODE} to the bot

Ctrl-C stops it, and forgets everything.""",
                flush=True,
            )
            _wait()
    except KeyboardInterrupt:
        pass
    print("Stopped.")


if __name__ == "__main__":
    main()
