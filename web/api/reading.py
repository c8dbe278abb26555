"""What a request brings, checked before anything is done with it: the bearer, the body, the query, the header."""

import re
from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.names import ONE_LINE
from core.storage.accounts import Account
from web import tokens
from web.languages import N_, asked_language, translated
from web.problems import Fault, Problem
from web.services import current

Model = TypeVar("Model", bound=BaseModel)

INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
# By pydantic's type of the error; what is filled in is its context.
SENTENCES = {
    "enum": N_("must be one of: %(expected)s"),
    "extra_forbidden": N_("is not known here"),
    "greater_than_equal": N_("must be %(ge)s or more"),
    "int_from_float": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_parsing_size": N_("is too large a number"),
    "int_type": N_("must be a whole number"),
    "less_than_equal": N_("must be %(le)s or less"),
    "list_type": N_("must be a list"),
    "literal_error": N_("must be one of: %(expected)s"),
    "missing": N_("is missing"),
    "model_attributes_type": N_("must be an object"),
    "model_type": N_("must be an object"),
    "none_required": N_("is not available yet; leave it out"),
    "string_pattern_mismatch": N_("must match %(pattern)s"),
    "string_too_long": N_("must have at most %(max_length)s characters"),
    "string_too_short": N_("must have at least %(min_length)s characters"),
    "string_type": N_("must be text"),
    "string_unicode": N_("must be text"),
    "too_short": N_("must name at least one"),
}


def bearer() -> Account:
    """The account that the request's token was issued to. Raises Problem `unauthorized`; cookies count for nothing."""
    header = request.headers.get("Authorization")
    if header is None:
        raise Problem("unauthorized", sentence=N_("Send the token of POST /api/v1/login as Authorization: Bearer."))
    token = tokens.of_header(header)
    if token is None:
        raise Problem("unauthorized", headers=INVALID, sentence=N_("The header Authorization must be: Bearer <token>."))
    services = current()
    try:
        account_id, session = tokens.read(token, services.token_key, services.clock())
    except tokens.InvalidBearer as error:
        sentence = N_("The token is not valid, or has expired. Log in again.")
        raise Problem("unauthorized", headers=INVALID, sentence=sentence) from error
    account = services.accounts.of_session(account_id, session)
    if account is None:
        sentence = N_("The token was revoked when the password changed. Log in again.")
        raise Problem("unauthorized", headers=INVALID, sentence=sentence)
    return account


def body(model: type[Model]) -> Model:
    """The request's JSON body, which may be left out where the model asks for nothing.

    Raises Problem `unsupported-media-type`, `malformed-json`, `invalid-values`.
    """
    data = request.get_data()
    if not data and not any(field.is_required() for field in model.model_fields.values()):
        return model()
    if not request.is_json:
        raise Problem("unsupported-media-type")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        broken = next((fault for fault in faults if fault["type"] == "json_invalid"), None)
        if broken is not None:
            raise _malformed(str(broken["ctx"]["error"])) from error
        raise _invalid([Fault(_sentence(fault), pointer=_pointer(fault)) for fault in faults]) from error


def query(model: type[Model]) -> Model:
    """The query's parameters; one that may come several times is a list. Raises Problem `invalid-values`."""
    values: dict[str, str | list[str]] = {}
    for name, field in model.model_fields.items():
        found = request.args.getlist(name)
        if found:
            values[name] = found if "list" in str(field.annotation) or len(found) > 1 else found[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        named = [Fault(_sentence(fault), parameter=str(fault["loc"][0])) for fault in faults]
        raise _invalid(named) from error


def invalid_parameter(name: str, sentence: str) -> Problem:
    """The problem of one parameter that can't be used."""
    return _invalid([Fault(translated(sentence, asked_language()), parameter=name)])


def _invalid(faults: list[Fault]) -> Problem:
    return Problem("invalid-values", *faults, count=len(faults))


def _malformed(parsers_words: str) -> Problem:
    line, column = re.findall(r"\d+", parsers_words)[-2:]
    return Problem("malformed-json", line=int(line), column=int(column), parser=parsers_words)


def _sentence(fault: ErrorDetails) -> str:
    context = dict(fault.get("ctx", {}))
    if "expected" in context:
        context["expected"] = context["expected"].replace(" or ", ", ")
    sentence = SENTENCES.get(fault["type"], N_("can't be used"))
    if context.get("pattern") == ONE_LINE:
        sentence = N_("must be one line with something to read on it")
    return translated(sentence, asked_language()) % context


def _pointer(fault: ErrorDetails) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in fault["loc"]]
    return "#" + "".join(f"/{part}" for part in parts)
