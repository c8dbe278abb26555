"""The channels we speak on, what their webhooks and senders look like from outside, and how a send can fail.

Nothing outside a channel's own folder asks which channel it has: what differs is a field of `Channel`.
This module imports no carrier's library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from bots.messages import Button, Message, Reply

Answer = Callable[[Message], Reply]
"""The conversation, as a webhook sees it."""


class SendError(Exception):
    """A notice could not be sent. Always one of the four kinds below.

    code: stable: the carrier's own code where there is one ("21610"), else a word ("timeout").
    sentence: says to people what happened. Holds no address and no secret.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class Retry(SendError):
    """Worth another try, with growing pauses, up to a number of tries."""


class Throttled(SendError):
    """The carrier took nothing and wants us to wait `retry_after` seconds; does not count as a try.

    Of what the carrier says no less than a second is believed, and no more than an hour.
    """

    def __init__(self, code: str, sentence: str, retry_after: float) -> None:
        super().__init__(code, sentence)
        self.retry_after = min(max(retry_after, 1.0), 3600.0)


class Unreachable(SendError):
    """This guest can't be reached on this address: no further notice will arrive either."""


class Refused(SendError):
    """This notice will not go out, however often it is tried; or the operator has something to mend."""


class CannotConnect(Exception):
    """A carrier was not told where we are, or there is none to tell; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text for a guest that nobody waits for.

    sender: the venue's number that it goes out from; None on Telegram, where the bot is it.
    valid_for: how long it is worth delivering; the carrier should drop it afterwards.
    """

    channel: str
    address: str
    text: str
    sender: str | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    valid_for: timedelta | None = None


class Sender(Protocol):
    """What sends on one carrier. May be called from several threads at once."""

    def send(self, outgoing: Outgoing) -> str:
        """The carrier's id of the message, once the carrier has accepted it; raises a SendError."""
        ...


DeliveryState = Literal["sent", "delivered", "read", "undelivered", "failed"]


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What a carrier reports later about a message that it accepted. Repeated, and in any order.

    carrier_id: what `Sender.send` returned.
    error: with "undelivered" and "failed", always: why, and in the kind of the error whether the guest is
        Unreachable, another try makes sense (Retry), or neither (Refused). None with all other states.
    """

    channel: str
    carrier_id: str
    state: DeliveryState
    error: SendError | None = None


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a carrier's request is answered with."""

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


Handle = Callable[[str, Mapping[str, str], bytes], WebhookAnswer]
"""A webhook: path and query as they stood in the request, the headers, and the body."""


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header's value, whatever case the server in front has left its name in; None without it."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters: cut after a sentence where one ends in the second half, else
    between words, with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    sentence = max(head.rfind(end) for end in (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n"))
    if sentence >= limit // 2:
        return head[: sentence + 1].rstrip()
    word = max(text.rfind(" ", 0, limit), text.rfind("\n", 0, limit))
    return text[: word if word >= limit // 2 else limit - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Channel:
    """What the rest may know of a channel.

    reports_delivery: the carrier tells later whether a text arrived; elsewhere its yes counts as delivered.
    has_buttons: a reply's buttons are shown; elsewhere the text has to say what to type.
    has_stop: STOP ends our messages; elsewhere guests block us in their app.
    """

    name: str
    reports_delivery: bool
    has_buttons: bool
    has_stop: bool


CHANNELS = {
    channel.name: channel
    for channel in (
        Channel("sms", reports_delivery=True, has_buttons=False, has_stop=True),
        Channel("whatsapp", reports_delivery=True, has_buttons=False, has_stop=True),
        Channel("telegram", reports_delivery=False, has_buttons=True, has_stop=False),
    )
}
"""The registry: a new channel is one line here and a folder beside this module."""
