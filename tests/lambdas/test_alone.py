"""Each function alone: a fresh interpreter, its zip on a disk that is read-only, and a recorded event of AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from core.notices import NoticeService
from core.storage.account_queues import Mail
from core.storage.accounts import LinkRequest
from core.storage.fan_out import Nudge, Topic
from core.storage.queue_messages import read, written
from infra.redrive import redrive
from infra.templates import resources
from tests.core.lines import OWNER
from tests.dynamodb import Between, error
from tests.lambdas.containers import Container, functions
from tests.lambdas.surroundings import EVENTS, RECORDED, STAGE, Surroundings
from tests.parameters import PARAMETERS
from tests.servers import free_port

pytestmark = pytest.mark.timeout(300)

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_ZIP = 50 * 10**6
HEAVY = {
    "aiohttp", "alembic", "argon2", "aws_lambda_powertools.utilities.batch", "aws_xray_sdk.core", "babel",
    "cryptography", "flask", "httpx", "jinja2", "limits", "phonenumbers", "pydantic", "rapidfuzz", "requests", "segno",
    "spectree", "sqlalchemy", "telegram", "telegram.ext", "twilio", "twilio.rest", "wtforms",
}  # fmt: skip
CONVERSATION = {"limits", "rapidfuzz", "sqlalchemy"}
OF_A_QUEUE = {"aws_lambda_powertools.utilities.batch", "sqlalchemy"}
USED = {
    "api": {"argon2", "babel", "flask", "jinja2", "limits", "pydantic", "sqlalchemy", "wtforms"},
    "create_pre_customer": OF_A_QUEUE | {"argon2"},
    "email_sender": OF_A_QUEUE,
    "authorizer": {"argon2", "sqlalchemy"},
    "migrate": {"alembic", "sqlalchemy"},
    "notify_sms": OF_A_QUEUE | {"requests", "twilio", "twilio.rest"},
    "notify_telegram": OF_A_QUEUE | {"httpx", "telegram"},
    "sms_status": CONVERSATION | {"twilio"},
    "sms_webhook": CONVERSATION | {"twilio"},
    "sweep": {"sqlalchemy"},
    "telegram_webhook": CONVERSATION,
}
"""What is worth the time of a cold start: of HEAVY, what the work of a function takes."""


def assert_shape(event: dict[str, Any], answer: Any) -> None:
    """The answer is what AWS expects of a function that it gave this event."""
    if event.get("type") == "REQUEST":
        [statement] = answer["policyDocument"]["Statement"]
        assert answer["policyDocument"]["Version"] == "2012-10-17"
        assert statement == {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
        assert answer["principalId"]
    elif "httpMethod" in event:
        assert answer["statusCode"] in (200, 204)
        headers = {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}
        assert "content-type" in {name.lower() for name in headers}
        assert isinstance(answer["body"], str)
    elif "Records" in event:
        assert answer == {"batchItemFailures": []}
    else:
        assert answer is None


def test_every_function_has_recorded_events_and_nothing_else_has() -> None:
    assert {module for module, _ in RECORDED} == set(functions())


@pytest.mark.parametrize(("module", "name"), RECORDED)
def test_a_function_answers_its_event_as_aws_expects(around: Surroundings, module: str, name: str) -> None:
    ran = around.run(module, name)

    assert "errorType" not in ran.said
    assert_shape(ran.event, ran.said["answer"])


def test_texts_and_updates_are_answered_with_a_place(around: Surroundings) -> None:
    text = around.run("sms_webhook", "join").said["answer"]
    update = json.loads(around.run("telegram_webhook", "start").said["answer"]["body"])

    assert text["headers"]["Content-Type"] == "text/xml; charset=utf-8"
    assert "You're in! Place " in text["body"]
    assert (update["method"], update["text"][:13]) == ("sendMessage", "Pronto! Lugar")


def test_the_api_serves_pages_and_staffs_own_things(around: Surroundings) -> None:
    assert "Log in" in around.run("api", "log_in_page").said["answer"]["body"]
    assert json.loads(around.run("api", "venues").said["answer"]["body"]) == {"items": [], "next": None}


@pytest.mark.parametrize(("channel", "called"), [("sms", "Messages.json"), ("telegram", "sendMessage")])
def test_a_nudge_makes_the_carrier_tell_the_guest(around: Surroundings, channel: str, called: str) -> None:
    ran = around.run(f"notify_{channel}", "nudge")

    with around.bars.records.reading() as tx:
        ticket = tx.tickets.get(read(Nudge, ran.event["Records"][0]["body"]).ticket_id)
    assert ticket is not None
    assert ticket.last_notice_state in ("sent", "delivered")
    carrier = around.twilio if channel == "sms" else around.telegram
    assert any(asked.path.endswith(called) for asked in carrier.asked)


def test_who_asks_for_an_account_gets_a_link_and_the_mail_is_handed_on(around: Surroundings) -> None:
    ran = around.run("create_pre_customer", "register")

    asked = read(LinkRequest, ran.event["Records"][0]["body"])
    [waiting] = around.aws.client("sqs").receive_message(QueueUrl=around.names["EmailSenderQueue"])["Messages"]
    mail = read(Mail, waiting["Body"])
    assert mail.to == asked.email
    token = mail.text.partition("/verify?token=")[2].split()[0]
    assert around.accounts.verify(token).email == asked.email


def test_a_mail_that_waits_is_sent(around: Surroundings) -> None:
    ran = around.run("email_sender", "mail")

    sent = around.mailbox.wait_for(read(Mail, ran.event["Records"][0]["body"]).to)
    assert (sent["From"], sent["Subject"]) == ("queue-manager@line.example.com", "Confirm your address")


@pytest.mark.parametrize("name", ["create", "update", "delete"])
def test_cloudformation_is_told_that_the_schema_stands(around: Surroundings, name: str) -> None:
    event = around.run("migrate", name).event

    assert around.told_cloudformation(name) == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "schema",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }


@pytest.mark.parametrize("module", sorted(functions()))
def test_a_function_imports_nothing_heavy_that_it_does_not_use(around: Surroundings, module: str) -> None:
    loaded = set().union(*(around.run(*recorded).modules for recorded in RECORDED if recorded[0] == module))

    assert loaded & HEAVY == USED[module]


def test_a_header_that_only_looks_like_the_gateways_does_not_say_where_a_request_is_from(around: Surroundings) -> None:
    event = around.event("api", "log_in_page")
    body = json.dumps({"email": "a@b.example", "password": "wrong"})
    login = {**event, "path": "/api/v1/login", "httpMethod": "POST", "body": body}
    for kind, value in (("headers", "application/json"), ("multiValueHeaders", ["application/json"])):
        login[kind]["Content-Type"] = value

    with around.container("api") as container:
        answers = []
        for number in range(12):
            login["headers"]["X_Forwarded_For"] = f"10.9.{number}.1, 10.9.{number}.2"
            login["multiValueHeaders"]["X_Forwarded_For"] = [login["headers"]["X_Forwarded_For"]]
            answers.append(container.invoke(login)["answer"]["statusCode"])

    # Ten from one address for one account.
    assert answers == [401] * 10 + [429] * 2


def test_the_sweep_says_which_order_it_does_not_know(around: Surroundings) -> None:
    with around.container("sweep") as container:
        said = container.invoke({"what": "forget position"})

    assert (said["errorType"], said["errorMessage"]) == (
        "Failed",
        "'forget position' is none of: minute, erase, forget positions",
    )


def test_lambda_takes_the_zip(zipped: Path) -> None:
    assert zipped.stat().st_size < LARGEST_ZIP


@pytest.mark.parametrize("name", ["TOKEN_KEY", "MYSQL_HOST"])
def test_a_container_does_not_start_without_a_parameter_and_names_it(around: Surroundings, name: str) -> None:
    stage = f"without-{name.lower().replace('_', '-')}"
    around.put_parameters(stage, without=name)
    with around.container("authorizer", PARAMETERS=f"/queue-manager/{stage}") as container:
        said = container.invoke(around.event("authorizer", "staff"))

    assert said["errorType"] == "SettingsError"
    assert said["errorMessage"] == f"{name} is not set. Set it. [parameter-missing]"


@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_a_nudge_comes_through_topic_and_queue_as_it_was_recorded(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    for name, value in around.aws.environment.items():
        monkeypatch.setenv(name, value)
    sns, sqs = around.aws.client("sns"), around.aws.client("sqs")
    topic = sns.create_topic(Name=f"recorded-{channel}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"recorded-{channel}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    wanted = resources("application", "AWS::SNS::Subscription")[f"{channel.capitalize()}Subscription"]
    attributes = {name: json.dumps(wanted[name]) for name in ("RawMessageDelivery", "FilterPolicy")}
    sns.subscribe(TopicArn=topic, Protocol=wanted["Protocol"], Endpoint=arn, Attributes=attributes)
    [recorded] = around.event(f"notify_{channel}", "nudge")["Records"]

    Topic(topic).publish({read(Nudge, recorded["body"]).ticket_id: channel})

    [message] = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == recorded["body"]
    assert message["MD5OfMessageAttributes"] == recorded["md5OfMessageAttributes"]
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        name: value["stringValue"] for name, value in recorded["messageAttributes"].items()
    }


def test_a_page_loads_nothing_of_the_api(around: Surroundings) -> None:
    with around.container("api") as container:
        assert container.invoke(around.event("api", "log_in_page"))["answer"]["statusCode"] == 200
        loaded = container.modules()

    assert {name for name in loaded if name.startswith(("pydantic", "web.api"))} == set()
    assert {"pydantic", "web.api"} <= around.run("api", "venues").modules


def batch(around: Surroundings, bodies: dict[str, str]) -> dict[str, Any]:
    """The recorded message several times, with other bodies."""
    [message] = around.event("notify_sms", "nudge")["Records"]
    return {"Records": [{**message, "messageId": id_, "body": body} for id_, body in bodies.items()]}


def test_of_a_batch_only_what_cannot_be_read_comes_again_and_the_log_says_why(around: Surroundings) -> None:
    guests = ["+15550500001", "+15550500002"]
    first, last = (written(Nudge(around.called("sms", guest))) for guest in guests)
    newer = json.dumps({"version": 2, "ticket": {"id": "T1"}})
    event = batch(around, {"first": first, "broken": "{", "newer": newer, "last": last})
    [envelope] = json.loads((EVENTS / "sns_envelope.json").read_text())["Records"]
    event["Records"].insert(1, envelope)

    with around.container("notify_sms") as container:
        said = container.invoke(event)

    failed = [envelope["messageId"], "broken", "newer"]
    assert said["answer"] == {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}
    assert [asked.to for asked in around.twilio.asked if asked.to in guests] == guests
    assert "MalformedMessage: not JSON" in container.log
    assert "MalformedMessage: an envelope of SNS: its subscription lacks RawMessageDelivery" in container.log
    assert "UnknownVersion: 2" in container.log


def test_a_message_whose_notice_was_given_up_by_anothers_try_is_laid_aside_and_no_other_is(
    around: Surroundings,
) -> None:
    """Another message of the same ticket had one of the tries: this one came less often than the record counts."""
    tickets = {name: around.called("sms") for name in ("comes again", "comes first", "has more to say")}
    notices = NoticeService(around.bars.records, tries=1)
    for ticket_id in tickets.values():
        notices.relay(ticket_id=ticket_id)
        [outbound] = notices.claim(1, ("sms",), ticket_id)
        notices.failed(outbound.notice.id, "timeout", "Twilio did not answer in time.", retry=True, unreachable=False)
    around.bars.do(lambda tx: around.bars.queues.recall(tx, tickets["has more to say"], OWNER))
    sqs, queue = around.aws.client("sqs"), around.names["SmsNoticesQueue"]
    sqs.send_message(QueueUrl=queue, MessageBody=written(Nudge(tickets["comes again"])))
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = batch(around, {name: written(Nudge(ticket_id)) for name, ticket_id in tickets.items()})
    for record in event["Records"]:
        record["receiptHandle"] = message["ReceiptHandle"]
        record["attributes"] = {"ApproximateReceiveCount": "1" if record["messageId"] == "comes first" else "2"}

    with around.container("notify_sms") as container:
        said = container.invoke(event)

    assert said["answer"] == {"batchItemFailures": [{"itemIdentifier": "comes again"}]}
    [again] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert again["MessageId"] == message["MessageId"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])


def test_a_dead_letter_that_cannot_be_read_stays_and_keeps_no_other(
    around: Surroundings, capsys: pytest.CaptureFixture[str]
) -> None:
    sqs = around.aws.client("sqs")
    dead = sqs.get_queue_url(QueueName=f"queue-manager-{STAGE}-telegram-notices-failed")["QueueUrl"]
    for body in ("{", written(Nudge("T1"))):
        sqs.send_message(QueueUrl=dead, MessageBody=body)

    assert redrive(sqs, STAGE) == 1

    [sent] = sqs.receive_message(QueueUrl=around.names["TelegramNoticesQueue"])["Messages"]
    assert read(Nudge, sent["Body"]) == Nudge("T1", again=True)
    assert "MalformedMessage('not JSON')" in capsys.readouterr().err
    left = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert left["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "1"}


@pytest.fixture(scope="module")
def authorizer(around: Surroundings) -> Iterator[Container]:
    with around.container("authorizer") as container:
        yield container


def decided(around: Surroundings, authorizer: Container, token: str) -> dict[str, Any]:
    event = around.event("authorizer", "staff")
    event["headers"]["Authorization"] = f"Bearer {token}"
    return authorizer.invoke(event)


def test_the_authorizer_names_the_account_of_a_token(around: Surroundings, authorizer: Container) -> None:
    account = around.staff()

    assert decided(around, authorizer, around.token(account))["answer"]["principalId"] == account.id


@pytest.mark.parametrize(
    ("changes", "key", "algorithm"),
    [
        ({}, None, "none"),
        ({}, "another key for tokens, just as long as ours", "HS256"),
        ({"aud": "another-service"}, PARAMETERS["TOKEN_KEY"], "HS256"),
        ({"exp": 1}, PARAMETERS["TOKEN_KEY"], "HS256"),
        ({"session": 0}, PARAMETERS["TOKEN_KEY"], "HS256"),
        ({"sub": "nobody"}, PARAMETERS["TOKEN_KEY"], "HS256"),
    ],
    ids=["alg none", "another key", "another audience", "expired", "revoked", "of nobody"],
)
def test_the_authorizer_denies_whatever_is_no_token_of_a_session_that_stands(
    around: Surroundings, authorizer: Container, changes: dict[str, Any], key: Any, algorithm: str
) -> None:
    claims = jwt.decode(around.token(around.staff()), options={"verify_signature": False})

    said = decided(around, authorizer, jwt.encode(claims | changes, key, algorithm))

    assert_denied(said)


@pytest.fixture
def dynamodb_away() -> dict[str, str]:
    """The variables of a container that has all of AWS but DynamoDB."""
    return {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{free_port()}"}


def test_the_authorizer_denies_nobody_whose_session_it_cannot_look_up(
    around: Surroundings, dynamodb_away: dict[str, str]
) -> None:
    token = around.token(around.staff())

    with around.container("authorizer", **dynamodb_away) as container:
        said = decided(around, container, token)

    # An error of the function, for the alarm; the gateway makes it 503.
    assert said == {"errorType": "Failed", "errorMessage": "RecordUnavailable"}
    assert "EndpointConnectionError" in container.log


def test_the_authorizer_says_in_its_log_which_permission_it_lacks(around: Surroundings) -> None:
    token = around.token(around.staff())

    with Between().serving() as between, around.container("authorizer", AWS_ENDPOINT_URL_DYNAMODB=between.url) as here:
        between.says = {"Query": [(400, error("AccessDeniedException", "not authorized to perform: dynamodb:Query"))]}
        said = decided(around, here, token)

    assert said == {"errorType": "Failed", "errorMessage": "RecordUnavailable"}
    assert "(AccessDeniedException)" in here.log
    assert "not authorized to perform: dynamodb:Query" in here.log


def test_a_forged_token_is_denied_without_asking_dynamodb(around: Surroundings, dynamodb_away: dict[str, str]) -> None:
    with around.container("authorizer", **dynamodb_away) as container:
        assert_denied(decided(around, container, "forged"))


def test_a_link_that_cannot_be_kept_is_made_when_its_message_comes_again(
    around: Surroundings, dynamodb_away: dict[str, str]
) -> None:
    event = around.event("create_pre_customer", "register")

    with around.container("create_pre_customer", **dynamodb_away) as container:
        said = container.invoke(event)

    assert said["answer"] == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert "RecordUnavailable" in container.log
    assert "EndpointConnectionError" in container.log


def test_a_log_in_while_dynamodb_is_away_is_to_be_tried_again(
    around: Surroundings, dynamodb_away: dict[str, str]
) -> None:
    event = around.event("api", "log_in_page")
    body = json.dumps({"email": "staff@b.example", "password": "wrong"})
    login = {**event, "path": "/api/v1/login", "httpMethod": "POST", "body": body}
    login["headers"]["Content-Type"] = "application/json"
    login["multiValueHeaders"]["Content-Type"] = ["application/json"]

    with around.container("api", **dynamodb_away) as container:
        answer = container.invoke(login)["answer"]

    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    headers |= {name.lower(): value for name, [value] in answer.get("multiValueHeaders", {}).items()}
    assert (answer["statusCode"], headers["retry-after"]) == (503, "5")
    assert json.loads(answer["body"])["type"].endswith("/problems/record-unavailable")
    assert "RecordUnavailable: Could not connect to the endpoint URL" in container.log


def assert_denied(said: dict[str, Any]) -> None:
    [statement] = said["answer"]["policyDocument"]["Statement"]
    assert (statement["Effect"], said["answer"]["principalId"]) == ("Deny", "nobody")


def test_a_request_without_a_token_is_refused_alike(around: Surroundings, authorizer: Container) -> None:
    event = around.event("authorizer", "staff")
    del event["headers"]["Authorization"]

    assert_denied(authorizer.invoke(event))
