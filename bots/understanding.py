"""From a guest's text to what it asks for.

`JOIN [code] [party size] [name]` (the last two in any order) · `POSITION` · `LEAVE` · `LATE [n]` · `HERE` ·
`HELP` · `LANGUAGE pt`, with the words of every language understood in every language (`bots.words`),
Telegram's commands ("/join@OurBot DEMO 4", "/start DEMO"), and numbers by themselves. Case, accents,
punctuation and small slips of the thumb don't matter.

Which queues there are is not known here. So a join only names the words that may be a join code, likeliest
first; whoever knows the queues takes the first that exists and asks for the rest:

    code = next((code for code in intent.codes if exists(code)), None)
    size, name = intent.party(code)

"JOIN Ana 4" has the one candidate "ANA"; where no queue is called so, `party(None)` reads a party of 4 named
Ana.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from rapidfuzz.distance import OSA

from bots.words import (
    AFTER_A_NUMBER,
    BEFORE_A_NUMBER,
    CARRIER_WORDS,
    COMMANDS,
    EVERYDAY,
    FILLERS,
    LANGUAGE_WORDS,
    LANGUAGES,
    LONGEST_WORD,
    MESSAGE_WORDS,
    NO_MORE,
    NO_NAMES,
    NUMBERS,
    ONE,
    OPT_OUT_ALONE,
    OPT_OUT_WORDS,
    POSTER_WORD,
    QUEUE_WORDS,
    nearest_language,
    plain,
)
from core.names import tidy_name

LARGEST_NUMBER = 1_000_000
"""Larger numbers come out as this one (and smaller than its negative as that)."""

MOST_WORDS_OF_A_BARE_JOIN = 8
MOST_CODES = 3
MOST_TELLING_WORDS = 40

_SEPARATORS = re.compile(r"[\s;|]+|,(?!\d)|(?<!\d),|:(?!\d)")
_WHOLE_NUMBER = re.compile(r"x?([+-]?\d+)(?:x|p|pax|ppl)?", re.IGNORECASE)
_SOME_NUMBER = re.compile(r"(?=[.,/⁄+-]*\d)[\d.,/⁄+-]+")
_CODE = re.compile(r"[A-Z0-9_-]{1,64}")


class Kind(StrEnum):
    """What a text asks for."""

    JOIN = "join"
    POSITION = "position"
    LEAVE = "leave"
    LATE = "late"
    HERE = "here"
    HELP = "help"
    LANGUAGE = "language"
    NUMBER = "number"
    UNKNOWN = "unknown"


class Party(NamedTuple):
    """How many, and under what name; None is not said. `size` may be 0, below or huge: said, but no party."""

    size: int | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a text asks for.

    languages: those that its words belong to; none where they don't tell, as for Telegram's commands.
    words: JOIN: what followed, as typed. UNKNOWN: all that was typed.
    codes: JOIN: which of the words may be a join code, in upper case, likeliest first; at most three.
    bare: JOIN: the word JOIN itself was missing ("DEMO 4 Ana"): a join only if one of `codes` exists,
        otherwise not understood (or an answer to what was asked: see `answer`).
    number: NUMBER: the number. LATE: how many parties to let pass, None when not said.
    language: LANGUAGE: one of `bots.words.LANGUAGES`, None when none that we speak was named.
    opting_out: UNKNOWN, or a bare JOIN: it sounds like a wish for no more messages, in words that are not the
        carrier's.
    """

    kind: Kind
    languages: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    bare: bool = False
    number: int | None = None
    language: str | None = None
    opting_out: bool = False

    def party(self, code: str | None) -> Party:
        """Party size and name among `words`, leaving out the first word that is `code`."""
        words = list(self.words)
        at = next((index for index, word in enumerate(words) if code and _code(word) == code), None)
        if at is not None:
            del words[at]
        return _party(words)

    @property
    def answer(self) -> Party:
        """The answer to "how many?" that the text may be: its one number, and the name behind that ("4 Ana").

        Everyday words are no name: "just 2", "2 thanks". No size where there are two ("5 or 6").
        """
        if self.number is not None:
            return Party(self.number, None)
        at, size = _size(self.words)
        if at is None or len([word for word in self.words if _number(word) is not None]) > 1:
            return Party(None, None)
        behind = [word for word in self.words[at + 1 :] if plain(word) not in NO_NAMES]
        return Party(size, _name(behind))


def understand(text: str, language: str | None) -> Intent:
    """What the text asks for. Never raises, whatever the text.

    language: the one that its writer is known to speak, one of `bots.words.LANGUAGES`; None where that is not known.
    Words of every language are understood all the same; it tells apart what is a name in one and a number in another.
    """
    words = [word for word in _SEPARATORS.split(text) if word]
    if not words:
        return Intent(Kind.UNKNOWN)
    if words[0].startswith("/"):
        return _slash_command(words[0], words[1:])
    intent = _understood(words, language)
    return replace(intent, languages=_languages(words, intent))


