"""Puts the AWS edition up, or brings it up to date: python -m infra.deploy STAGE

Network, storage, application, front: each stack stands as long as what is in it should. What a stage has of its own
stands in infra/stages/STAGE.toml, by the names of the templates' parameters. The account and the region are those of
the environment (AWS_PROFILE, AWS_REGION); what the carriers and the mail server gave is read from it at the first time,
and kept in SSM Parameter Store.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra.build import ARCHITECTURE, RUNTIME, Lambda, build
from infra.templates import FOLDER, written
from web.pages.assets import CONTENTS, HASHES, KEEP, content_type

DEFAULT_REGION = "sa-east-1"
# Where CloudFront looks for web ACLs and certificates.
FRONT_REGION = "us-east-1"
# As long as RDS takes, and an hour more.
WAIT = {"Delay": 5, "MaxAttempts": 1440}
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
# Of ours, and no template's.
OWN = {"Firewall": ("off", "on"), "Proxy": ("off", "on")}


class Impossible(Exception):
    """Nothing was changed, or CloudFormation has taken back what was; the sentence says why."""


def chosen(stage: str, folder: Path = FOLDER / "stages") -> dict[str, str]:
    """What this stage has of its own. Raises Impossible for a name that nobody knows."""
    file = folder / f"{stage}.toml"
    found = {name: str(value) for name, value in tomllib.loads(file.read_text()).items()} if file.exists() else {}
    known = {name for template in FOLDER.glob("*.yaml") for name in written(template.stem)["Parameters"]} | OWN.keys()
    unknown = sorted(found.keys() - known)
    if unknown:
        raise Impossible(f"{file.name} names what no template knows: {', '.join(unknown)}.")
    for name, choices in OWN.items():
        if found.get(name, choices[0]) not in choices:
            raise Impossible(f"{name} in {file.name} is neither {' nor '.join(choices)}.")
    return found


def put_secrets(ssm: Any, stage: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Keep what is secret as SecureString: given anew, or made once; answers all of it.

    Raises Impossible before it writes anything.
    """
    path = f"/queue-manager/{stage}"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    kept = {
        parameter["Name"].rpartition("/")[2]: parameter["Value"] for page in pages for parameter in page["Parameters"]
    }
    missing = [name for name in GIVEN if not environment.get(name) and name not in kept]
    if missing:
        raise Impossible(f"Set these in the environment first: {', '.join(missing)}.")
    values = {name: environment[name] for name in (*GIVEN, *MAY_BE_GIVEN) if environment.get(name)}
    values |= {name: make() for name, make in MADE.items() if name not in kept}
    for name, value in values.items():
        ssm.put_parameter(Name=f"{path}/{name}", Value=value, Type="SecureString", Overwrite=True)
    return kept | values


def deploy_stack(cloudformation: Any, name: str, template: str, known: Mapping[str, str]) -> dict[str, str]:
    """Make a stack from a template of ours, or bring it up to date; answers its outputs.

    It takes from `known` the parameters that it has. Raises Impossible where CloudFormation took the change back.
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
    try:
        cloudformation.create_stack(**wanted)
        done = "stack_create_complete"
    except cloudformation.exceptions.AlreadyExistsException:
        done = "stack_update_complete"
        try:
            cloudformation.update_stack(**wanted)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
            done = "stack_exists"
    try:
        cloudformation.get_waiter(done).wait(StackName=name, WaiterConfig=WAIT)
    except WaiterError as error:
        raise Impossible(f"{name} is as it was before: {_why(cloudformation, name)}") from error
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def deploy(session: Any, stage: str, code: Path, known: Mapping[str, str], secret: Mapping[str, str]) -> dict[str, str]:
    """Put up whatever comes after the network; answers the stacks' outputs.

    known: what the stage has of its own, and the network's outputs. Raises Impossible, and what boto3 does.
    """
    cloudformation, s3 = session.client("cloudformation"), session.client("s3")
    known = {**known, "Stage": stage, "OriginKey": secret["ORIGIN_KEY"]}
    known |= deploy_stack(cloudformation, stack_name(stage, "storage"), "storage", known)
    if known.pop("Proxy", "off") == "on":
        known["ProxySecret"] = _keep_log_in(session.client("secretsmanager"), stage, secret["MYSQL_PASSWORD"])
        known |= deploy_stack(cloudformation, stack_name(stage, "proxy"), "proxy", known)
    known |= {"CodeBucket": known["Code"], "CodeKey": _upload_code(s3, known["Code"], code)}
    _upload_assets(s3, known["Static"])
    known |= _deploy_application(cloudformation, stage, known, secret)
    if known.pop("Firewall", "off") == "on":
        there = session.client("cloudformation", region_name=FRONT_REGION)
        known |= deploy_stack(there, stack_name(stage, "firewall"), "firewall", known)
    known |= deploy_stack(cloudformation, stack_name(stage, "front"), "front", known)
    if known["PublicUrl"] != secret.get("PUBLIC_URL"):
        # The functions that began meanwhile do not know it.
        known |= _deploy_application(cloudformation, stage, known, {**secret, "PUBLIC_URL": known["PublicUrl"]})
    return known


def stack_name(stage: str, template: str) -> str:
    """What CloudFormation knows a stack of ours by."""
    return f"queue-manager-{stage}-{template.replace('_', '-')}"


def _deploy_application(
    cloudformation: Any, stage: str, known: Mapping[str, str], secret: Mapping[str, str]
) -> dict[str, str]:
    """With functions that begin anew where anything of what they read has changed."""
    version = sha256(json.dumps(secret, sort_keys=True).encode()).hexdigest()[:12]
    known = {**known, "SettingsVersion": version}
    return deploy_stack(cloudformation, stack_name(stage, "application"), "application", known)


def _why(cloudformation: Any, name: str) -> str:
    """What failed first, in CloudFormation's words."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    failed = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for page in pages
        for event in page["StackEvents"]
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    return failed[-1] if failed else "CloudFormation names no reason."


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
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="Put the AWS edition up.")
    parser.add_argument("stage")
    stage = parser.parse_args().stage
    session = boto3.Session(region_name=os.environ.get("AWS_REGION", DEFAULT_REGION))
    try:
        known = chosen(stage)
        secret = put_secrets(session.client("ssm"), stage, os.environ)
        cloudformation = session.client("cloudformation")
        known |= deploy_stack(cloudformation, stack_name(stage, "network"), "network", {"Stage": stage, **known})
        with tempfile.TemporaryDirectory() as folder:
            code = Path(folder) / "code.zip"
            build(code, Lambda(known.get("Runtime", RUNTIME), known.get("Architecture", ARCHITECTURE)))
            outputs = deploy(session, stage, code, known, secret)
    except Impossible as error:
        sys.exit(str(error))
    print(outputs["PublicUrl"])


if __name__ == "__main__":
    main()
