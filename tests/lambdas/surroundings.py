"""What the functions find around them in a deployed stack: AWS, a database, a Redis and the carriers."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.clock import system_clock
from core.model import GUEST, ContactAddress
from core.storage.accounts import Account
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from infra.build import HERE
from infra.templates import written
from tests.bots.bars import NUMBER, Bars
from tests.bots.carriers import Answer, Carrier
from tests.lambdas.containers import Container, functions
from tests.parameters import PARAMETERS
from tests.servers import Mailbox, MariaDB, MiniStack, Valkey
from web import tokens

EVENTS = Path(__file__).parent / "events"
RECORDED = sorted((file.parent.name, file.stem) for file in EVENTS.glob("*/*.json"))
"""The events that were recorded, by the module of the function and their name."""
PASSWORD = "correct horse"
STAGE = "alone"
ANSWERS = "answers-to-cloudformation"
ACCEPTED = Answer(201, {"sid": "SM" + "0" * 32, "status": "queued"})
CHAT = {"id": 1, "type": "private"}
TAKEN = Answer(200, {"ok": True, "result": {"message_id": 1, "date": 1, "chat": CHAT, "text": "…"}})


@dataclass(frozen=True)
class Ran:
    """What came of one event in a container of its function's own, and what that had imported in the end."""

    event: dict[str, Any]
    said: dict[str, Any]
    modules: set[str]


@dataclass
class Surroundings:
    """What the functions find around them, as a deployed stack has it, without the functions."""

    code: Path
    directory: Path
    aws: MiniStack
    mariadb: MariaDB
    valkey: Valkey
    twilio: Carrier
    telegram: Carrier
    mailbox: Mailbox
    bars: Bars
    accounts: AccountService
    names: dict[str, str]
    """What the template refers to."""
    _ran: dict[tuple[str, str], Ran] = field(default_factory=dict)

    def put_parameters(self, stage: str, *, without: str | None = None) -> None:
        """Keep everything that the functions are set to, but for one."""
        here = {
            "MYSQL_DATABASE": "line",
            "MYSQL_HOST": f"127.0.0.1:{self.mariadb.port}",
            "MYSQL_USER": "root",
            "REDIS_HOST": self.valkey.url,
            "TWILIO_API_URL": self.twilio.url,
            "TELEGRAM_API_URL": self.telegram.url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mailbox.port),
        }
        ssm = self.aws.client("ssm")
        for name, value in (PARAMETERS | here).items():
            if name != without:
                ssm.put_parameter(Name=f"/queue-manager/{stage}/{name}", Value=value, Type="SecureString")

    def environment(self, module: str) -> dict[str, str]:
        """The variables of this function: those that Lambda sets, and the template's."""
        function = functions()[module]
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": self.aws.REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{HERE}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": self.aws.REGION,
            "AWS_SECRET_ACCESS_KEY": "test",
            "LANG": "en_US.UTF-8",
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "TZ": ":UTC",
            "_HANDLER": function.handler,
            **{name: self._value(value) for name, value in function.variables.items() if not _left_out(value)},
        }

    def container(self, module: str, **variables: str) -> Container:
        """A new container of this function; `variables` are set besides the template's."""
        log = self.directory / f"{module}-{next(self.bars.numbers)}.log"
        return Container(functions()[module].handler, self.code, self.environment(module) | variables, log)

    def run(self, module: str, name: str) -> Ran:
        """A recorded event, in a container that gets all those of its function, once."""
        if (module, name) not in self._ran:
            events = {name: self.event(module, name) for of, name in RECORDED if of == module}
            with self.container(module) as container:
                said = {name: container.invoke(event) for name, event in events.items()}
                modules = container.modules()
            self._ran |= {(module, name): Ran(events[name], said[name], modules) for name in events}
        return self._ran[module, name]

    def event(self, module: str, name: str) -> dict[str, Any]:
        """A recorded event, with what changes from run to run filled in."""
        text = Template((EVENTS / module / f"{name}.json").read_text())
        wanted = set(text.get_identifiers())
        values = {}
        if "bearer" in wanted:
            values["bearer"] = self.token(self.staff())
        if "email" in wanted:
            values["email"] = self.staff().email
        if "ticket_id" in wanted:
            values["ticket_id"] = self.called(module.removeprefix("notify_"))
        if "response_url" in wanted:
            values["response_url"] = self.response_url(name)
        event: dict[str, Any] = json.loads(text.substitute(values))
        return event

    def staff(self) -> Account:
        """A new account."""
        return self.accounts.add(f"staff{next(self.bars.numbers)}@example.com", PASSWORD)

    def token(self, account: Account) -> str:
        """A token as a log-in gives it."""
        return tokens.issue(account, PARAMETERS["TOKEN_KEY"], system_clock())[0]

    def called(self, channel: str, address: str | None = None) -> str:
        """The id of a ticket whose guest has just been called, and not been told."""
        number = next(self.bars.numbers)
        queue = self.bars.queue(f"CALLED{number}")
        address = address or (f"+1555040{number:04}" if channel == "sms" else str(4_000_000 + number))

        def join(tx: Any) -> None:
            contact = self.bars.contacts.lock_or_add(tx, ContactAddress(channel, address))
            self.bars.queues.join(tx, queue, GUEST, contact=contact, sender=NUMBER if channel == "sms" else None)

        self.bars.do(join)
        return self.bars.call_next(queue).id

    def response_url(self, name: str) -> str:
        """Where CloudFormation takes an answer that is kept under this name."""
        return str(self.aws.client("s3").generate_presigned_url("put_object", {"Bucket": ANSWERS, "Key": name}))

    def told_cloudformation(self, name: str) -> dict[str, Any]:
        """What CloudFormation was answered by the function that had the event, or the address, of this name."""
        kept = self.aws.client("s3").get_object(Bucket=ANSWERS, Key=name)
        answer: dict[str, Any] = json.load(kept["Body"])
        return answer

    def _value(self, node: Any) -> str:
        """A value of the template where a stack would be."""
        match node:
            case {"Ref": name}:
                return self.names[name]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{(\w+)\}", lambda found: self.names[found[1]], text)
            case {"Fn::If": [_, there, _]}:
                return self._value(there)
        return str(node)


