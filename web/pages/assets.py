"""The style sheet and the scripts, under names that change with their content, so that browsers may keep them."""

import hashlib
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, abort, url_for

OURS = Path(__file__).parent.parent / "static"
KEEP = "public, max-age=31536000, immutable"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

assets = Blueprint("assets", __name__)


def _contents() -> dict[str, bytes]:
    contents = {path.name: path.read_bytes() for path in sorted(OURS.iterdir()) if path.suffix in TYPES}
    contents["htmx.js"] = (files("js_lib_htmx") / "static/htmx/htmx.min.js").read_bytes()
    return contents


CONTENTS = _contents()
HASHES = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in CONTENTS.items()}


def content_type(name: str) -> str:
    """What kind of file it is, for HTTP. KeyError for one that does not exist."""
    return TYPES[Path(name).suffix]


def asset(name: str) -> str:
    """The path of a file of the pages, such as `pages.css`. KeyError for one that does not exist."""
    return url_for("assets.serve", hash_=HASHES[name], name=name)


@assets.get("/assets/<hash_>/<name>")
def serve(hash_: str, name: str) -> Response:
    """A file as it is now; 404 under the name of an older one."""
    if HASHES.get(name) != hash_:
        abort(404)
    response = Response(CONTENTS[name], content_type=content_type(name))
    response.headers["Cache-Control"] = KEEP
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
