"""The API's tokens: JWTs that last an hour, and end at once when the account's sessions do."""

import re
from datetime import UTC, datetime, timedelta

import jwt
from jwt.types import Options

from core.storage.accounts import Account

LIFE = timedelta(hours=1)
AUDIENCE = "queue-manager-api"
ALGORITHM = "HS256"
BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
CLAIMS = ["sub", "aud", "iat", "exp", "session"]


class InvalidBearer(Exception):
    """The token is forged, of another kind, or has expired."""


def issue(account: Account, key: str, now: datetime) -> tuple[str, datetime]:
    """A token for this account, and when it expires."""
    now = now.replace(microsecond=0)
    claims = {
        "sub": account.id,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + LIFE,
        "session": account.session_version,
    }
    return jwt.encode(claims, key, ALGORITHM), now + LIFE


def read(token: str, key: str, now: datetime) -> tuple[str, int]:
    """The account's id and the session version that a token was issued for. Raises InvalidBearer."""
    # The time is checked here, by the service's own clock.
    options: Options = {"require": CLAIMS, "verify_exp": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, key, [ALGORITHM], options=options, audience=AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise InvalidBearer from error
    if datetime.fromtimestamp(claims["exp"], UTC) <= now:
        raise InvalidBearer
    return claims["sub"], claims["session"]


def of_header(authorization: str) -> str | None:
    """The token of the header Authorization (RFC 6750), None where it names none as it should."""
    found = BEARER.fullmatch(authorization.strip())
    return None if found is None else found[1]
