"""Makes the OpenAPI document from the operations: spectree's, with what it can't say of them added.

Heavy: import this module where the document is asked for only. It takes spectree, and the schemas of all models.
"""

from typing import Any

from flask import Flask
from pydantic import BaseModel, Field
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from web import idempotency
from web.api.operations import JSON, OPERATIONS, Operation, View
from web.problems import MEDIA_TYPE

ETAG = {"ETag": {"description": "Send it as If-None-Match.", "schema": {"type": "string"}}}
RETRY_AFTER = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
HEADERS = {
    "304": ETAG,
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "503": RETRY_AFTER,
}


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


def document_of(app: Flask) -> dict[str, Any]:
    """The document of the operations among an application's routes."""
    # Spectree reads an application's routes: this one has no others, and answers nobody.
    tree = _new_tree()
    described = Flask("api", static_folder=None)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if view in OPERATIONS:
            known = _described(tree, view, OPERATIONS[view])
            described.add_url_rule(rule.rule, rule.endpoint, known, methods=rule.methods)
    with described.app_context():
        return _completed(tree.spec)


def _new_tree() -> SpecTree:
    return SpecTree(
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


def _described(tree: SpecTree, view: View, operation: Operation) -> View:
    """The view, known to the tree."""
    problems = {*operation.refusals, 500, 503}
    problems |= set() if operation.anyone else {401}
    problems |= set() if operation.takes is None else {400, 413, 415, 422}
    problems |= set() if operation.query is None else {422}
    problems |= {400, 413, 422} if operation.repeatable else set()
    models: dict[str, Any] = {f"HTTP_{code}": ProblemShape for code in problems}
    answers = {operation.status: operation.answers, **operation.also}
    models |= {f"HTTP_{code}": model for code, model in answers.items()}
    known: View = tree.validate(
        json=operation.takes,
        query=operation.query,
        headers=KeyHeader if operation.repeatable else None,
        resp=Answers(*(["HTTP_304"] if operation.cached else []), **models),
        tags=[operation.tag],
        security=None if operation.anyone else {"bearer": []},
        validation_error_status=min(problems & {422} or {500}),
        operation_id=operation.name,
        skip_validation=True,
    )(view)
    return known


def _completed(spec: dict[str, Any]) -> dict[str, Any]:
    # Each operation says itself whether it asks for a token.
    spec.pop("security")
    for name, schema in spec["components"]["schemas"].items():
        schema["title"] = name
    for path in spec["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                _complete_body(operation["requestBody"], spec["components"]["schemas"])
            for status, answer in operation["responses"].items():
                _complete(status, answer)
    return spec


def _complete_body(body: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A body that asks for nothing may be left out."""
    schema = schemas[body["content"][JSON]["schema"]["$ref"].rpartition("/")[2]]
    body["required"] = "oneOf" in schema or bool(schema.get("required"))


def _complete(status: str, answer: dict[str, Any]) -> None:
    """Problems have a media type of their own, and some answers a header."""
    if status >= "400":
        answer["content"] = {MEDIA_TYPE: answer["content"][JSON]}
    if status in HEADERS:
        answer["headers"] = HEADERS[status]
