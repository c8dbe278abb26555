"""What the commands of a stage have in common: where it is, how its stacks are called, and how a failure is said."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DEFAULT_REGION = "sa-east-1"
# Where CloudFront looks for web ACLs and certificates.
FRONT_REGION = "us-east-1"
# As long as RDS takes, and an hour more.
WAIT = {"Delay": 5, "MaxAttempts": 1440}


class Impossible(Exception):
    """It could not be done; the sentence says why, and what stands now."""


def session() -> boto3.Session:
    """In the region of AWS_REGION, which boto3 itself does not read."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION", DEFAULT_REGION))


def stack_name(stage: str, template: str) -> str:
    """What CloudFormation knows a stack of ours by."""
    return f"queue-manager-{stage}-{template.replace('_', '-')}"


@contextmanager
def sentences() -> Iterator[None]:
    """Ends a command that failed with a sentence: ours, or what AWS says."""
    try:
        yield
    except Impossible as error:
        sys.exit(str(error))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS: {error}")
