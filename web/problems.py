"""Every error of the API as RFC 9457 problem+json, made in one place.

`type` is the public address of `/problems/<code>`; what a program may want to read of the cause stands beside
`title` and `detail`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from core.accounts import MailUnavailable
from core.errors import InvalidValue, OutcomeUnknown, RecordUnavailable, Refusal
from web.causes import CAUSES, reason, say, subject
from web.languages import asked_language, translated
from web.services import current

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
OF_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    500: "internal-error",
}

blueprint = Blueprint("problems", __name__)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that can't be used: in the body at a JSON pointer, or a parameter of the query or the header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def shown(self) -> dict[str, str]:
        """The item of the problem's list `errors`."""
        where = {"pointer": self.pointer, "parameter": self.parameter}
        return {name: value for name, value in where.items() if value is not None} | {"detail": self.detail}


class Problem(Exception):
    """An error of the API's own. `details` are what the cause's sentence needs."""

    def __init__(self, code: str, *faults: Fault, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.faults = faults
        self.headers = headers
        self.details = details


def register(app: Flask) -> None:
    """Answer what goes wrong in the API as a problem. Pages handle what is theirs in their own blueprints.

    Flask's own errors are left to whoever tells the API's from the pages'.
    """
    app.register_blueprint(blueprint)
    app.register_error_handler(Problem, _own)
    app.register_error_handler(Refusal, _refusal)
    for error, code in (
        (RecordUnavailable, "record-unavailable"),
        (OutcomeUnknown, "outcome-unknown"),
        (MailUnavailable, "mail-unavailable"),
    ):
        app.register_error_handler(error, partial(_unavailable, code))


@blueprint.get("/problems/<code>")
def explain(code: str) -> tuple[str, int, dict[str, str]]:
    """What a problem's type stands for, for whoever opens it."""
    cause = CAUSES.get(code)
    if cause is None:
        return "No problem has this name.\n", 404, {"Content-Type": "text/plain; charset=utf-8"}
    return f"{cause.title} (HTTP {cause.status})\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


def answer(
    code: str,
    faults: Sequence[Fault] = (),
    *,
    headers: Mapping[str, str] | None = None,
    retry_after: int | None = None,
    **details: Any,
) -> Response:
    """The one shape of an error, in the language that the request asks for."""
    cause, language = CAUSES[code], asked_language()
    body: dict[str, Any] = {
        "type": f"{current().public_url}/problems/{code}",
        "title": translated(cause.title, language),
        "status": cause.status,
        "detail": say(cause.detail, details | {"retry_after": retry_after}, language),
    }
    body |= {name: value for name, value in details.items() if name not in {*body, "subject", "sentence"}}
    if faults:
        body["errors"] = [fault.shown() for fault in faults]
    response = Response(json.dumps(body), cause.status, headers, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, no-store"
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    if cause.status == 401 and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def tell_operator(error: Exception) -> None:
    """Write down why a part could not be reached: who asked is told only that, and a full disk says no more."""
    reason: BaseException | None = error.__cause__
    while reason is not None and not str(reason):
        reason = reason.__cause__
    log.warning("%s: %s", type(error).__name__, reason)


def _unavailable(code: str, error: Exception) -> Response:
    tell_operator(error)
    return answer(code, retry_after=RETRY_AFTER_SECONDS)


def _own(problem: Problem) -> Response:
    return answer(problem.code, problem.faults, headers=problem.headers, **problem.details)


def _refusal(refusal: Refusal) -> Response:
    details = dict(refusal.details)
    faults = []
    if isinstance(refusal, InvalidValue):
        faults.append(Fault(reason(details, asked_language()), pointer=f"#/{details['field']}"))
        details = {"subject": subject(details, details["field"]), "sentence": faults[0].detail}
    if "ticket" in details:
        ticket = details.pop("ticket")
        details |= {"ticket_id": ticket.id, "number": ticket.number}
    return answer(refusal.code, faults, **details)


def http_error(error: HTTPException) -> AnyResponse:
    """One of Flask's own errors, in the API."""
    code = OF_STATUS.get(error.code or 500)
    if code is None:
        return error.get_response()
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return answer(code, headers=headers, method=request.method)
