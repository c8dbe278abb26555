"""Putting the stacks up: what is secret is kept once, what a stage has of its own is known, what failed is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.build import AUTHORITIES, add_authorities
from infra.deploy import GIVEN, MADE, chosen, deploy_stack, name_bot, put_secrets
from infra.destroy import destroy
from infra.stage import Impossible, stack_name
from tests.carriers_accounts import CarriersAccounts
from tests.servers import MiniStack
from tests.stack import network

ENVIRONMENT = {"TELEGRAM_BOT_TOKEN": "1:x", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "given"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


def kept(aws: MiniStack, stage: str) -> dict[str, tuple[str, str]]:
    found = aws.client("ssm").get_parameters_by_path(Path=f"/queue-manager/{stage}", WithDecryption=True, MaxResults=10)
    return {one["Name"].rpartition("/")[2]: (one["Type"], one["Value"]) for one in found["Parameters"]}


def test_secrets_are_made_once_and_what_is_given_anew_is_kept(aws: MiniStack) -> None:
    put_secrets(aws.client("ssm"), "once", ENVIRONMENT)
    first = kept(aws, "once")
    answered = put_secrets(aws.client("ssm"), "once", {"TWILIO_AUTH_TOKEN": "another"})
    second = kept(aws, "once")

    assert first.keys() == {*GIVEN, *MADE}
    assert {type_ for type_, _ in first.values()} == {"SecureString"}
    assert min(len(first[name][1]) for name in MADE) >= 32
    assert second == first | {"TWILIO_AUTH_TOKEN": ("SecureString", "another")}
    assert answered == {name: value for name, (_, value) in second.items()}


def test_the_name_of_the_bot_that_is_deployed_is_kept(aws: MiniStack, carriers: CarriersAccounts) -> None:
    ssm, secret = aws.client("ssm"), {"TELEGRAM_BOT_TOKEN": "1:x", "TELEGRAM_API_URL": carriers.url}
    named = {"TELEGRAM_BOT_NAME": "TheLineBot"}

    assert name_bot(ssm, "named", secret) == named
    assert name_bot(ssm, "named", secret | named) == {}
    assert name_bot(ssm, "named", secret | {"TELEGRAM_BOT_NAME": "TheBotOfBefore"}) == named
    assert kept(aws, "named") == {"TELEGRAM_BOT_NAME": ("SecureString", "TheLineBot")}


def test_a_name_that_telegram_does_not_say_stays_as_it_is_kept(aws: MiniStack) -> None:
    away = {"TELEGRAM_BOT_TOKEN": "1:x", "TELEGRAM_API_URL": "http://127.0.0.1:1", "TELEGRAM_BOT_NAME": "TheLineBot"}

    assert name_bot(aws.client("ssm"), "away", away) == {}
    assert kept(aws, "away") == {}


def test_what_is_missing_is_named_and_nothing_is_written(aws: MiniStack) -> None:
    with pytest.raises(Impossible, match="TELEGRAM_BOT_TOKEN"):
        put_secrets(aws.client("ssm"), "missing", {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"})

    assert kept(aws, "missing") == {}


def test_what_a_stage_has_of_its_own_is_known_by_the_templates_parameters(tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text('DatabaseClass = "db.t4g.small"\nFirewall = "on"\nMostRequests = 1000\n')
    (tmp_path / "typo.toml").write_text('DatabaseClas = "db.t4g.small"\n')
    (tmp_path / "wrong.toml").write_text('Proxy = "yes"\n')
    (tmp_path / "old.toml").write_text('Runtime = "python3.11"\n')
    (tmp_path / "torn.toml").write_text("MultiAz = ")
    (tmp_path / "yes.toml").write_text("MultiAz = true\n")
    (tmp_path / "both.toml").write_text('Proxy = "on"\nDatabaseHost = "elsewhere"\n')
    (tmp_path / "newer.toml").write_text('Image = "ami-0123456789abcdef0"\n')
    (tmp_path / "ours.toml").write_text('CodeKey = "my.zip"\nStage = "test"\n')

    assert chosen("prod", tmp_path) == {"DatabaseClass": "db.t4g.small", "Firewall": "on", "MostRequests": "1000"}
    assert chosen("none", tmp_path) == {}
    assert chosen("yes", tmp_path) == {"MultiAz": "true"}
    assert chosen("newer", tmp_path) == {"Image": "ami-0123456789abcdef0"}
    with pytest.raises(Impossible, match=r"Runtime in old\.toml is none of: python3\.12, python3\.13, python3\.14\."):
        chosen("old", tmp_path)
    with pytest.raises(Impossible, match=r"torn\.toml can't be read"):
        chosen("torn", tmp_path)
    with pytest.raises(Impossible, match=r"typo\.toml names what a stage can't choose: DatabaseClas\."):
        chosen("typo", tmp_path)
    with pytest.raises(Impossible, match=r"ours\.toml names what a stage can't choose: CodeKey, Stage\."):
        chosen("ours", tmp_path)
    with pytest.raises(Impossible, match="a DatabaseHost and a Proxy"):
        chosen("both", tmp_path)
    with pytest.raises(Impossible, match=r"Proxy in wrong\.toml is neither off nor on\."):
        chosen("wrong", tmp_path)


def test_a_stack_that_could_not_be_made_says_why_and_can_be_tried_again(aws: MiniStack) -> None:
    # Without its secret parameters, and in subnets that are nowhere.
    known = {
        "Stage": "broken",
        "PrivateSubnets": "subnet-0a,subnet-0b",
        "DatabaseGroup": "sg-0a",
        "CacheGroup": "sg-0b",
    }

    cloudformation = aws.client("cloudformation")
    with pytest.raises(Impossible, match=r"broken is now ROLLBACK_COMPLETE\. \w+: "):
        deploy_stack(cloudformation, "broken", "storage", known)

    # And a second time it is made anew.
    put_secrets(aws.client("ssm"), "broken", ENVIRONMENT)
    known |= network(aws.client("ec2"), aws.REGION)
    assert deploy_stack(cloudformation, "broken", "storage", known)["Customer"]


def test_a_stack_takes_what_it_knows_is_brought_up_to_date_or_left_alone(aws: MiniStack) -> None:
    cloudformation = aws.client("cloudformation")
    known = {"Stage": "twice", "SomebodyElses": "1"}
    first = deploy_stack(cloudformation, "twice", "firewall", known)

    assert deploy_stack(cloudformation, "twice", "firewall", known) == first
    assert deploy_stack(cloudformation, "twice", "firewall", known | {"MostRequests": "1000"}) == first
    [stack] = cloudformation.describe_stacks(StackName="twice")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {"ParameterKey": "MostRequests", "ParameterValue": "1000"} in stack["Parameters"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGN_UP", "Invited", "SIGN_UP"),
        ("SMTP_PORT", "smtp", "SMTP_PORT"),
        ("TWILIO_ACCOUNT_SID", "SK1", "TWILIO_ACCOUNT_SID"),
        ("TEXT_COUNTRIES", "Brazil", "TEXT_COUNTRIES"),
    ],
)
def test_what_the_functions_could_not_begin_with_is_refused_before_anything_is_written(
    aws: MiniStack, name: str, value: str, said: str
) -> None:
    with pytest.raises(Impossible, match=said):
        put_secrets(aws.client("ssm"), "odd", ENVIRONMENT | {name: value})

    assert kept(aws, "odd") == {}


def test_a_stage_may_name_another_database_cache_and_table(aws: MiniStack) -> None:
    put_secrets(aws.client("ssm"), "other", ENVIRONMENT)
    known = network(aws.client("ec2"), aws.REGION) | {"Stage": "other"}
    others = {"DatabaseHost": "restored.example", "CacheUrl": "rediss://other:6379", "CustomerTable": "brought-back"}

    own = deploy_stack(aws.client("cloudformation"), "other", "storage", known)
    other = deploy_stack(aws.client("cloudformation"), "other", "storage", known | others)

    assert (other["DatabaseHost"], other["CacheUrl"], other["Customer"]) == tuple(others.values())
    assert not set(own.values()) & set(others.values())
    assert kept(aws, "other")["REDIS_HOST"] == ("String", "rediss://other:6379")


def test_the_functions_trust_whom_everybody_trusts_and_rds(tmp_path: Path) -> None:
    (tmp_path / "certifi").mkdir()
    (tmp_path / "certifi" / "cacert.pem").write_text("everybody\n")
    (tmp_path / "rds.pem").write_text("rds\n")

    add_authorities(tmp_path, (tmp_path / "rds.pem").as_uri())

    assert (tmp_path / AUTHORITIES).read_text() == "everybody\nrds\n"


def test_a_stage_that_was_taken_down_leaves_its_accounts_and_secrets_and_can_be_put_up_again(aws: MiniStack) -> None:
    session, stage = aws.session(), "again"
    cloudformation = session.client("cloudformation")
    put_secrets(session.client("ssm"), stage, ENVIRONMENT)
    known = network(session.client("ec2"), aws.REGION) | {"Stage": stage}

    for _ in range(2):
        stack = deploy_stack(cloudformation, stack_name(stage, "storage"), "storage", known)
        said = list(destroy(session, stage))

        assert f"queue-manager-{stage}-storage is gone." in said
        assert any(stack["Code"] in line for line in said)
        assert any(stack["Customer"] in line for line in said)
        assert stack["Customer"] in session.client("dynamodb").list_tables()["TableNames"]
    assert kept(aws, stage).keys() == {*GIVEN, *MADE}
    with pytest.raises(Impossible, match=f"There is no stage {stage} in {aws.REGION}"):
        list(destroy(session, stage))
