"""Reads the TwiML that a webhook answers, as strictly as the carrier would."""

from dataclasses import dataclass
from xml.etree import ElementTree

MOST_MESSAGES = 10
LONGEST_MESSAGE = 1600


class TwimlError(Exception):
    """What the carrier would put into its log: one of its codes, and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class TwimlMessage:
    text: str
    status_callback: str | None


def read_twiml(content_type: str, document: bytes) -> list[TwimlMessage]:
    """The messages of an answer, in order. Raises TwimlError; then none of them is sent."""
    if content_type.partition(";")[0].strip().lower() not in ("text/xml", "application/xml"):
        raise TwimlError(12300, f"the webhook answered {content_type or 'no content type'}, not XML")
    try:
        # Written by our own webhook, on this machine.
        response = ElementTree.fromstring(document)  # noqa: S314
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"the webhook's answer is not XML: {error}") from error
    if response.tag != "Response" or any(verb.tag != "Message" for verb in response):
        raise TwimlError(12200, "the webhook's answer is not a <Response> of <Message>s")
    if len(response) > MOST_MESSAGES:
        raise TwimlError(12200, f"the webhook answered more than {MOST_MESSAGES} messages")
    return [_message(verb) for verb in response]


def _message(verb: ElementTree.Element) -> TwimlMessage:
    body = verb.find("Body")
    text = "".join((body if body is not None else verb).itertext())
    if not text.strip():
        raise TwimlError(14103, "the webhook answered a message without text")
    if len(text) > LONGEST_MESSAGE:
        raise TwimlError(21617, f"the webhook answered a message of more than {LONGEST_MESSAGE} characters")
    return TwimlMessage(text, verb.get("statusCallback"))