def _understood(words: Sequence[str], language: str | None) -> Intent:
    if (whole := plain("".join(words))) in CARRIER_WORDS:
        return Intent(Kind.UNKNOWN, words=tuple(words), opting_out=whole in OPT_OUT_WORDS or _opting_out(words))
    number = _only_number(words, language)
    if number is not None:
        return Intent(Kind.NUMBER, number=number)
    command = _command_in(words) or _language_by_name(words)
    return command or replace(_bare_join(words), opting_out=_opting_out(words))


def _slash_command(command: str, rest: Sequence[str]) -> Intent:
    name = command[1:].partition("@")[0]
    if name.lower() == "start":
        # Telegram's own first command. What follows comes from a deep link: a code, whatever it looks like.
        codes = tuple(filter(None, [_code(rest[0])])) if rest else ()
        return Intent(Kind.JOIN, words=tuple(rest), codes=codes) if codes else Intent(Kind.HELP)
    # The app offers the same commands to everybody, so tapping one says nothing about the guest's language.
    unknown = Intent(Kind.UNKNOWN, opting_out=plain(name) in OPT_OUT_WORDS)
    return replace(_command(name, rest) or unknown, languages=())


def _command_in(words: Sequence[str]) -> Intent | None:
    start = next((index for index, word in enumerate(words) if plain(word) not in FILLERS), None)
    return None if start is None else _command(words[start], words[start + 1 :])


def _command(word: str, rest: Sequence[str]) -> Intent | None:
    found = _nearest(plain(word), _COMMAND_WORDS)
    if found is None:
        return None
    kind, languages = found
    intent = Intent(Kind(kind), languages=languages)
    if kind == Kind.JOIN:
        return replace(intent, words=tuple(rest), codes=_codes(rest))
    if kind == Kind.LANGUAGE:
        return replace(intent, language=_language_named(rest))
    rest = [each for each in rest if plain(each) not in FILLERS]
    if kind == Kind.LATE and len(rest) == 1:
        number = _number(rest[0])
        return None if number is None else replace(intent, number=number)
    # "Leave" alone is a command; a sentence that begins with it may mean the opposite.
    return None if rest else intent


def _language_named(words: Sequence[str]) -> str | None:
    # The longest first: "en" and "es" name languages, and are words too ("idioma en español").
    for word in sorted(words, key=len, reverse=True):
        found = _nearest(plain(word), _LANGUAGES_BY_WORD)
        named = found[0] if found else nearest_language(word)
        if named:
            return named
    return None


def _language_by_name(words: Sequence[str]) -> Intent | None:
    name = plain(words[0])
    if len(words) == 1 and len(name) >= 5 and name in _LANGUAGES_BY_WORD:
        return Intent(Kind.LANGUAGE, language=_LANGUAGES_BY_WORD[name][0])
    return None


def _languages(words: Sequence[str], intent: Intent) -> tuple[str, ...]:
    """The languages that all telling words have in common; a party's name tells nothing."""
    if intent.kind is Kind.JOIN and not intent.bare:
        words = words[: len(words) - len(intent.words)]
    telling = [_SPOKEN_IN[word] for word in map(plain, words[:MOST_TELLING_WORDS]) if word in _SPOKEN_IN]
    if intent.languages:
        telling.append(intent.languages)
    common = tuple(language for language in LANGUAGES if telling and all(language in each for each in telling))
    return common if len(common) < len(LANGUAGES) else ()


def _opting_out(words: Sequence[str]) -> bool:
    said = [word for word in map(plain, words) if word]
    meant = [word for word in said if word not in FILLERS]
    if (len(said) == 1 and said[0] in OPT_OUT_ALONE) or (len(meant) == 1 and _nearest(meant[0], _OPT_OUT) is not None):
        return True
    about_messages = not NO_MORE.isdisjoint(said) and not MESSAGE_WORDS.isdisjoint(said)
    return about_messages or not OPT_OUT_WORDS.isdisjoint(said)


def _bare_join(words: Sequence[str]) -> Intent:
    codes = _codes(words)
    if not codes or len(words) > MOST_WORDS_OF_A_BARE_JOIN:
        return Intent(Kind.UNKNOWN, words=tuple(words))
    return Intent(Kind.JOIN, words=tuple(words), codes=codes, bare=True)


def _codes(words: Sequence[str]) -> tuple[str, ...]:
    """Every word that could be a code, fillers last: a queue may well be called LINE."""
    possible = [word for word in words if _code(word) and _digits(word) is None]
    possible = [word for word in possible if plain(word) not in CARRIER_WORDS]
    possible.sort(key=lambda word: plain(word) in FILLERS or plain(word) in BEFORE_A_NUMBER)
    return tuple(dict.fromkeys(_code(word) for word in possible))[:MOST_CODES]


def _code(word: str) -> str:
    """The word as a join code, "" if it can't be one."""
    code = plain(word).upper()
    return code if _CODE.fullmatch(code) else ""


