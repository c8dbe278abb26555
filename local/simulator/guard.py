"""Who may reach the simulator: this machine's programs and people, not a tunnel or another page."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

PREFIX = "/simulator"
LOCAL_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))
# Whoever stands in front of the server adds one of these. The server must hand them through (waitress:
# clear_untrusted_proxy_headers=False), or a tunnel on this machine looks like the machine itself.
FORWARDING_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "Cf-Connecting-Ip",
)
LARGEST_BODY = 256 * 1024
# No inline script or style, no foreign host, no frame around it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def only_this_machine() -> None:
    """Answers 404 to everyone else, as if there were no simulator. A foreign Host is a rebound DNS name.

    A proxy that was told nothing may name us as the Host, and nobody as its client: nginx then speaks HTTP/1.0, as no
    browser and no program of ours does.
    """
    if request.blueprint != "simulator" and not f"{request.path}/".startswith(f"{PREFIX}/"):
        return
    proxied = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"
    forwarded = proxied or any(header in request.headers for header in FORWARDING_HEADERS)
    if forwarded or not _loopback(request.remote_addr) or _host_name() not in LOCAL_HOSTS:
        abort(404)
    request.max_content_length = LARGEST_BODY


def switched_off(public_url: str) -> Blueprint:
    """What stands in the simulator's place where others may reach the server.

    A proxy on this machine can look like a program of this machine: then nobody is let in rather than everybody.
    """
    blueprint = Blueprint("simulator", __name__, url_prefix=PREFIX)
    why = f"The simulator is switched off, because PUBLIC_URL is {public_url}: it runs for localhost alone.\n"

    @blueprint.get("/", defaults={"rest": ""}, strict_slashes=False)
    @blueprint.get("/<path:rest>")
    def say_why(**_rest: str) -> Response:
        return Response(why, 404, content_type="text/plain; charset=utf-8")

    return blueprint


def protect(response: Response) -> Response:
    """Headers that keep what guests wrote from being more than text."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _host_name() -> str | None:
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        return None
