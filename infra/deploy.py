"""Puts the AWS edition up, or brings it up to date: python -m infra.deploy STAGE

Network, storage, application, in this order: each stack stands as long as what is in it should. The account and the
region are those of the environment (AWS_PROFILE, AWS_REGION); what the carriers gave is read from it at the first time,
and kept in SSM Parameter Store: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TELEGRAM_BOT_TOKEN, PUBLIC_URL.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from cfnlint.decode import decode

from infra.build import build

FOLDER = Path(__file__).parent
DEFAULT_REGION = "sa-east-1"
# As long as RDS takes, and an hour more.
WAIT = {"Delay": 5, "MaxAttempts": 1440}
GIVEN = ("PUBLIC_URL", "TELEGRAM_BOT_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
MADE: Mapping[str, Callable[[], str]] = {
    "CONTACT_KEY": lambda: secrets.token_urlsafe(32),
    "MYSQL_PASSWORD": lambda: secrets.token_urlsafe(24),
    "TELEGRAM_WEBHOOK_SECRET": lambda: secrets.token_urlsafe(24),
    "TOKEN_KEY": lambda: secrets.token_urlsafe(32),
}


class Missing(Exception):
    """What has to be set in the environment, and is kept nowhere yet."""


def put_secrets(ssm: Any, stage: str, environment: Mapping[str, str]) -> None:
    """Keep what is secret as SecureString: given anew, or made once. Raises Missing before it writes anything."""
    path = f"/queue-manager/{stage}"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    kept = {parameter["Name"].rpartition("/")[2] for page in pages for parameter in page["Parameters"]}
    missing = [name for name in GIVEN if not environment.get(name) and name not in kept]
    if missing:
        raise Missing(", ".join(missing))
    values = {name: environment[name] for name in GIVEN if environment.get(name)}
    values |= {name: make() for name, make in MADE.items() if name not in kept}
    for name, value in values.items():
        ssm.put_parameter(Name=f"{path}/{name}", Value=value, Type="SecureString", Overwrite=True)


def deploy_stack(cloudformation: Any, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Make a stack from a template of ours, or bring it up to date; answers its outputs.

    A failed change is rolled back by CloudFormation. Raises botocore's WaiterError then.
    """
    # CloudFormation takes no aliases of YAML; in JSON there are none.
    body, _ = decode(str(FOLDER / f"{template}.yaml"))
    wanted = {
        "StackName": name,
        "TemplateBody": json.dumps(body, separators=(",", ":")),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
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
    cloudformation.get_waiter(done).wait(StackName=name, WaiterConfig=WAIT)
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def upload(s3: Any, bucket: str, file: Path) -> str:
    """Keep the functions' zip under a name made from what is in it; answers the name."""
    key = f"{sha256(file.read_bytes()).hexdigest()[:20]}.zip"
    s3.upload_file(str(file), bucket, key)
    return key


def deploy(session: Any, stage: str, environment: Mapping[str, str]) -> str:
    """Put everything up; answers where the API is. Raises Missing, and what boto3 does."""
    put_secrets(session.client("ssm"), stage, environment)
    cloudformation = session.client("cloudformation")
    network = deploy_stack(cloudformation, f"queue-manager-{stage}-network", "network", {"Stage": stage})
    shared = {"Stage": stage, "PrivateSubnets": network["PrivateSubnets"]}
    groups = {name: network[name] for name in ("DatabaseGroup", "CacheGroup")}
    storage = deploy_stack(
        cloudformation,
        f"queue-manager-{stage}-storage",
        "storage",
        shared | groups | {"AlarmMail": environment.get("ALARM_MAIL", "")},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "code.zip"
        build(file, here=False)
        key = upload(session.client("s3"), storage["Code"], file)
    code = {"CodeBucket": storage["Code"], "CodeKey": key}
    application = deploy_stack(
        cloudformation,
        f"queue-manager-{stage}-application",
        "application",
        shared
        | code
        | {name: storage[name] for name in ("Alarms", "Customer", "PreCustomer")}
        | {"FunctionsGroup": network["FunctionsGroup"]},
    )
    return f"https://{application['ApiId']}.execute-api.{session.region_name}.amazonaws.com/{stage}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="Put the AWS edition up.")
    parser.add_argument("stage")
    session = boto3.Session(region_name=os.environ.get("AWS_REGION", DEFAULT_REGION))
    try:
        print(deploy(session, parser.parse_args().stage, os.environ))
    except Missing as error:
        sys.exit(f"Set these in the environment first: {error}.")


if __name__ == "__main__":
    main()
