"""What names are made of: those of guests, venues and queues stand on pages, in texts and in lines of a log.

Characters by their Unicode code points, as they stand between a regular expression's brackets (Python's, RE2's and
JavaScript's alike).
"""

# Control characters; marks that turn round the direction of what stands beside them; what is no more than a gap.
UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
# Joiners, variants and fillers: part of a name, and no name by themselves.
BLANK = r"\s\u034f\u115f\u1160\u17b4\u17b5\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0"
ONE_LINE = rf"^[^{UNSEEN}]*[^{UNSEEN}{BLANK}][^{UNSEEN}]*$"
"""One line with something to read on it."""
