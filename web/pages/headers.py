"""The headers that every page is answered with."""

from flask import Response

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def protected(response: Response, *, secret_address: bool = False) -> Response:
    """The answer, for this browser alone, with nothing foreign in it or around it.

    `secret_address`: its address opens a guest's ticket or an account, so it is told to nobody.
    """
    headers = response.headers
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer" if secret_address else "same-origin"
    headers.setdefault("Cache-Control", "private, no-store")
    if secret_address:
        headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
