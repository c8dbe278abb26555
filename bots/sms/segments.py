"""How many segments a text costs, and how to save some (GSM 03.38; Twilio's rules of counting).

A segment carries 160 characters of the GSM-7 alphabet, or 153 when there are several (152 from a toll-free
number, which no text of ours comes near); a single character outside it makes them 70 and 67 units of UCS-2.
"""

import unicodedata
from collections.abc import Iterable

LONGEST_TEXT = 1600
"""Characters; Twilio takes no more in one text, on SMS or on WhatsApp."""

_ONE_SEPTET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_SEPTETS = frozenset("\f^{}\\[~]|€")
_GSM = _ONE_SEPTET | _TWO_SEPTETS

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛`´′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−•·", "-"),
        **dict.fromkeys("\t\u00a0\u2007\u2009\u202f", " "),
        **dict.fromkeys("\u200b\u2060\ufeff", ""),
        "→": "->",
        "×": "x",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "œ": "oe",
        "Œ": "OE",
    }
)
"""What has a plain spelling that decomposition does not find."""


def segments(text: str) -> int:
    """How many segments the text is sent in; 0 for an empty one."""
    if _is_gsm(text):
        return _packed((2 if letter in _TWO_SEPTETS else 1 for letter in text), alone=160, among_others=153)
    return _packed((2 if ord(letter) > 0xFFFF else 1 for letter in text), alone=70, among_others=67)


def fit(text: str) -> str:
    """The text as it is, or spelled without the accents and typographic marks that GSM-7 lacks, if that saves
    segments: "Você é o 3º" costs nothing more and stays, a long text goes out as "Voce é o 3o".

    Nothing is dropped: a text with an emoji or a name in another script keeps those, and with them its
    accents, since it needs UCS-2 in any case.
    """
    spelled = _plainly(text)
    return spelled if _is_gsm(spelled) and segments(spelled) < segments(text) else text


def _is_gsm(text: str) -> bool:
    return _GSM.issuperset(text)


def _plainly(text: str) -> str:
    # Composed first, so that an é of two code points is the é that GSM-7 has.
    composed = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return "".join(letter if letter in _GSM else _without_marks(letter) for letter in composed)


def _without_marks(letter: str) -> str:
    decomposed = unicodedata.normalize("NFKD", letter)
    return "".join(part for part in decomposed if not unicodedata.combining(part)) or letter


def _packed(sizes: Iterable[int], *, alone: int, among_others: int) -> int:
    """How many segments letters of these sizes fill; none is cut in two."""
    count, room, total = 0, 0, 0
    for size in sizes:
        total += size
        if size > room:
            count, room = count + 1, among_others
        room -= size
    return min(count, 1) if total <= alone else count