def _party(words: Sequence[str]) -> Party:
    at, size = _size(words)
    if at is None:
        return Party(None, _name(words))
    before, after = list(words[:at]), list(words[at + 1 :])
    while before and plain(before[-1]) in BEFORE_A_NUMBER:
        before.pop()
    while after and plain(after[0]) in AFTER_A_NUMBER:
        after.pop(0)
    return Party(size, _name(before + after))


def _size(words: Sequence[str]) -> tuple[int | None, int | None]:
    """Which of the words is the party's size, and the size. Digits go before words: "One Direction 5"."""
    for read in (_digits, _number):
        for index, word in enumerate(words):
            number = read(word)
            if number is not None:
                return index, number
    return None, None


def _name(words: Sequence[str]) -> str | None:
    words = _without_fillers(words)
    words = _without_fillers(words[::-1])[::-1]
    name = tidy_name(" ".join(words).strip(' ,.;:!?"()[]'))
    return name if name.strip("-_.,+/*# ") else None


def _without_fillers(words: Sequence[str]) -> Sequence[str]:
    """The words without a run of fillers at the beginning, if it speaks of a queue or says please."""
    run = next((index for index, word in enumerate(words) if plain(word) not in FILLERS), len(words))
    return words[run:] if any(plain(word) in QUEUE_WORDS for word in words[:run]) else words


def _only_number(words: Sequence[str], language: str | None) -> int | None:
    """The number, if nothing else was said: "4", "nine", "somos 4", "for 4 people please", in Portuguese "uma"."""
    if language in ONE and [word for word in map(plain, words) if word not in AFTER_A_NUMBER] == [ONE[language]]:
        return 1
    size, name = _party(words)
    return size if name is None and len([word for word in words if _number(word) is not None]) == 1 else None


def _number(word: str) -> int | None:
    """The number that a word is, in digits or spelled; None if it is none, 0 if it is not whole ("2.5")."""
    digits = _digits(word)
    return digits if digits is not None else NUMBERS.get(plain(word))


def _digits(word: str) -> int | None:
    composed = unicodedata.normalize("NFKC", word[:LONGEST_WORD])
    bare = "".join(letter for letter in composed if not unicodedata.category(letter).startswith("M"))
    bare = bare.replace("×", "x").replace("−", "-").strip(" .,!?\"'()[]#*")
    whole = _WHOLE_NUMBER.fullmatch(bare)
    if whole is None:
        return 0 if _SOME_NUMBER.fullmatch(bare) else None
    digits = whole[1]
    # int() refuses thousands of digits.
    number = int(digits) if len(digits) <= 8 else LARGEST_NUMBER * (-1 if digits.startswith("-") else 1)
    return max(-LARGEST_NUMBER, min(LARGEST_NUMBER, number))


def _nearest(typed: str, table: "_Table") -> "tuple[str, tuple[str, ...]] | None":
    """The entry of the word, or of the one word-meaning that it is a slip of."""
    if typed in table or len(typed) < 4:
        return table.get(typed)
    slips = {word: count for word in table if (count := _slips(typed, word)) is not None}
    fewest = [word for word, count in slips.items() if count == min(slips.values())]
    meanings = {table[word][0] for word in fewest}
    if len(meanings) != 1:
        return None
    return meanings.pop(), tuple(dict.fromkeys(language for word in fewest for language in table[word][1]))


def _slips(typed: str, word: str) -> int | None:
    """How many slips lead from the word to what was typed; None if that is too many for its length.

    Short words lie close to others (join, John, coin): four letters may be swapped or doubled, not replaced.
    """
    if typed[0] != word[0] or len(word) < 4:
        return None
    allowed = 2 if len(word) >= 8 else 1
    count = OSA.distance(typed, word, score_cutoff=allowed)
    if count > allowed or (len(word) == 4 and set(typed) != set(word)):
        return None
    return count


_Table = Mapping[str, tuple[str, tuple[str, ...]]]
"""word → what it means, and the languages in which it does."""


def _inverted(meanings: Mapping[str, Mapping[str, str]]) -> _Table:
    table: dict[str, tuple[str, tuple[str, ...]]] = {}
    for meaning, languages in meanings.items():
        for language, words in languages.items():
            for word in words.split():
                table[word] = (meaning, (*table.get(word, (meaning, ()))[1], language))
    return table


_COMMAND_WORDS = {**_inverted(COMMANDS), POSTER_WORD: (Kind.JOIN, LANGUAGES)}
_OPT_OUT: _Table = dict.fromkeys(OPT_OUT_WORDS, ("stop", LANGUAGES))
_SPOKEN_IN = {word: languages for word, (_, languages) in (*_inverted({"": EVERYDAY}).items(), *_COMMAND_WORDS.items())}
_LANGUAGES_BY_WORD = _inverted({tag: {tag: names} for tag, names in LANGUAGE_WORDS.items()})
