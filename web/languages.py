"""The languages of the guests' pages and the API's errors: English in the code, catalogues in web/locales."""

import gettext
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_time
from flask import request

from core.venues import LANGUAGES

ENGLISH = LANGUAGES[0]
LOCALES = Path(__file__).parent / "locales"


def language_for(*wishes: str | None) -> str:
    """The first of our languages that a wish names ("pt" means pt-BR); wishes are BCP 47 tags, None is none."""
    for wish in wishes:
        for language in LANGUAGES:
            if wish and wish.lower().partition("-")[0] == language.partition("-")[0].lower():
                return language
    return ENGLISH


def browser_languages() -> Iterable[str]:
    """What the browser asks for, best first."""
    return [tag for tag, _quality in request.accept_languages]


def asked_language() -> str:
    """The language in which the request wants to be answered."""
    return language_for(*browser_languages())


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """The sentence as it is; marks it for the catalogues, where it is translated later."""
    return sentence


def translated(sentence: str, language: str) -> str:
    """A sentence of the code in this language."""
    return _catalogue(language).gettext(sentence)


def words(language: str) -> dict[str, Any]:
    """What a template in this language needs: the language, `_` and `ngettext`."""
    catalogue = _catalogue(language)
    translate: Callable[[str], str] = catalogue.gettext
    return {"language": language, "_": translate, "ngettext": catalogue.ngettext}


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation("messages", LOCALES, [language.replace("-", "_")])


def clock_time(moment: datetime | None, time_zone: str, language: str) -> str:
    """The time of day at a place, as its language writes it: 8:05 PM, 20:05; nothing for None."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(time_zone))
    return format_time(local, "short", locale=language.replace("-", "_"))
