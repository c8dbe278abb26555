"""What every page tells the browser not to do, the tokens that tell our forms from foreign ones, and what is shown
when something goes wrong."""

from flask import Blueprint, Response, flash, g, redirect, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from core.errors import Refusal
from web.causes import CAUSES
from web.languages import asked_language
from web.languages import words as guest_words
from web.pages.headers import protected
from web.pages.refusals import UNAVAILABLE, sentence
from web.problems import RETRY_AFTER_SECONDS, tell_operator

csrf = CSRFProtect()


def protect(blueprint: Blueprint, *, secret_address: bool = False, for_guests: bool = False) -> None:
    """Give every answer of a blueprint the pages' headers, ask every POST for its token, and show errors as pages.

    `secret_address`: its addresses open a guest's ticket or an account, so they are told to nobody.
    """
    explained = _guests_error_page if for_guests else _staffs_error_page

    def refused(refusal: Refusal) -> tuple[str, int]:
        return explained(sentence(refusal)), CAUSES[refusal.code].status

    def unavailable(error: Exception) -> tuple[str, int, dict[str, str]]:
        tell_operator(error)
        return explained(UNAVAILABLE[type(error)]), 503, {"Retry-After": str(RETRY_AFTER_SECONDS)}

    blueprint.before_request(csrf.protect)
    blueprint.register_error_handler(CSRFError, _form_too_old)
    blueprint.register_error_handler(Refusal, refused)
    for kind in UNAVAILABLE:
        blueprint.register_error_handler(kind, unavailable)

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        return protected(response, secret_address=secret_address)


def _form_too_old(_error: CSRFError) -> AnyResponse:
    """A form without a valid token: from another site, or older than the session. Nothing was done."""
    flash("This page was too old, so nothing was changed. Please try again.", "refusal")
    return redirect(_page_of_form(), 303)


def _page_of_form() -> str:
    """The page that holds the form which was sent: a board's and a guest's forms lie below their page's path."""
    if request.path.startswith(("/queues/", "/t/")):
        return "/".join(request.path.split("/")[:3])
    return request.path if request.path in ("/register", "/forgot") else "/"


def _staffs_error_page(words: str) -> str:
    # Who is logged in may be what could not be found out.
    g.setdefault("account", None)
    return render_template("error.html", words=words)


def _guests_error_page(_words: str) -> str:
    again = request.path.removesuffix("/leave").removesuffix("/live")
    return render_template("guest_error.html", again=again, **guest_words(asked_language()))
