"""What the commands of a stage have in common: where it is, how its stacks are called, and how a failure is said."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DEFAULT_REGION = "sa-east-1"
# Where CloudFront looks for web ACLs and certificates.
FRONT_REGION = "us-east-1"
# As long as RDS takes, and an hour more.
WAIT = {"Delay": 5, "MaxAttempts": 1440}


# Longer, and AWS would cut the names of the stage's roles short before the stage's own ends.
STAGE = re.compile(r"[a-z][a-z0-9]{0,9}")


class Impossible(Exception):
    """It could not be done; the sentence says why, and what stands now."""


def session() -> boto3.Session:
    """In the region of AWS_REGION, which boto3 itself does not read."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION", DEFAULT_REGION))


def arguments_of(program: str, description: str, *more: tuple[str, dict[str, str]]) -> argparse.Namespace:
    """What a command was given: the stage, and `more` of argparse's arguments."""
    parser = argparse.ArgumentParser(prog=f"python -m infra.{program}", description=description)
    parser.add_argument("stage", type=_stage, help="small letters and digits, such as prod")
    for name, options in more:
        parser.add_argument(name, **options)  # type: ignore[arg-type]
    return parser.parse_args()


def _stage(text: str) -> str:
    if not STAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no stage: at most ten small letters and digits, a letter first")
    return text


def stack_name(stage: str, template: str) -> str:
    """What CloudFormation knows a stack of ours by."""
    return f"queue-manager-{stage}-{template.replace('_', '-')}"


def deployed(aws: boto3.Session, stage: str) -> dict[str, str]:
    """The parameters that the stage's functions were deployed with. Raises Impossible where there is no such stage."""
    cloudformation = aws.client("cloudformation")
    application = described(cloudformation, stack_name(stage, "application"))
    if application is None:
        raise Impossible(f"There is no stage {stage} in {cloudformation.meta.region_name}.")
    return parameters_of(application)


def described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack; None where there is none."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(stack)


def parameters_of(stack: dict[str, Any]) -> dict[str, str]:
    """The parameters that a stack was put up with."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


@contextmanager
def sentences() -> Iterator[None]:
    """Ends a command that failed with a sentence: ours, or what AWS says."""
    try:
        yield
    except Impossible as error:
        sys.exit(str(error))
    except CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} did not get there: see above.")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS: {error}")
