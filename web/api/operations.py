"""What every operation of the API has: who may call it, what it takes, and what the OpenAPI document says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from flask import Response, json, request
from pydantic import BaseModel

from core.storage.records import Transaction
from web import idempotency
from web.api import reading

PREFIX = "/api/v1"
JSON = "application/json"

View = Callable[..., Response]
Tag = Literal["Accounts", "Venues and queues", "The line", "Tickets", "Guests"]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a view, as `operation` has it."""

    name: str
    answers: type[BaseModel]
    tag: Tag
    status: int
    refusals: tuple[int, ...]
    takes: type[BaseModel] | None
    query: type[BaseModel] | None
    anyone: bool
    repeatable: bool
    cached: bool
    also: Mapping[int, type[BaseModel]]


OPERATIONS: dict[View, Operation] = {}
"""Those of all views that were made operations."""


def operation(
    answers: type[BaseModel],
    tag: Tag,
    *,
    status: int = 200,
    refusals: tuple[int, ...] = (),
    takes: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    anyone: bool = False,
    repeatable: bool = False,
    cached: bool = False,
    also: dict[int, type[BaseModel]] | None = None,
) -> Callable[[View], View]:
    """Make a view an operation: it is called with `account` unless `anyone` may, with `body` if it `takes` one,
    with `query` if there is one, and with the path's parameters.

    The rest is for the document: `refusals` lists the statuses of the problems that are its own, `also` further
    answers, `repeatable` an Idempotency-Key, `cached` an ETag.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def handle(**arguments: Any) -> Response:
            if not anyone:
                arguments["account"] = reading.bearer()
            if query is not None:
                arguments["query"] = reading.query(query)
            if takes is not None:
                arguments["body"] = reading.body(takes)
            return view(**arguments)

        OPERATIONS[handle] = Operation(
            name=view.__name__,
            answers=answers,
            tag=tag,
            status=status,
            refusals=refusals,
            takes=takes,
            query=query,
            anyone=anyone,
            repeatable=repeatable,
            cached=cached,
            also=also or {},
        )
        return handle

    return decorate


def shown(model: BaseModel, status: int = 200, etag: str | None = None) -> Response:
    """A model as the answer; with an ETag, 304 to whoever has it already."""
    if etag is not None and request.if_none_match.contains(etag):
        response = Response(status=304)
        response.set_etag(etag)
        return response
    response = Response(model.model_dump_json(), status, mimetype=JSON)
    if etag is not None:
        response.set_etag(etag)
    return response


def changed(
    who: str, work: Callable[[Transaction], BaseModel], *, status: int = 200, made: str | None = None
) -> Response:
    """Make a change once and answer with the model that `work` gives.

    `made` is the path, in the API, below which what was made is found by its id.
    """

    def run(tx: Transaction) -> idempotency.Change:
        answer = work(tx).model_dump(mode="json")
        return idempotency.Change(status, answer, None if made is None else f"{PREFIX}{made}/{answer['id']}")

    return answered(idempotency.make(who, run))


def answered(change: idempotency.Change) -> Response:
    """The response of a change that was made, now or before."""
    headers = {} if change.location is None else {"Location": change.location}
    return Response(json.dumps(change.body), change.status, headers, mimetype=JSON)
