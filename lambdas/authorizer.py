"""Lets staff's requests through the gateway: a bearer's token whose session still stands. The API looks again.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from core.accounts import AccountService
from lambdas.staff import accounts
from lambdas.watching import watched
from lambdas.wiring import parts
from web import tokens


@cache
def service() -> AccountService:
    """The container's own. Raises SettingsError."""
    return accounts()


@watched
def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Allow this request in the name of the token's account, or deny it.

    A denial is the function's answer and no error of it, which would raise an alarm; the gateway makes it 401.
    """
    account_id = _account_of(event)
    effect = "Deny" if account_id is None else "Allow"
    decided = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [decided]}
    return {"principalId": account_id or "nobody", "policyDocument": policy}


def _account_of(event: Mapping[str, Any]) -> str | None:
    """The account whose session the request's token is of, where that still stands."""
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    token = tokens.of_header(headers.get("authorization", ""))
    if token is None:
        return None
    here = parts()
    try:
        account_id, session_version = tokens.read(token, here.settings.token_key, here.records.clock())
    except tokens.InvalidBearer:
        return None
    return None if service().of_session(account_id, session_version) is None else account_id
