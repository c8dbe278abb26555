"""Takes a stage down: python -m infra.destroy STAGE

What guests and staff left is kept: the database as a snapshot, the accounts in their table, files in their buckets, and
what is secret in Parameter Store, so that the stage can be put up again. The lines that it prints say where.
"""

import sys
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.stage import FRONT_REGION, WAIT, Impossible, arguments_of, sentences, session, stack_name
from infra.templates import STACKS

BUCKETS = ("Code", "Logos", "Logs", "Static")


def destroy(aws: Any, stage: str) -> Iterator[str]:
    """Take down front, functions, what is kept and the network; a sentence on each step.

    Raises Impossible where CloudFormation could not delete a stack; begin again then.
    """
    cloudformation = aws.client("cloudformation")
    if not any(_resources(cloudformation, stack_name(stage, template)) for template in STACKS):
        raise Impossible(f"There is no stage {stage} in {cloudformation.meta.region_name}.")
    yield from _delete(cloudformation, stage, "front")
    yield from _delete(aws.client("cloudformation", region_name=FRONT_REGION), stage, "firewall")
    for template in ("log_search", "application", "proxy"):
        yield from _delete(cloudformation, stage, template)
    kept = _resources(cloudformation, stack_name(stage, "storage"))
    if kept:
        yield from _let_go(aws, stage, kept)
        yield from _delete(cloudformation, stage, "storage")
        yield f"The accounts are in the table {kept['Customer']}, which is protected."
        yield f"The files are in the buckets {', '.join(kept[name] for name in BUCKETS if name in kept)}."
    yield from _delete(cloudformation, stage, "network")
    yield f"What is secret stays in Parameter Store, below /queue-manager/{stage}, and log search's beside it."


def _let_go(aws: Any, stage: str, kept: dict[str, str]) -> Iterator[str]:
    """Lift what protects the database, and forget the log-in of its proxy."""
    if "Database" in kept:
        rds = aws.client("rds")
        rds.modify_db_instance(DBInstanceIdentifier=kept["Database"], DeletionProtection=False, ApplyImmediately=True)
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=kept["Database"])
        yield f"The database {kept['Database']} leaves a last snapshot."
    secretsmanager = aws.client("secretsmanager")
    try:
        secretsmanager.delete_secret(SecretId=f"queue-manager/{stage}/database", ForceDeleteWithoutRecovery=True)
    except secretsmanager.exceptions.ResourceNotFoundException:
        return
    yield "The log-in of its proxy is forgotten."


def _delete(cloudformation: Any, stage: str, template: str) -> Iterator[str]:
    name = stack_name(stage, template)
    if _resources(cloudformation, name):
        cloudformation.delete_stack(StackName=name)
        try:
            cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAIT)
        except WaiterError as error:
            raise Impossible(
                f"{name} could not be deleted; CloudFormation says why. Mend it, and begin again."
            ) from error
        yield f"{name} is gone."


def _resources(cloudformation: Any, stack: str) -> dict[str, str]:
    """What a stack has, by the names in its template; nothing where there is no such stack."""
    try:
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in found
        if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE"
    }


def main() -> None:
    """The command."""
    stage = arguments_of("destroy", "Take a stage down.").stage
    print(f"This ends the line of {stage} for its guests and staff. Type its name to go on: ", end="", flush=True)
    if sys.stdin.readline().strip() != stage:
        sys.exit("Nothing was changed.")
    with sentences():
        for line in destroy(session(), stage):
            print(line, flush=True)


if __name__ == "__main__":
    main()
