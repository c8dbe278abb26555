"""Accounts in DynamoDB: the table `customer` by address, and `pre-customer` with what mailed links stand for.

Steps that change both tables do so in one transaction, on the condition that nobody was quicker.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import math
import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from core.clock import Clock
from core.errors import OutcomeUnknown, RecordUnavailable
from core.storage.accounts import Account, AccountToken
from core.storage.aws import PATIENT, asking

BY_ID = "by-id"
TRIES = 8
# An account that was just made may not be in the index yet, and its first page asks for it.
LOOKS, LAG_SECONDS = 4, 0.1
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.5
# Why a transaction was cancelled. boto3 tries none of them again:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
CONDITION_FAILED = "ConditionalCheckFailed"
PASSING = {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}


class DynamoAccountStore:
    """An `AccountStore` in two tables. Its methods raise RecordUnavailable and OutcomeUnknown."""

    def __init__(self, customer: str, pre_customer: str, clock: Clock, dynamodb: Any = None) -> None:
        dynamodb = dynamodb or boto3.resource("dynamodb", config=PATIENT)
        self._customer, self._pre_customer = dynamodb.Table(customer), dynamodb.Table(pre_customer)
        self._client = dynamodb.meta.client
        self.clock = clock

    def get(self, account_id: str) -> Account | None:
        """The account with this id."""
        wanted = Key("id").eq(account_id)
        for left in reversed(range(LOOKS)):
            found = _ask(self._customer.query, IndexName=BY_ID, KeyConditionExpression=wanted)["Items"]
            if found:
                # An index lags behind; whether a session still stands must not.
                return self.by_email(found[0]["email"])
            if left:
                time.sleep(LAG_SECONDS)
        return None

    def by_email(self, email: str) -> Account | None:
        """The account with this address."""
        if not email:
            return None
        item = _ask(self._customer.get_item, Key={"email": email}, ConsistentRead=True).get("Item")
        return None if item is None else _account(item)

    def add(self, account: Account) -> bool:
        """Keep a new account; False where the address has one."""
        return self._write(self._put_account(account))

    def keep_token(self, token: AccountToken) -> bool:
        """Keep what a link stands for; False where there is nothing to verify, or to reset."""
        account = self.by_email(token.email)
        if (account is None) is not (token.purpose == "verify"):
            return False
        version = 0 if account is None else account.session_version
        _ask(self._pre_customer.put_item, Item=_item(token, version))
        return True

    def token(self, token_hash: str, purpose: str) -> AccountToken | None:
        """What an unexpired link stands for."""
        return self._token(token_hash, purpose)[0]

    def verify(self, token_hash: str, account_id: str) -> Account | None:
        """Make the account of a link, or give the one that it made; None where it is worth nothing."""
        for _ in range(TRIES):
            kept, _version = self._token(token_hash, "verify")
            if kept is None or kept.password_hash is None:
                return None
            account = self.by_email(kept.email)
            if account is not None:
                return account if account.password_hash == kept.password_hash else None
            now = self.clock()
            account = Account(account_id, kept.email, kept.password_hash, 1, now)
            used = {"TableName": self._pre_customer.name, "Item": _item(kept.used(kept.password_hash, now), 0)}
            if self._write(self._put_account(account), {"Put": used}):
                return account
        raise RecordUnavailable

    def reset(self, token_hash: str, password_hash: str) -> Account | None:
        """Change the password through a link, or give the account whose password it changed.

        Every other link to reset is worth nothing then. None for a link that is worth nothing.
        """
        for _ in range(TRIES):
            kept, version = self._token(token_hash, "reset")
            account = None if kept is None else self.by_email(kept.email)
            if kept is None or account is None:
                return None
            if kept.password_hash is not None:
                return account if kept.password_hash == account.password_hash else None
            if version != account.session_version:
                again, _ = self._token(token_hash, "reset")
                if again is None or again.password_hash is None:
                    return None
                continue  # it was used between the two looks
            change = {
                "TableName": self._customer.name,
                "Key": {"email": account.email},
                "UpdateExpression": "SET password_hash = :new, session_version = :next",
                "ConditionExpression": "session_version = :before",
                "ExpressionAttributeValues": {":new": password_hash, ":next": version + 1, ":before": version},
            }
            used = _item(kept.used(password_hash, self.clock()), version)
            if self._write({"Update": change}, {"Put": {"TableName": self._pre_customer.name, "Item": used}}):
                return Account(account.id, account.email, password_hash, version + 1, account.created_at)
        raise RecordUnavailable

    def _token(self, token_hash: str, purpose: str) -> tuple[AccountToken | None, int]:
        """What an unexpired link stands for, and the version of the sessions that it was mailed in.

        The table forgets late what has expired, so the time is looked at here.
        """
        item = _ask(self._pre_customer.get_item, Key={"id": token_hash}, ConsistentRead=True).get("Item")
        if item is None or item["purpose"] != purpose:
            return None, 0
        expires_at = datetime.fromisoformat(item["valid_until"])
        token = AccountToken(token_hash, purpose, item["email"], item.get("password_hash"), expires_at)
        return (token if expires_at > self.clock() else None), int(item["session_version"])

    def _put_account(self, account: Account) -> dict[str, Any]:
        item = {
            "email": account.email,
            "id": account.id,
            "password_hash": account.password_hash,
            "session_version": account.session_version,
            "created_at": account.created_at.isoformat(),
        }
        new = "attribute_not_exists(email)"
        return {"Put": {"TableName": self._customer.name, "Item": item, "ConditionExpression": new}}

    def _write(self, *changes: dict[str, Any]) -> bool:
        """Make all of these changes, or none where a condition failed: somebody was quicker; the caller looks again.

        Where somebody else is just changing the same, or DynamoDB has too much to do, it is not known yet whether the
        conditions hold, so it is tried again. Raises RecordUnavailable, OutcomeUnknown.
        """
        pause = PAUSE_SECONDS
        for left in reversed(range(TRIES)):
            try:
                _ask(self._client.transact_write_items, TransactItems=list(changes))
            except RecordUnavailable as error:
                reasons = _reasons(error.__cause__)
                if CONDITION_FAILED in reasons:
                    return False
                if _may_be_done(error.__cause__):
                    raise OutcomeUnknown from error.__cause__
                if not left or not reasons & PASSING:
                    raise
            else:
                return True
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        raise AssertionError("unreachable")


def _ask(call: Callable[..., Any], **asked: Any) -> Any:
    """What DynamoDB answers: every call goes through here. Raises RecordUnavailable."""
    with asking(RecordUnavailable):
        return call(**asked)


def _reasons(error: BaseException | None) -> set[str]:
    """Why a transaction was cancelled, by the codes that its changes have; none where another error came."""
    reasons = error.response.get("CancellationReasons", ()) if isinstance(error, ClientError) else ()
    return {reason["Code"] for reason in reasons}


def _may_be_done(error: BaseException | None) -> bool:
    """Whether a change may have been made all the same: DynamoDB had it, and its answer was lost, or is no answer.

    boto3 asks again by itself, with the same token, which makes no change twice; of its tries it tells the last alone.
    """
    if not isinstance(error, ClientError):
        return True
    answered = error.response["ResponseMetadata"]
    asked_before: bool = answered.get("RetryAttempts", 0) > 0
    in_progress = error.response["Error"]["Code"] == "TransactionInProgressException"
    return asked_before or in_progress or answered["HTTPStatusCode"] >= 500


def _account(item: dict[str, Any]) -> Account:
    created_at = datetime.fromisoformat(item["created_at"])
    return Account(item["id"], item["email"], item["password_hash"], int(item["session_version"]), created_at)


def _item(token: AccountToken, session_version: int) -> dict[str, Any]:
    item = {
        "id": token.token_hash,
        "purpose": token.purpose,
        "email": token.email,
        "session_version": session_version,
        "valid_until": token.expires_at.isoformat(),
        "expires_at": math.ceil(token.expires_at.timestamp()),
    }
    return item if token.password_hash is None else item | {"password_hash": token.password_hash}
