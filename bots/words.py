"""The words that guests type, in every language we speak.

Written as `plain` leaves them: lower case, without accents. None of the carriers' own
words (`CARRIER_WORDS`) stands among the commands: on SMS the carrier acts on those by itself.
"""

import re
import unicodedata
from collections.abc import Mapping

ENGLISH, PORTUGUESE, SPANISH = "en", "pt-BR", "es"
LANGUAGES = (ENGLISH, PORTUGUESE, SPANISH)
"""BCP 47 tags of the languages that the conversation is written in."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


CARRIER_STOP = _set("stop stopall unsubscribe end quit cancel revoke optout")
CARRIER_START = _set("start yes unstop")
CARRIER_HELP = _set("help info")
"""What carriers act on by themselves, where it is the whole message.

https://www.twilio.com/docs/messaging/tutorials/how-to-handle-stop-start-help
"""

CARRIER_WORDS = CARRIER_STOP | CARRIER_START
"""The carriers' words for blocking and unblocking a sender; never a command of ours."""

OPT_OUT_WORDS = _set(
    """
    stop stopall unsubscribe quit cancel revoke optout opt-out
    parar pare parem cancelar cancela cancele descadastrar
    baja desuscribir desuscribirme detener
    """
)
"""What speaks of a wish for no more messages that no carrier hears: "stop texting me", "darme de baja"."""

OPT_OUT_ALONE = _set("end para alto basta chega")
"""The same, where nothing else is said: "para 4" and "end of the line?" are something else."""

MESSAGE_WORDS = _set("text texts texting message messages messaging sms mensagem mensagens mensaje mensajes")
NO_MORE = _set("no not dont nao sem sin")
"""One of each is the same wish: "no more texts", "não quero mensagens"."""

COMMANDS: Mapping[str, Mapping[str, str]] = {
    "join": {
        ENGLISH: "join enter",
        PORTUGUESE: "entrar participar",
        SPANISH: "unirse unirme entrar anotarme apuntarme",
    },
    "position": {
        ENGLISH: "position place status where",
        PORTUGUESE: "posicao lugar status onde",
        SPANISH: "posicion lugar status puesto turno donde",
    },
    "leave": {
        ENGLISH: "leave exit",
        PORTUGUESE: "sair desistir",
        SPANISH: "salir salirme irme",
    },
    "late": {
        ENGLISH: "late delayed",
        PORTUGUESE: "atrasado atrasada atraso",
        SPANISH: "retrasado retrasada retraso demorado demorada",
    },
    "here": {
        ENGLISH: "here arrived",
        PORTUGUESE: "aqui cheguei chegamos",
        SPANISH: "aqui llegue llegamos",
    },
    "help": {
        ENGLISH: "help info commands",
        PORTUGUESE: "ajuda info comandos",
        SPANISH: "ayuda info comandos",
    },
    "language": {
        ENGLISH: "language",
        PORTUGUESE: "idioma lingua",
        SPANISH: "idioma lenguaje lengua",
    },
}
"""Command → language → its words. A word of two languages stands under both."""

POSTER_WORD = "join"
"""Posters and links have it in every language, so that it says nothing of the guest's."""

EVERYDAY: Mapping[str, str] = {
    ENGLISH: "hello hi how many much when what whats thanks thank you please waiting wait people ahead still your want",
    PORTUGUESE: """
        ola oi obrigado obrigada quanto quantos quantas quando tempo faltam falta demora ainda voce voces quero queria
        nao noite pessoas minha meu estou tem muito qual cade mensagem mensagens fila favor somos parar pare cancelar
    """,
    SPANISH: """
        hola gracias cuanto cuantos cuantas cuando tiempo faltan falta demora todavia quiero quisiera buenas buenos
        noches personas estoy hay mucho cual mensaje mensajes fila favor somos parar pare cancelar
    """,
}
"""What tells a guest's language beside the commands; a word of two languages stands under both. No given names."""

