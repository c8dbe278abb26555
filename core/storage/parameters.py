"""Settings that are kept in AWS SSM Parameter Store."""

import boto3


def parameters(path: str) -> dict[str, str]:
    """What stands directly below a path such as /queue-manager/prod: decrypted, by the last part of its name.

    Raises botocore's ClientError where it may not be read.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
    """
    pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    return {
        parameter["Name"].rpartition("/")[2]: parameter["Value"] for page in pages for parameter in page["Parameters"]
    }
