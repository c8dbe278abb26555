"""The page for what went wrong before any of our pages could say it better, in the browser's language."""

from flask import make_response, render_template
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.wrappers import Response

from web.languages import asked_language, words
from web.pages.headers import protected

KEPT = ("Allow", "Retry-After")


def error_page(error: HTTPException) -> Response:
    """The page with the error's status. It reads nothing from the record, which may be what is away."""
    if error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, BadHost):
        # For such a host no address can be made, not even that of the style sheet.
        return protected(make_response("This is no host's name.", error.code, {"Content-Type": "text/plain"}))
    page = render_template("http_error.html", code=error.code, **words(asked_language()))
    headers = {name: value for name, value in error.get_headers() if name in KEPT}
    return protected(make_response(page, error.code, headers))
