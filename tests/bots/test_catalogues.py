"""What guests read: whole in every language, with words that we understand, in as few segments as can be."""

import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bots.buttons import LANGUAGE_NAMES
from bots.phrases import LOCALES
from bots.sms.segments import fit, segments
from bots.understanding import Kind, understand
from bots.words import LANGUAGES
from tests.bots.samples import notices, replies

TWO_SEGMENTS = {
    "en": {"joined after STOP"},
    "pt-BR": {"joined after STOP"},
    "es": {"joined after STOP"},
}
"""What does not fit into one segment, and is seldom enough to be said all the same."""

LOCALE = {"en": "en", "pt-BR": "pt_BR", "es": "es"}
COMMAND = re.compile(r"\b[A-Z]{4,}\b")
PLACEHOLDER = re.compile(r"\{\w+\}")


def catalogue(language: str) -> Catalog:
    with (LOCALES / LOCALE[language] / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=LOCALE[language])


def template() -> set[object]:
    with (LOCALES / "messages.pot").open("rb") as file:
        return {message.id for message in read_po(file) if message.id}


def texts(message: Message) -> list[tuple[str, str]]:
    """Each form of a message beside its translation."""
    if isinstance(message.id, str) or not isinstance(message.string, tuple):
        return [(str(message.id), str(message.string))]
    return list(zip(message.id, message.string, strict=True))


def messages(language: str) -> list[tuple[str, str]]:
    return [pair for message in catalogue(language) if message.id for pair in texts(message)]


def test_there_is_a_catalogue_for_every_language() -> None:
    assert set(LOCALE) == set(LANGUAGES) == set(LANGUAGE_NAMES)
    assert {path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/messages.po")} == set(LOCALE.values())


def test_the_template_has_the_sentences_of_the_code() -> None:
    extracted = {message for _, _, message, _, _ in extract_from_dir(Path("bots"))}
    assert template() == extracted


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language: str) -> None:
    found = catalogue(language)
    assert {message.id for message in found if message.id} == template()
    assert [message.id for message in found if message.id and message.fuzzy] == []
    assert not found.obsolete
    assert [original for original, translated in messages(language) if not translated.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_has_the_placeholders_of_the_sentence(language: str) -> None:
    for original, translated in messages(language):
        assert Counter(PLACEHOLDER.findall(translated)) == Counter(PLACEHOLDER.findall(original)), translated


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = (LOCALES / LOCALE[language] / "LC_MESSAGES" / "messages.mo").read_bytes()
    expected = BytesIO()
    write_mo(expected, catalogue(language))
    assert compiled == expected.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_guests_are_told_to_send_is_understood(language: str) -> None:
    def meant(text: str) -> list[Kind]:
        words = [word for word in COMMAND.findall(text) if word not in ("START", "STOP")]
        return [understand(word, None).kind for word in words]

    for original, translated in messages(language):
        assert sorted(meant(translated)) == sorted(meant(original)), translated
        assert Kind.UNKNOWN not in meant(translated)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_fit_into_one_segment(language: str) -> None:
    samples = replies(language) | notices(language)
    too_long = {name for name, text in samples.items() if segments(fit(text)) > 1}
    assert too_long == TWO_SEGMENTS[language]
    assert all(segments(fit(text)) <= 2 for text in samples.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_without_its_values(language: str) -> None:
    for text in (replies(language) | notices(language)).values():
        assert text
        assert not re.search(r"[{}]|None", text)
