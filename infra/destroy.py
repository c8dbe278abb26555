"""Takes a stage down: python -m infra.destroy STAGE

What guests and staff left is kept: the database as a snapshot, the accounts as a backup, files in their buckets, and
what is secret in Parameter Store, so that the stage can be put up again. The lines that it prints say where.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.deploy import DEFAULT_REGION, FRONT_REGION, WAIT, stack_name

BUCKETS = ("Code", "Logos", "Logs", "Static")


def destroy(session: Any, stage: str, now: datetime) -> Iterator[str]:
    """Take down front, functions, what is kept and the network; a sentence on each step.

    Raises WaiterError where CloudFormation could not delete a stack; begin again then.
    """
    cloudformation = session.client("cloudformation")
    yield from _delete(cloudformation, stage, "front")
    yield from _delete(session.client("cloudformation", region_name=FRONT_REGION), stage, "firewall")
    for template in ("log_search", "application", "proxy"):
        yield from _delete(cloudformation, stage, template)
    kept = _resources(cloudformation, stack_name(stage, "storage"))
    if kept:
        yield from _let_go(session, stage, kept, now)
        yield from _delete(cloudformation, stage, "storage")
        # It is retained by its stack, and its name would keep the next one from being made.
        session.client("dynamodb").delete_table(TableName=kept["Customer"])
        yield f"The files are in the buckets {', '.join(kept[name] for name in BUCKETS)}."
    yield from _delete(cloudformation, stage, "network")
    yield f"What is secret stays in Parameter Store, below /queue-manager/{stage}."


def _let_go(session: Any, stage: str, kept: dict[str, str], now: datetime) -> Iterator[str]:
    """Lift what protects the database and the accounts, which are copied first."""
    rds, dynamodb = session.client("rds"), session.client("dynamodb")
    backup = f"queue-manager-{stage}-customer-{now:%Y%m%d-%H%M%S}"
    dynamodb.create_backup(TableName=kept["Customer"], BackupName=backup)
    yield f"The accounts are in DynamoDB's backup {backup}."
    dynamodb.update_table(TableName=kept["Customer"], DeletionProtectionEnabled=False)
    rds.modify_db_instance(DBInstanceIdentifier=kept["Database"], DeletionProtection=False, ApplyImmediately=True)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=kept["Database"])
    yield f"The database {kept['Database']} leaves a last snapshot."


def _delete(cloudformation: Any, stage: str, template: str) -> Iterator[str]:
    name = stack_name(stage, template)
    if _resources(cloudformation, name):
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAIT)
        yield f"{name} is gone."


def _resources(cloudformation: Any, stack: str) -> dict[str, str]:
    """What a stack has, by the names in its template; nothing where there is no such stack."""
    try:
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if one.get("PhysicalResourceId")}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.destroy", description="Take a stage down.")
    parser.add_argument("stage")
    stage = parser.parse_args().stage
    if input(f"This ends the line of {stage} for its guests and staff. Type its name to go on: ") != stage:
        sys.exit("Nothing was changed.")
    session = boto3.Session(region_name=os.environ.get("AWS_REGION", DEFAULT_REGION))
    for line in destroy(session, stage, datetime.now(UTC)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
