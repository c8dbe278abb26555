"""Brings the database to the newest schema before any other function changes: a custom resource of the stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

import json
import os
import urllib.request
from collections.abc import Mapping
from typing import Any

import structlog

from core.settings import database_parameters
from core.storage.engine import open_engine
from core.storage.parameters import parameters
from core.storage.schema import migrate
from lambdas.watching import start_logging, watched

TIMEOUT_SECONDS = 10

log = structlog.get_logger(__name__)


@watched
def handle(event: Mapping[str, Any], context: Any) -> None:
    """Migrate when the resource is made or changed, and tell CloudFormation; deleting it changes nothing."""
    reason = None
    if event["RequestType"] != "Delete":
        try:
            _migrate()
        except Exception as error:
            # The function's edge: a stack that is never answered waits for an hour.
            log.exception("the database could not be migrated")
            reason = f"{type(error).__name__}; the log {context.log_stream_name} has it"
    _tell(event, "SUCCESS" if reason is None else "FAILED", reason)


def _migrate() -> None:
    """Needs the database and nothing else: the front may not stand yet. Raises SettingsError, and what alembic does."""
    url, password = database_parameters({**os.environ, **parameters(os.environ["PARAMETERS"])})
    start_logging([password] if password else [])
    migrate(open_engine(url, connections=1), leave_later=True)


def _tell(event: Mapping[str, Any], status: str, reason: str | None) -> None:
    answer = {
        "Status": status,
        "Reason": reason or "",
        "PhysicalResourceId": "schema",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
