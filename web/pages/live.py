"""Pages that refresh themselves by asking every two seconds, and are told 304 as long as nothing has changed."""

from collections.abc import Callable

from flask import Response, request


def fresh_or_rendered(tag: str, render: Callable[[], str]) -> Response:
    """304 where the asker's page shows what `tag` stands for; what `render` gives otherwise."""
    same = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if same else Response(render(), content_type="text/html; charset=utf-8")
    response.set_etag(tag, weak=True)
    return response
