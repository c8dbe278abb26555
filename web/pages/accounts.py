"""Staff accounts: log in and out, register, confirm the address, choose a new password."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core.accounts import MailUnavailable
from core.errors import InvalidToken, Refusal, WrongCredentials
from web import limits
from web.pages import venues
from web.pages.protection import protect
from web.pages.refusals import UNAVAILABLE, form_status, sentence, told
from web.pages.sessions import log_in, log_out, signed_in
from web.problems import tell_operator
from web.services import current

accounts = Blueprint("accounts", __name__)
protect(accounts, secret_address=True)

# What staff can be sent on to after logging in: a page of ours, with nothing in it that a browser would read otherwise.
OWN_PATH = re.compile(r"/(queues|venues)/[A-Za-z0-9/_-]+")

Page = str | tuple[str, int] | Response


@accounts.get("/")
def home() -> Page:
    """The venues of whoever is logged in; the form to log in for everybody else."""
    account = signed_in()
    return _log_in_page() if account is None else venues.overview(account)


@accounts.post("/log-in")
def begin_session() -> Page:
    """Log in, and go on to the page that was asked for."""
    try:
        account = limits.log_in(request.form.get("email", ""), request.form.get("password", ""))
    except Refusal as refusal:
        return _log_in_page(refusal), form_status(refusal)
    log_in(account)
    return redirect(_own_path(request.form.get("next", "")) or url_for("accounts.home"), 303)


@accounts.post("/log-out")
def end_session() -> Page:
    """Log out."""
    log_out()
    return redirect(url_for("accounts.home"), 303)


@accounts.get("/register")
def register_page() -> Page:
    """The form to register."""
    return render_template("register.html", open=current().accounts.open_sign_up)


@accounts.post("/register")
def register() -> Page:
    """Mail the link that makes the account."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    return _mail("register.html", limits.registering(email, password), lambda: limits.register(email, password), email)


@accounts.get("/verify")
def verify_page() -> Page:
    """Asks for the password: whoever had the link mailed chose it, which may have been a stranger."""
    return render_template("verify.html", token_of_mail=request.args.get("token", ""))


@accounts.post("/verify")
def verify() -> Page:
    """Make the account, and log in."""
    token = request.form.get("token", "")
    try:
        account = limits.verify(token, request.form.get("password", ""))
    except WrongCredentials:
        not_theirs = "This is not the password that was chosen. If you chose none, register anew: then it is yours."
        return render_template("verify.html", token_of_mail=token, refusal=not_theirs, wrong_field="password"), 422
    except InvalidToken as refusal:
        flash(sentence(refusal), "refusal")
        return redirect(url_for("accounts.register_page"), 303)
    except Refusal as refusal:
        return render_template("verify.html", token_of_mail=token, **told(refusal)), form_status(refusal)
    log_in(account)
    flash("Your address is confirmed. Welcome!", "said")
    return redirect(url_for("accounts.home"), 303)


@accounts.get("/forgot")
def forgot_page() -> Page:
    """The form to ask for a new password."""
    return render_template("forgot.html")


@accounts.post("/forgot")
def forgot() -> Page:
    """Mail the link to choose a new password."""
    email = request.form.get("email", "")
    return _mail("forgot.html", limits.asking_reset(email), lambda: limits.ask_reset(email), email)


@accounts.get("/reset")
def reset_page() -> Page:
    """The form to choose a new password."""
    return render_template("reset.html", token_of_mail=request.args.get("token", ""))


@accounts.post("/reset")
def reset() -> Page:
    """Change the password, and log in."""
    token = request.form.get("token", "")
    try:
        with limits.resetting():
            account = current().accounts.reset(token, request.form.get("password", ""))
    except Refusal as refusal:
        if refusal.code == "invalid-token":
            flash(sentence(refusal), "refusal")
            return redirect(url_for("accounts.forgot_page"), 303)
        return render_template("reset.html", token_of_mail=token, **told(refusal)), form_status(refusal)
    log_in(account)
    flash("Your new password is set.", "said")
    return redirect(url_for("accounts.home"), 303)


def _mail(template: str, guard: AbstractContextManager[None], ask: Callable[[], None], email: str) -> Page:
    """Do what mails a link, within its guard, and show the same form with what became of it."""
    form = {"open": current().accounts.open_sign_up, "email": email}
    try:
        with guard:
            ask()
    except Refusal as refusal:
        return render_template(template, **form, **told(refusal)), form_status(refusal)
    except MailUnavailable as error:
        tell_operator(error)
        return render_template(template, refusal=UNAVAILABLE[MailUnavailable], **form), 503
    return render_template("mailed.html", email=email)


def _log_in_page(refusal: Refusal | None = None) -> str:
    return render_template(
        "log_in.html",
        **told(refusal),
        email=request.form.get("email", ""),
        next=_own_path(request.values.get("next", "")),
        open=current().accounts.open_sign_up,
    )


def _own_path(path: str) -> str | None:
    """The path, if it is one of the staff's pages: nobody is sent elsewhere after logging in."""
    return path if OWN_PATH.fullmatch(path) else None
