"""What every operation of the API has: who may call it, what it takes, and its place in the OpenAPI document."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from flask import Response, json, request
from pydantic import BaseModel, Field
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from core.storage.records import Transaction
from web import idempotency
from web.api import reading

PREFIX = "/api/v1"
JSON = "application/json"

View = Callable[..., Response]
Tag = Literal["Accounts", "Venues and queues", "The line", "Tickets", "Guests"]


class ProblemShape(BaseModel):
    """What went wrong (RFC 9457). Some causes add members of their own."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = Field(default=None, description="Each value that can't be used, and why.")


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


class KeyHeader(BaseModel):
    """The header of a change that may be repeated."""

    key: str = Field(
        default="",
        alias="Idempotency-Key",
        json_schema_extra=_without_default,
        min_length=1,
        max_length=idempotency.LONGEST,
        pattern=idempotency.PATTERN,
        description="Repeat a request under the same key: it is done once, and answered alike for 24 hours.",
    )


openapi = SpecTree(
    "flask",
    title="Queue Manager",
    version="1",
    description="Waiting lines for venues: who waits, who is called, and where a guest stands.",
    mode="strict",
    annotations=False,
    naming_strategy=lambda model: model.__name__.removesuffix("Shape"),
    nested_naming_strategy=lambda _parent, child: child.removesuffix("Shape"),
    validation_error_model=ProblemShape,
    security_schemes=[
        SecurityScheme(
            name="bearer",
            data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer", bearer_format="JWT"),
        )
    ],
)


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

        problems = {*refusals, 500, 503}
        problems |= set() if anyone else {401}
        problems |= set() if takes is None else {400, 413, 415, 422}
        problems |= set() if query is None else {422}
        problems |= {400, 413, 422} if repeatable else set()
        models: dict[str, Any] = {f"HTTP_{code}": ProblemShape for code in problems}
        models |= {f"HTTP_{code}": model for code, model in {status: answers, **(also or {})}.items()}
        validated = openapi.validate(
            json=takes,
            query=query,
            headers=KeyHeader if repeatable else None,
            resp=Answers(*(["HTTP_304"] if cached else []), **models),
            tags=[tag],
            security=None if anyone else {"bearer": []},
            validation_error_status=min(problems & {422} or {500}),
            operation_id=view.__name__,
            skip_validation=True,
        )
        documented: View = validated(handle)
        return documented

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
