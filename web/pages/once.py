"""A button acts once, however often it is pressed before its page was answered.

Each answered page has a random key of its own, and each of its forms a key made from that one, which stays the same
while the page refreshes itself.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

from flask import request

from core.storage.records import Once, Transaction
from web.idempotency import KEEP, fingerprint
from web.pages.sessions import staff_account
from web.services import current

PAGE_KEY = re.compile(r"[A-Za-z0-9_-]{16,32}")
# The last changes while the page refreshes itself.
NOT_PART_OF_THE_WISH = ("csrf_token", "key", "last_action")


def page_key() -> str:
    """The key of the page that is being rendered: the one it names itself when it refreshes, otherwise a new one."""
    named = request.args.get("page", "")
    return named if PAGE_KEY.fullmatch(named) else secrets.token_urlsafe(16)


def act_once(work: Callable[[Transaction], dict[str, Any]]) -> dict[str, Any]:
    """Run `work` in one transaction for the request's form, or give the answer that this form got before.

    Raises whatever `work` refuses with, and KeyReused where the form was filled in otherwise meanwhile.
    """
    key = request.form.get("key", "")
    if not PAGE_KEY.fullmatch(key):
        return current().records.transaction(work)
    wish = sorted((name, value) for name, value in request.form.items(multi=True) if name not in NOT_PART_OF_THE_WISH)
    # A path may be as long as whoever sends it likes.
    path = hashlib.sha256(request.path.encode()).hexdigest()
    scope = f"page {staff_account().id} {path}"
    return current().records.answer_once(Once(scope, key, fingerprint(repr(wish).encode()), KEEP), work)
