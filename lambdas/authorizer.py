"""Lets staff's requests through the gateway: a bearer's token whose session still stands. The API looks again.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from core.accounts import AccountService
from lambdas.staff import accounts
from lambdas.wiring import parts
from web import tokens


class Unauthorized(Exception):
    """What the gateway turns into 401: the sentence must be this word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@cache
def service() -> AccountService:
    """The container's own. Raises SettingsError."""
    return accounts()


def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Allow this request, in the name of the token's account. Raises Unauthorized."""
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    token = tokens.of_header(headers.get("authorization", ""))
    if token is None:
        raise Unauthorized
    here = parts()
    try:
        account_id, session_version = tokens.read(token, here.settings.token_key, here.records.clock())
    except tokens.InvalidBearer as error:
        raise Unauthorized from error
    if service().of_session(account_id, session_version) is None:
        raise Unauthorized
    allowed = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {"principalId": account_id, "policyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}
