"""What names are made of: those of guests, venues and queues stand on pages, in texts and in lines of a log.

Characters by their Unicode code points, as they stand between a regular expression's brackets (Python's, RE2's and
JavaScript's alike).
"""

import re

CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# Of no width, or turning round the direction of what stands beside them; some come with what is pasted.
MARKS = r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
# Accents, joiners, variants and fillers: part of a name, and no name by themselves.
BLANK = r"\s\u0300-\u036f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc"
ONE_LINE = rf"^[^{CONTROL}]*[^{CONTROL}{MARKS}{BLANK}][^{CONTROL}]*$"
"""One line with something to read on it."""

_DROPPED = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{MARKS}]")
_NAME = re.compile(ONE_LINE)


def tidy_text(text: str) -> str:
    """Lines as people type and paste them, without marks and control characters, nor space around them."""
    return _DROPPED.sub("", text.replace("\r\n", "\n")).strip()


def tidy_name(text: str) -> str:
    """A name as people type and paste it, in one line and without marks; empty where nothing to read is left."""
    name = " ".join(_DROPPED.sub("", " ".join(text.split())).split())
    return name if _NAME.fullmatch(name) else ""
