"""Puts the AWS edition up, or brings it up to date: python -m infra.deploy STAGE

Network, storage, application, front: each stack stands as long as what is in it should. What a stage has of its own
stands in infra/stages/STAGE.toml, by the names of the templates' parameters. The account and the region are those of
the environment (AWS_PROFILE, AWS_REGION); what the carriers and the mail server gave is read from it at the first time,
and kept in SSM Parameter Store.
"""

import json
import os
import secrets
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from bots.telegram.name import bot_name
from core.environment import SettingsError
from core.settings import Settings
from core.storage.parameters import parameters
from infra.build import ARCHITECTURE, RUNTIME, Lambda, build
from infra.stage import (
    FRONT_REGION,
    WAIT,
    Impossible,
    arguments_of,
    described,
    parameters_of,
    sentences,
    session,
    stack_name,
)
from infra.templates import FOLDER, STACKS, written
from web.pages.assets import CONTENTS, HASHES, KEEP, content_type

GIVEN = ("TELEGRAM_BOT_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
MAY_BE_GIVEN = (
    "MAIL_FROM",
    "SIGN_UP",
    "SMS_KEYWORDS",
    "SMTP_HOST",
    "SMTP_PASSWORD",
    "SMTP_PORT",
    "SMTP_USER",
    "TELEGRAM_API_URL",
    "TELEGRAM_BOT_NAME",
    "TEXTS_AN_HOUR",
    "TEXT_COUNTRIES",
    "TWILIO_API_URL",
    "TWILIO_WHATSAPP",
)
MADE: Mapping[str, Callable[[], str]] = {
    "CONTACT_KEY": lambda: secrets.token_urlsafe(32),
    "MYSQL_PASSWORD": lambda: secrets.token_urlsafe(24),
    "ORIGIN_KEY": lambda: secrets.token_urlsafe(32),
    "TELEGRAM_WEBHOOK_SECRET": lambda: secrets.token_urlsafe(24),
    "TOKEN_KEY": lambda: secrets.token_urlsafe(32),
}
# What the functions read besides, as it might be.
OF_THE_STACKS = {
    "MYSQL_DATABASE": "queue_manager",
    "MYSQL_HOST": "database.example",
    "MYSQL_USER": "queue_manager",
    "PUBLIC_URL": "https://line.example",
    "REDIS_HOST": "cache.example",
}
AMAZON_LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
BEGUN = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
# Stacks that a stage may have, by the name that its file switches them with.
OPTIONAL = {"Firewall": "firewall", "Proxy": "proxy"}
# What only the script says.
NOT_CHOSEN = {"AwsEndpointUrl", "Firewall", "Protected", "SettingsVersion", "Stage"}


def chosen(stage: str, folder: Path = FOLDER / "stages") -> dict[str, str]:
    """What this stage has of its own. Raises Impossible for what can't be chosen."""
    file = folder / f"{stage}.toml"
    try:
        given = tomllib.loads(file.read_text()) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise Impossible(f"{file.name} can't be read: {error}.") from error
    # What TOML calls true, CloudFormation has as a word.
    found = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    parameters = [written(template)["Parameters"] for template in (*STACKS, *OPTIONAL.values())]
    defaults = {name for each in parameters for name, parameter in each.items() if "Default" in parameter}
    may_be = defaults - NOT_CHOSEN | {"Image"}
    unknown = sorted(found.keys() - may_be - OPTIONAL.keys())
    if unknown:
        raise Impossible(f"{file.name} names what a stage can't choose: {', '.join(unknown)}.")
    for name, parameter in ((name, each[name]) for each in parameters for name in found.keys() & each.keys()):
        allowed = parameter.get("AllowedValues", [found[name]])
        if found[name] not in allowed:
            raise Impossible(f"{name} in {file.name} is none of: {', '.join(allowed)}.")
    for name in OPTIONAL:
        if found.get(name, "off") not in ("off", "on"):
            raise Impossible(f"{name} in {file.name} is neither off nor on.")
    if found.get("Proxy") == "on" and "DatabaseHost" in found:
        raise Impossible(f"{file.name} has a DatabaseHost and a Proxy; that serves the stack's own database alone.")
    return found


def put_secrets(ssm: Any, stage: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Keep what is secret as SecureString: given anew, or made once; answers all of it.

    Raises Impossible before it writes anything.
    """
    kept = parameters(f"/queue-manager/{stage}", ssm)
    missing = [name for name in GIVEN if not environment.get(name) and name not in kept]
    if missing:
        raise Impossible(f"Set these in the environment first: {', '.join(missing)}.")
    values = {name: environment[name] for name in (*GIVEN, *MAY_BE_GIVEN) if environment.get(name)}
    values |= {name: make() for name, make in MADE.items() if name not in kept}
    try:
        Settings.from_parameters(OF_THE_STACKS | kept | values)
    except SettingsError as error:
        raise Impossible(str(error)) from error
    _keep(ssm, stage, values)
    return kept | values


def _keep(ssm: Any, stage: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        ssm.put_parameter(Name=f"/queue-manager/{stage}/{name}", Value=value, Type="SecureString", Overwrite=True)


def name_bot(ssm: Any, stage: str, secret: Mapping[str, str]) -> dict[str, str]:
    """Ask Telegram what the bot of this token is called, and keep it: join pages lead there.

    Answers what is new. Where Telegram does not say, what is kept stays.
    """
    name = bot_name(secret["TELEGRAM_BOT_TOKEN"], secret.get("TELEGRAM_API_URL"))
    if name is None or name == secret.get("TELEGRAM_BOT_NAME"):
        return {}
    new = {"TELEGRAM_BOT_NAME": name}
    _keep(ssm, stage, new)
    return new


def deploy_stack(cloudformation: Any, name: str, template: str, known: Mapping[str, str]) -> dict[str, str]:
    """Make a stack from a template of ours, or bring it up to date; answers its outputs.

    It takes from `known` the parameters that it has. Raises Impossible where CloudFormation did not get there.
    """
    # CloudFormation takes no aliases of YAML; in JSON there are none.
    body = written(template)
    wanted = {
        "StackName": name,
        "TemplateBody": json.dumps(body, separators=(",", ":")),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": known[key]} for key in body["Parameters"] if key in known
        ],
    }
    status = _status(cloudformation, name)
    print(f"{name} is being {'made' if status is None else 'brought up to date'} ...", flush=True)
    if status == "ROLLBACK_COMPLETE":
        # What is left of a first time that failed can only be deleted.
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAIT)
        status = None
    done = "stack_create_complete" if status is None else "stack_update_complete"
    try:
        if status is None:
            cloudformation.create_stack(**wanted, RetainExceptOnCreate=True)
        else:
            cloudformation.update_stack(**wanted)
        cloudformation.get_waiter(done).wait(StackName=name, WaiterConfig=WAIT)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
    except WaiterError as error:
        raise Impossible(f"{name} is now {_status(cloudformation, name)}. {_why(cloudformation, name)}") from error
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def deploy(aws: Any, stage: str, code: Path, known: Mapping[str, str], secret: Mapping[str, str]) -> dict[str, str]:
    """Put up whatever comes after the network; answers the stacks' outputs.

    known: what the stage has of its own, and the network's outputs. Raises Impossible, and what boto3 does.
    """
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    at_the_front = aws.client("cloudformation", region_name=FRONT_REGION)
    known = {**known, "Stage": stage, "OriginKey": secret["ORIGIN_KEY"]}
    wanted = {name: known.pop(name, "off") == "on" for name in OPTIONAL}
    storage = stack_name(stage, "storage")
    if _status(cloudformation, storage) in (None, "ROLLBACK_COMPLETE"):
        # What is protected could not be taken back, were the first time to fail.
        deploy_stack(cloudformation, storage, "storage", {**known, "Protected": "false"})
    known |= deploy_stack(cloudformation, storage, "storage", known)
    if wanted["Proxy"]:
        known["ProxySecret"] = _keep_log_in(aws.client("secretsmanager"), stage, secret["MYSQL_PASSWORD"])
        known |= deploy_stack(cloudformation, stack_name(stage, "proxy"), "proxy", known)
    known |= {"CodeBucket": known["Code"], "CodeKey": _upload_code(s3, known["Code"], code)}
    _upload_assets(s3, known["Static"])
    known |= _deploy_application(cloudformation, stage, known, secret)
    if wanted["Firewall"]:
        known |= deploy_stack(at_the_front, stack_name(stage, "firewall"), "firewall", known)
    known |= deploy_stack(cloudformation, stack_name(stage, "front"), "front", known)
    if known["PublicUrl"] != secret.get("PUBLIC_URL"):
        # The functions that began meanwhile do not know it.
        known |= _deploy_application(cloudformation, stage, known, {**secret, "PUBLIC_URL": known["PublicUrl"]})
    for name, there in (("Proxy", cloudformation), ("Firewall", at_the_front)):
        if not wanted[name]:
            there.delete_stack(StackName=stack_name(stage, OPTIONAL[name]))
    return known


def _deploy_application(
    cloudformation: Any, stage: str, known: Mapping[str, str], secret: Mapping[str, str]
) -> dict[str, str]:
    """With functions that begin anew where anything of what they read then has changed."""
    known = {**known, "SettingsVersion": settings_version(known, secret)}
    return deploy_stack(cloudformation, stack_name(stage, "application"), "application", known)


def settings_version(known: Mapping[str, str], secret: Mapping[str, str]) -> str:
    """Another one for other settings: those that are kept, and those that the stacks write."""
    read = {**secret, **{name: known[name] for name in ("CacheUrl", "DatabaseHost")}}
    return sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:12]


def image(aws: Any, stage: str) -> str:
    """What NAT and bastion run: the newest when they are made, and that one until the stage's file names another.

    Another one has them replaced, and the functions cut off meanwhile.
    """
    network = described(aws.client("cloudformation"), stack_name(stage, "network"))
    if network is not None and network["StackStatus"] not in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
        return parameters_of(network)["Image"]
    return str(aws.client("ssm").get_parameter(Name=AMAZON_LINUX)["Parameter"]["Value"])


def _status(cloudformation: Any, name: str) -> str | None:
    """CloudFormation's word for how a stack is; None where there is none."""
    stack = described(cloudformation, name)
    return None if stack is None or stack["StackStatus"] == "DELETE_COMPLETE" else str(stack["StackStatus"])


def _why(cloudformation: Any, name: str) -> str:
    """What failed first, in CloudFormation's words, since it was last asked for something."""
    failed = "It names no reason."
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
        for event in page["StackEvents"]:  # the newest first
            if event["ResourceStatus"].endswith("_FAILED"):
                failed = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            if event["PhysicalResourceId"] == event["StackId"] and event["ResourceStatus"] in BEGUN:
                return failed
    return failed


def _keep_log_in(secretsmanager: Any, stage: str, password: str) -> str:
    """The database's log-in, where RDS Proxy can read it; answers the secret's ARN."""
    name = f"queue-manager/{stage}/database"
    value = json.dumps({"username": "queue_manager", "password": password})
    try:
        return str(secretsmanager.create_secret(Name=name, SecretString=value)["ARN"])
    except secretsmanager.exceptions.ResourceExistsException:
        return str(secretsmanager.put_secret_value(SecretId=name, SecretString=value)["ARN"])


def _upload_code(s3: Any, bucket: str, file: Path) -> str:
    """Keep the functions' zip under a name made from what is in it; answers the name."""
    key = f"{sha256(file.read_bytes()).hexdigest()[:20]}.zip"
    s3.upload_file(str(file), bucket, key)
    return key


def _upload_assets(s3: Any, bucket: str) -> None:
    """Keep what pages need beside those of earlier releases, which may still be open."""
    for name, content in CONTENTS.items():
        s3.put_object(
            Bucket=bucket,
            Key=f"assets/{HASHES[name]}/{name}",
            Body=content,
            ContentType=content_type(name),
            CacheControl=KEEP,
        )


def main() -> None:
    """The command."""
    stage = arguments_of("deploy", "Put the AWS edition up.").stage
    with sentences(), tempfile.TemporaryDirectory() as folder:
        aws = session()
        known = chosen(stage)
        secret = put_secrets(aws.client("ssm"), stage, os.environ)
        secret |= name_bot(aws.client("ssm"), stage, secret)
        code = Path(folder) / "code.zip"
        build(code, Lambda(known.get("Runtime", RUNTIME), known.get("Architecture", ARCHITECTURE)))
        known = {"Image": image(aws, stage)} | known | {"Stage": stage}
        known |= deploy_stack(aws.client("cloudformation"), stack_name(stage, "network"), "network", known)
        print(deploy(aws, stage, code, known, secret)["PublicUrl"])


if __name__ == "__main__":
    main()
