"""What guests type, and what is understood of it. Each row is a text as it could arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.understanding import LARGEST_NUMBER, MOST_CODES, Intent, Kind, understand
from bots.words import (
    CARRIER_WORDS,
    COMMANDS,
    EVERYDAY,
    FILLERS,
    LANGUAGES,
    NUMBERS,
    OPT_OUT_ALONE,
    OPT_OUT_WORDS,
    nearest_language,
    plain,
)

COMMAND_TEXTS = [
    ("POSITION", Kind.POSITION, "en"),
    ("position?", Kind.POSITION, "en"),
    ("What is my position", Kind.POSITION, "en"),
    ("where am I?", Kind.POSITION, "en"),
    ("POSIÇÃO", Kind.POSITION, "pt-BR"),
    ("posicao", Kind.POSITION, "pt-BR"),
    ("qual é a minha posição?", Kind.POSITION, "pt-BR"),
    ("Posición", Kind.POSITION, "es"),
    ("¿cuál es mi posición?", Kind.POSITION, "es"),
    ("LEAVE", Kind.LEAVE, "en"),
    ("leave the queue please", Kind.LEAVE, "en"),
    ("I want to leave", Kind.LEAVE, "en"),
    ("sair", Kind.LEAVE, "pt-BR"),
    ("Sair da fila", Kind.LEAVE, "pt-BR"),
    ("SALIR!", Kind.LEAVE, "es"),
    ("salir de la cola por favor", Kind.LEAVE, "es"),
    ("late", Kind.LATE, "en"),
    ("Atrasado", Kind.LATE, "pt-BR"),
    ("Here", Kind.HERE, "en"),
    ("I'm here!", Kind.HERE, "en"),
    ("we're here", Kind.HERE, "en"),
    ("Cheguei", Kind.HERE, "pt-BR"),
    ("ya llegué", Kind.HERE, "es"),
    ("HELP", Kind.HELP, "en"),
    ("Ajuda", Kind.HELP, "pt-BR"),
    ("ayuda", Kind.HELP, "es"),
]


@pytest.mark.parametrize(("text", "kind", "spoken"), COMMAND_TEXTS)
def test_commands_are_understood_in_every_language(text: str, kind: Kind, spoken: str) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.languages) == (kind, (spoken,))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("posiiton", Kind.POSITION),
        ("postion", Kind.POSITION),
        ("possition", Kind.POSITION),
        ("posisao", Kind.POSITION),
        ("leav", Kind.LEAVE),
        ("laeve", Kind.LEAVE),
        ("salirr", Kind.LEAVE),
        ("sairr", Kind.LEAVE),
        ("jion DEMO", Kind.JOIN),
        ("joinn DEMO", Kind.JOIN),
        ("entar DEMO", Kind.JOIN),
        ("hlep", Kind.HELP),
        ("ajudaa", Kind.HELP),
        ("langauge pt", Kind.LANGUAGE),
    ],
)
def test_small_slips_of_the_thumb_do_not_matter(text: str, kind: Kind) -> None:
    intent = understand(text, None)
    assert intent.kind == kind
    assert not intent.bare


@pytest.mark.parametrize("text", ["John", "coin", "loin", "hello", "mate", "were", "hero", "paid", "say", "lake 4"])
def test_other_words_are_not_taken_for_short_commands(text: str) -> None:
    assert understand(text, None).bare


@pytest.mark.parametrize("text", ["don't leave", "no quiero salir", "não quero sair", "leave me Ana's place"])
def test_a_sentence_around_leave_is_not_a_wish_to_leave(text: str) -> None:
    assert understand(text, None).kind != Kind.LEAVE


WISHES_FOR_SILENCE = """
STOP | STOP! | stop. | stop please | Please stop texting me | stopp | /stop | unsubscribe me | END | can I cancel?
no more texts | don't send me messages | parar | Pare! | pare por favor | PARA | não quero mais mensagens | cancelar
baja | quiero darme de baja | basta! | no quiero mensajes
"""
NO_SUCH_WISHES = """
sair | salir | LEAVE | JOIN DEMO 2 Stop | para 4 | START | yes | end of the line? | shop | quite | pear | parabéns
message for Ana | no | DEMO 4 Ana | 4 | ?
"""


def listed(texts: str) -> list[str]:
    return [text.strip() for text in texts.strip().replace("\n", "|").split("|")]


@pytest.mark.parametrize("text", listed(WISHES_FOR_SILENCE))
def test_a_wish_for_no_more_messages_is_heard_as_one(text: str) -> None:
    intent = understand(text, None)
    assert intent.opting_out
    assert intent.kind is Kind.UNKNOWN or intent.bare


@pytest.mark.parametrize("text", listed(NO_SUCH_WISHES))
def test_other_words_are_no_wish_for_silence(text: str) -> None:
    assert not understand(text, None).opting_out


@pytest.mark.parametrize("word", sorted(CARRIER_WORDS))
def test_the_carriers_own_words_are_never_a_command(word: str) -> None:
    for text in (word, word.upper(), f" {word.title()}. ", f"{word} please"):
        intent = understand(text, None)
        assert intent.kind == Kind.UNKNOWN or (intent.bare and word.upper() not in intent.codes)


def test_no_command_is_spelled_like_a_carriers_word() -> None:
    ours = {word for languages in COMMANDS.values() for words in languages.values() for word in words.split()}
    assert not ours & CARRIER_WORDS


def test_the_tables_are_written_plainly() -> None:
    ours = {word for languages in COMMANDS.values() for words in languages.values() for word in words.split()}
    everyday = {word for words in EVERYDAY.values() for word in words.split()}
    for word in ours | everyday | set(NUMBERS) | FILLERS | CARRIER_WORDS | OPT_OUT_WORDS | OPT_OUT_ALONE:
        assert plain(word) == word


JOINS = [
    # text, codes, the queue's code, size, name
    ("JOIN", (), None, None, None),
    ("join", (), None, None, None),
    ("JOIN DEMO", ("DEMO",), "DEMO", None, None),
    ("Join demo.", ("DEMO",), "DEMO", None, None),
    ("JOIN #DEMO", ("DEMO",), "DEMO", None, None),
    ("JOIN CAFÉ", ("CAFE",), "CAFE", None, None),
    ("JOIN the-bar_2", ("THE-BAR_2",), "THE-BAR_2", None, None),
    ("JOIN DEMO 4", ("DEMO",), "DEMO", 4, None),
    ("JOIN DEMO 4 Ana Paula", ("DEMO", "ANA", "PAULA"), "DEMO", 4, "Ana Paula"),
    ("JOIN DEMO Ana Paula 4", ("DEMO", "ANA", "PAULA"), "DEMO", 4, "Ana Paula"),
    ("JOIN,DEMO,4,Ana", ("DEMO", "ANA"), "DEMO", 4, "Ana"),
    ("join\nDEMO\n4\nAna", ("DEMO", "ANA"), "DEMO", 4, "Ana"),
    ("JOIN: DEMO; 4; Ana", ("DEMO", "ANA"), "DEMO", 4, "Ana"),
    ("JOIN 4 DEMO Ana", ("DEMO", "ANA"), "DEMO", 4, "Ana"),
    ("JOIN DEMO four", ("DEMO", "FOUR"), "DEMO", 4, None),
    ("entrar DEMO três João", ("DEMO", "TRES", "JOAO"), "DEMO", 3, "João"),
    ("unirse DEMO dos", ("DEMO", "DOS"), "DEMO", 2, None),
    ("JOIN 4", (), None, 4, None),
    ("JOIN Ana 4", ("ANA",), None, 4, "Ana"),
    ("JOIN Ana", ("ANA",), None, None, "Ana"),
    ("JOIN for 4 please", ("FOR", "PLEASE"), None, 4, None),
    ("JOIN party of 4", ("PARTY", "OF"), None, 4, None),
    ("join the queue", ("THE", "QUEUE"), None, None, None),
    ("join the DEMO queue for 4 please", ("DEMO", "THE", "QUEUE"), "DEMO", 4, None),
    ("I want to join DEMO", ("DEMO",), "DEMO", None, None),
    ("quero entrar na fila, 4 pessoas", ("PESSOAS", "NA", "FILA"), None, 4, None),
    ("JOIN LINE Ana", ("ANA", "LINE"), "LINE", None, "Ana"),
    ("JOIN SEVEN 2", ("SEVEN",), "SEVEN", 2, None),
    ("JOIN One Direction 5", ("ONE", "DIRECTION"), None, 5, "One Direction"),
    ("JOIN La Toya 2", ("TOYA", "LA"), None, 2, "La Toya"),
    ("JOIN DEMO DEMO", ("DEMO",), "DEMO", None, "DEMO"),
    ("JOIN DEMO x4", ("DEMO",), "DEMO", 4, None),
    ("JOIN DEMO 4️⃣", ("DEMO",), "DEMO", 4, None),
    ("JOIN DEMO -3", ("DEMO",), "DEMO", -3, None),
    ("JOIN DEMO 0", ("DEMO",), "DEMO", 0, None),
    ("JOIN DEMO 2.5", ("DEMO",), "DEMO", 0, None),
    ("JOIN DEMO 99999999999", ("DEMO",), "DEMO", LARGEST_NUMBER, None),
    ("JOIN DEMO " + "9" * 5000, ("DEMO",), "DEMO", LARGEST_NUMBER, None),
    ("JOIN DEMO -" + "9" * 5000, ("DEMO",), "DEMO", -LARGEST_NUMBER, None),
    ("JOIN DEMO 3 O'Brien", ("DEMO", "OBRIEN"), "DEMO", 3, "O'Brien"),
    ("JOIN DEMO 2 🍺🎉", ("DEMO",), "DEMO", 2, "🍺🎉"),
    ("JOIN DEMO 2 李小龙", ("DEMO",), "DEMO", 2, "李小龙"),
    ("JOIN DEMO 2 <b>Ana</b>", ("DEMO",), "DEMO", 2, "<b>Ana</b>"),
    (
        "JOIN DEMO 2 '; DROP TABLE tickets; --",
        ("DEMO", "DROP", "TICKETS"),
        "DEMO",
        2,
        "' DROP TABLE tickets --",
    ),
    ("JOIN DEMO 2 A\u202en\x00a", ("DEMO",), "DEMO", 2, "Ana"),
    ("JOIN DEMO 2 👩\u200d🍳", ("DEMO",), "DEMO", 2, "👩\u200d🍳"),
]


@pytest.mark.parametrize(("text", "codes", "code", "size", "name"), JOINS, ids=[row[0][:40] for row in JOINS])
def test_a_join_has_its_code_size_and_name_in_any_order(
    text: str, codes: tuple[str, ...], code: str | None, size: int | None, name: str | None
) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.bare, intent.codes) == (Kind.JOIN, False, codes)
    assert intent.party(code) == (size, name)


def test_the_words_of_a_join_are_kept_as_typed() -> None:
    assert understand("JOIN Démo 4 Ana", None).words == ("Démo", "4", "Ana")


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("UNIRSE DEMO", ("es",)),
        ("enter DEMO", ("en",)),
        ("ENTRAR DEMO", ("pt-BR", "es")),
        ("quero entrar na fila", ("pt-BR",)),
        ("posisao", ("pt-BR",)),
        ("cuánto falta?", ("es",)),
        ("quantos faltam", ("pt-BR",)),
        ("hola", ("es",)),
        ("obrigada!", ("pt-BR",)),
        ("how many people are ahead", ("en",)),
        ("falta?", ("pt-BR", "es")),
        # What posters print, commands that the app offers, and words of all languages or of none.
        ("JOIN DEMO", ()),
        ("jion DEMO", ()),
        ("/join DEMO", ()),
        ("DEMO 4 Ana", ()),
        ("JOIN DEMO 2 Hola", ()),
        ("status", ()),
        ("hola thanks", ()),
        ("4", ()),
    ],
)
def test_the_words_say_which_language_is_spoken_where_they_tell(text: str, languages: tuple[str, ...]) -> None:
    assert understand(text, None).languages == languages


@pytest.mark.parametrize(
    ("text", "codes", "party"),
    [
        ("DEMO", ("DEMO",), (None, None)),
        ("demo!", ("DEMO",), (None, None)),
        ("DEMO 4 Ana", ("DEMO", "ANA"), (4, "Ana")),
    ],
)
def test_a_bare_code_is_a_join_for_whoever_knows_the_codes(
    text: str, codes: tuple[str, ...], party: tuple[int | None, str | None]
) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.bare, intent.codes) == (Kind.JOIN, True, codes)
    assert intent.party("DEMO") == party


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9", 9),
        (" 9. ", 9),
        ("1", 1),
        ("four", 4),
        ("quatro", 4),
        ("somos 4", 4),
        ("we're 4", 4),
        ("4 people please", 4),
        ("mesa para 4 personas", 4),
        ("4️⃣", 4),
        ("٤", 4),
        ("-3", -3),
        ("0", 0),
        ("2,5", 0),
        ("99999999999", LARGEST_NUMBER),
    ],
)
def test_a_number_by_itself_is_a_number(text: str, number: int) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.number) == (Kind.NUMBER, number)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("letters", ["⁗", "⅒", "!", "1", "+-", "a,", "'", "9.,", "🍺", "\u0301"])
def test_no_text_keeps_the_server_busy(letters: str) -> None:
    long = letters * (4096 // len(letters))

    assert [understand(text, None).kind for text in (f"a{long}a", f"{long}y", f"{long} x")]


@pytest.mark.parametrize("text", ["", " ", "\n", "?", "…", "🍺", "2 3", "\x00", "' \" `", "/", "/foo bar"])
def test_what_says_nothing_is_unknown(text: str) -> None:
    heard = understand(text, None)
    assert heard == Intent(Kind.UNKNOWN, words=heard.words)


def test_a_long_text_is_not_a_join_code() -> None:
    assert understand("hello there could anybody tell me how long this will take", None).kind == Kind.UNKNOWN


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("LANGUAGE EN", "en"),
        ("LANGUAGE PT", "pt-BR"),
        ("LANGUAGE ES", "es"),
        ("language es please", "es"),
        ("idioma en español", "es"),
        ("language in Portuguese", "pt-BR"),
        ("language: Portuguese", "pt-BR"),
        ("idioma português", "pt-BR"),
        ("IDIOMA español", "es"),
        ("language spansh", "es"),
        ("língua inglês", "en"),
        ("language pt-BR", "pt-BR"),
        ("language es_MX", "es"),
        ("/language pt", "pt-BR"),
        ("English", "en"),
        ("português!", "pt-BR"),
        ("LANGUAGE", None),
        ("LANGUAGE klingon", None),
    ],
)
def test_a_language_is_named_in_any_language(text: str, language: str | None) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.language) == (Kind.LANGUAGE, language)


@pytest.mark.parametrize(("text", "number"), [("LATE", None), ("late 3", 3), ("atrasado dois", 2), ("/late 2", 2)])
def test_late_may_say_how_many_parties_to_let_pass(text: str, number: int | None) -> None:
    intent = understand(text, None)
    assert (intent.kind, intent.number) == (Kind.LATE, number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start", Intent(Kind.HELP)),
        ("/start@LineBot", Intent(Kind.HELP)),
        ("/start DEMO", Intent(Kind.JOIN, words=("DEMO",), codes=("DEMO",))),
        ("/start@LineBot demo", Intent(Kind.JOIN, words=("demo",), codes=("DEMO",))),
        ("/start 2024", Intent(Kind.JOIN, words=("2024",), codes=("2024",))),
        ("/join@LineBot DEMO 4", Intent(Kind.JOIN, words=("DEMO", "4"), codes=("DEMO",))),
        ("/JOIN", Intent(Kind.JOIN)),
        ("/entrar DEMO", Intent(Kind.JOIN, words=("DEMO",), codes=("DEMO",))),
        ("/position@LineBot", Intent(Kind.POSITION)),
        ("/leave", Intent(Kind.LEAVE)),
        ("/help", Intent(Kind.HELP)),
    ],
)
def test_telegrams_commands_are_understood(text: str, expected: Intent) -> None:
    assert understand(text, None) == expected


@pytest.mark.parametrize(
    ("tag", "language"),
    [("pt", "pt-BR"), ("pt-br", "pt-BR"), ("PT_PT", "pt-BR"), ("es-419", "es"), ("en-GB", "en")]
    + [(tag, None) for tag in ("de", "", None, "e", "portuguese", "-")],
)
def test_a_language_tag_is_mapped_to_one_of_ours(tag: str | None, language: str | None) -> None:
    assert nearest_language(tag) == language


WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["JOIN", "DEMO", "4", "-3", "Ana", "LEAVE", "language", "/start", "STOP", "uno", "the", "🍺"]),
)


@given(
    text=st.one_of(st.text(st.characters()), st.lists(WORDS).map(" ".join)),
)
def test_no_text_whatever_breaks_the_understanding(text: str) -> None:
    intent = understand(text, None)
    assert set(intent.languages) < set(LANGUAGES)
    assert intent.language in (None, *LANGUAGES)
    assert (intent.number is not None) or intent.kind != Kind.NUMBER
    assert len(intent.codes) <= MOST_CODES
    for code in (*intent.codes, None):
        size, name = intent.party(code)
        assert size is None or -LARGEST_NUMBER <= size <= LARGEST_NUMBER
        assert name is None or name == name.strip() != ""


@given(
    size=st.integers(1, 99),
    name=st.sampled_from(["Ana", "João Silva", "O'Brien", "Müller", "李小龙"]),
    word=st.sampled_from(["JOIN", "join", "Entrar", "UNIRSE", "/join"]),
    size_first=st.booleans(),
)
def test_code_size_and_name_come_back_out_of_any_join(size: int, name: str, word: str, size_first: bool) -> None:
    text = f"{word} DEMO {size} {name}" if size_first else f"{word} DEMO {name} {size}"
    intent = understand(text, None)
    assert intent.codes[0] == "DEMO"
    assert intent.party("DEMO") == (size, name)