def _left_out(node: Any) -> bool:
    """Whether a value of the template is one for AWS itself alone."""
    match node:
        case {"Fn::If": [_, {"Ref": "AWS::NoValue"}, _]}:
            return True
    return False


@contextmanager
def surroundings(directory: Path, aws: MiniStack, code: Path, *, durable: bool = False) -> Iterator[Surroundings]:
    """Everything that the functions need, and a queue DEMO, from start to stop."""
    for name in ("mariadb", "valkey"):
        (directory / name).mkdir()
    with ExitStack() as stack:
        mariadb = stack.enter_context(MariaDB(directory / "mariadb", durable=durable))
        valkey = stack.enter_context(Valkey(directory / "valkey"))
        twilio, telegram = (stack.enter_context(Carrier().serving()) for _ in range(2))
        twilio.answer, telegram.answer = ACCEPTED, TAKEN
        mailbox = stack.enter_context(Mailbox().serving())
        with mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE line CHARACTER SET utf8mb4")
        engine = open_engine(mariadb.url("line"))
        stack.callback(engine.dispose)
        bars = Bars(Records(engine, system_clock))
        names = _names(aws)
        store = DynamoAccountStore(names["Customer"], names["PreCustomer"], system_clock, aws.resource("dynamodb"))
        accounts = AccountService(store, no_mail, PARAMETERS["PUBLIC_URL"])
        around = Surroundings(code, directory, aws, mariadb, valkey, twilio, telegram, mailbox, bars, accounts, names)
        around.put_parameters(STAGE)
        around.run("migrate", "create")
        bars.queue()
        yield around


def _names(aws: MiniStack) -> dict[str, str]:
    """What the template refers to, made without it."""
    sqs = aws.client("sqs")
    queues = {}
    for resource, name in written("application")["Mappings"]["Queues"].items():
        sqs.create_queue(QueueName=f"queue-manager-{STAGE}-{name['Name']}-failed")
        made = sqs.create_queue(QueueName=f"queue-manager-{STAGE}-{name['Name']}")
        queues[f"{resource}Queue"] = made["QueueUrl"]
    aws.client("s3").create_bucket(Bucket=ANSWERS, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    customer, pre_customer = aws.account_tables()
    return {
        "Stage": STAGE,
        "SettingsVersion": "1",
        "AwsEndpointUrl": aws.url,
        "Customer": customer,
        "PreCustomer": pre_customer,
        "Tracing": "PassThrough",
        "TicketEvents": aws.client("sns").create_topic(Name="alone")["TopicArn"],
        **queues,
    }
