"""Who is logged in: a signed cookie for 12 hours from the last use, ended at once when the account's sessions are."""

from datetime import timedelta

from flask import Flask, Response, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.storage.accounts import Account
from web.services import Services, current

LENGTH = timedelta(hours=12)
# The cookie is written again only now and then: an answer that comes late must not bring an old one back.
RENEW_AFTER = timedelta(minutes=15)


def configure(app: Flask, services: Services) -> None:
    """Sign the application's session cookie, and keep it from scripts, other sites and plain HTTP."""
    app.secret_key = services.token_key
    app.config.update(
        PERMANENT_SESSION_LIFETIME=LENGTH,
        SESSION_COOKIE_NAME="queue_manager",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=services.public_url.startswith("https://"),
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # the API has no cookie, the webhooks have signatures
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # pages with secret addresses send no referrer
    )


def log_in(account: Account) -> None:
    """Begin a session, with nothing left of the one before."""
    session.clear()
    session.permanent = True
    session["account_id"] = account.id
    session["session_version"] = account.session_version
    session["renewed_at"] = current().clock().timestamp()


def log_out() -> None:
    """End the session in this browser."""
    session.clear()


def signed_in() -> Account | None:
    """The account of the request's session; None when there is none, or it has ended."""
    if "account" not in g:
        g.account = _account()
    account: Account | None = g.account
    return account


def staff_account() -> Account:
    """The account of a request that `ask_to_log_in` has let through."""
    account = signed_in()
    if account is None:
        raise AssertionError("a page for staff that asks nobody to log in")
    return account


def ask_to_log_in() -> AnyResponse | None:
    """Before each request to the staff's pages: whoever is not logged in is sent to where they can."""
    if signed_in() is not None:
        return None
    if request.headers.get("HX-Request"):
        return Response(headers={"HX-Redirect": url_for("accounts.home")})
    return redirect(url_for("accounts.home", next=request.path if request.method == "GET" else None), 303)


def _account() -> Account | None:
    account_id, version = session.get("account_id"), session.get("session_version")
    if account_id is None or version is None:
        return None
    now = current().clock().timestamp()
    if not now - LENGTH.total_seconds() <= session.get("renewed_at", 0.0) <= now + 60:
        session.clear()
        return None
    account = current().accounts.of_session(account_id, version)
    if account is None:
        session.clear()
    elif now - session["renewed_at"] > RENEW_AFTER.total_seconds():
        session["renewed_at"] = now
    return account
