"""Settings that are kept in AWS SSM Parameter Store."""

from typing import Any

import boto3

from core.storage.aws import PATIENT


def parameters(path: str, ssm: Any = None) -> dict[str, str]:
    """What stands directly below a path such as /queue-manager/prod: decrypted, by the last part of its name.

    ssm: boto3's client, where it is not that of the environment. Raises botocore's ClientError where it may not be
    read.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
    """
    ssm = ssm or boto3.client("ssm", config=PATIENT)
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    return {
        parameter["Name"].rpartition("/")[2]: parameter["Value"] for page in pages for parameter in page["Parameters"]
    }