LANGUAGE_WORDS: Mapping[str, str] = {
    ENGLISH: "en eng english ingles",
    PORTUGUESE: "pt br portuguese portugues",
    SPANISH: "es esp spanish espanol espanhol castellano",
}
"""What may follow the word for "language"; those of five letters and more also stand alone."""

NUMBERS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "one um uno",
            "two dois duas dos",
            "three tres",
            "four quatro cuatro",
            "five cinco",
            "six seis",
            "seven sete siete",
            "eight oito ocho",
            "nine nove nueve",
            "ten dez diez",
        ),
        start=1,
    )
    for word in words.split()
}
"""Numbers in words. Uma and Una are missing: both are given names."""

ONE = {PORTUGUESE: "uma", SPANISH: "una"}
"""What is a number for who is known to speak the language, and a given name elsewhere."""

BEFORE_A_NUMBER = _set("for of party table group we are were para de mesa grupo somos estamos")
"""What leads to the size of a party: "for 4", "party of 4", "mesa para 4"."""

AFTER_A_NUMBER = _set("people persons person guests guest ppl pax of us pessoas pessoa personas persona lugares")
"""What follows the size of a party: "4 people", "4 personas"."""

NO_NAMES = (
    _set(
        """
        only just about around maybe ok okay yes and or it its will be
        so apenas somente talvez sim e ou
        solo solamente unos quizas si y u
        """
    )
    | AFTER_A_NUMBER
    | _set(" ".join(EVERYDAY.values()))
)
"""What may stand beside the size of a party without being the name that it is under."""

QUEUE_WORDS = _set("queue line waitlist list fila cola please pls favor")
"""A run of fillers at either end of a name is left out only if one of these is in it: "the queue, Ana,
please" is Ana, but "La Toya" stays."""

FILLERS = QUEUE_WORDS | _set(
    """
    now of the my me i im am we are were is in what whats want would like to need
    por agora ja a na de da do eu e qual esta estou quero queria minha meu
    ahora ya la el del mi yo es cual estoy quiero quisiera
    """
)
"""Words around a command that change nothing: "I want to leave the queue", "cual es mi posicion"."""

SMALL_TALK = _set(
    """
    hello hey yes thanks thank thankyou cheers cool great perfect nice sorry okay bye
    ola sim obrigado obrigada valeu beleza legal otimo perfeito desculpa desculpe tchau
    hola gracias vale bueno buenas genial perfecto perdon chau
    """
)
"""What people say to a bot without wanting anything of it: no queue's code may be waiting behind it."""

RESERVED_CODES = frozenset(
    word.upper()
    for word in (
        *CARRIER_WORDS,
        *OPT_OUT_WORDS,
        *OPT_OUT_ALONE,
        *SMALL_TALK,
        *(word for languages in COMMANDS.values() for words in languages.values() for word in words.split()),
    )
)
"""What can't be a queue's join code: guests send it for something else."""


LONGEST_WORD = 100
"""As long as a name may be. Marks in a row take the square of their number to put in order."""


def plain(text: str) -> str:
    """The text without case, accents and the punctuation around it, as the words of this module are written.

    Of a long text, what its first LONGEST_WORD characters are.
    """
    letters = text[:LONGEST_WORD].casefold()
    if not letters.isascii():
        decomposed = unicodedata.normalize("NFKD", letters)
        letters = "".join(letter for letter in decomposed if not unicodedata.category(letter).startswith("M"))
    # Not by an expression: thousands of marks in a row would keep it busy for a minute, and everybody else waiting.
    start, end = 0, len(letters)
    while start < end and not letters[start].isalnum():
        start += 1
    while start < end and not letters[end - 1].isalnum():
        end -= 1
    return letters[start:end].replace("'", "").replace("’", "")


def nearest_language(tag: str | None) -> str | None:
    """The language of ours for a BCP 47 tag such as "pt", "pt-br" or "es_MX"; None when we don't speak it."""
    primary = re.split("[-_]", (tag or "").lower())[0]
    return next((ours for ours in LANGUAGES if ours.split("-")[0] == primary), None)
