"""One notice on its way: put into words, handed to its carrier, the outcome noted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bots.channels import CHANNELS, Outgoing, Retry, Sender, SendError, Throttled, Unreachable
from bots.dialogue import Asked, remembered
from bots.notice_texts import NoticeTexts
from bots.phrases import Standing
from bots.words import ENGLISH, nearest_language
from core.clock import Clock
from core.errors import OutcomeUnknown, RecordUnavailable
from core.model import NoticeKind
from core.notices import NoticeService
from core.outbound import Outbound

TRIES_TO_NOTE, PAUSE_SECONDS = 60, 1.0
"""For about a minute and more, which a database takes to start again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notice that was handed to its carrier.

    `failed`: the try counts, and another may help. `again_in`: when it is to be sent again, None for never.
    """

    failed: bool = False
    again_in: timedelta | None = None


class Delivery:
    """Sends on the channels that have a sender. Links in notices begin with `public_url`. Safe for all threads."""

    def __init__(self, notices: NoticeService, senders: Mapping[str, Sender], public_url: str, clock: Clock) -> None:
        self._notices = notices
        self._senders = dict(senders)
        self._public_url = public_url
        self._clock = clock

    @property
    def channels(self) -> tuple[str, ...]:
        """Those that have a sender."""
        return tuple(self._senders)

    def send(self, outbound: Outbound) -> Outcome:
        """Send a claimed notice and note what became of it. No transaction is open while the carrier is called.

        Raises RecordUnavailable, OutcomeUnknown where the outcome could not be noted: when the lease runs out, the
        next claim has the notice.
        """
        notice = outbound.notice
        try:
            carrier_id = self._senders[notice.channel].send(self._outgoing(outbound))
        except Throttled as error:
            return Outcome(again_in=self._notices.throttled(notice.id, timedelta(seconds=error.retry_after)))
        except SendError as error:
            return self._failed(outbound, error)
        except Exception as error:
            # An edge: whatever is wrong with one notice must not keep the others from their guests.
            log.exception("a notice could not be sent", notice=notice.id, kind=notice.kind)
            name = type(error).__name__
            sentence = "Something unexpected went wrong; the log has it."
            return Outcome(True, self._notices.failed(notice.id, name, sentence, retry=True, unreachable=False))
        # Outside the try: what fails here was sent, and is not to be sent again for it.
        self._note_sent(outbound, carrier_id)
        return Outcome()

    def _note_sent(self, outbound: Outbound, carrier_id: str) -> None:
        """Insist while the database is away: what is not noted is sent once more."""
        notice = outbound.notice
        delivered = not CHANNELS[notice.channel].reports_delivery
        for left in reversed(range(TRIES_TO_NOTE)):
            try:
                self._notices.sent(notice.id, carrier_id, delivered=delivered)
                return
            except (RecordUnavailable, OutcomeUnknown):
                if not left:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _failed(self, outbound: Outbound, error: SendError) -> Outcome:
        notice, retry, unreachable = outbound.notice, isinstance(error, Retry), isinstance(error, Unreachable)
        log.warning(
            "a notice was not taken",
            notice=notice.id, ticket=notice.ticket_id, kind=notice.kind, channel=notice.channel,
            code=error.code, retry=retry, unreachable=unreachable,
        )  # fmt: skip
        again_in = self._notices.failed(notice.id, error.code, error.sentence, retry=retry, unreachable=unreachable)
        return Outcome(retry, again_in)

    def _outgoing(self, outbound: Outbound) -> Outgoing:
        notice, contact, now = outbound.notice, outbound.contact, self._clock()
        language = nearest_language(contact.language) or nearest_language(outbound.place.language) or ENGLISH
        texts = NoticeTexts(language, self._public_url)
        standing = Standing(outbound.ticket, outbound.place, outbound.position)
        asked = remembered(contact.dialogue, now)
        # Who joined by a button has only seen a pop-up, which can't ask anything.
        asks_party = notice.kind is NoticeKind.JOINED and asked is not None and asked.asked is Asked.PARTY_SIZE
        return Outgoing(
            channel=notice.channel,
            address=contact.address,
            text=texts.text(notice.kind, standing, now, asks_party=asks_party),
            sender=outbound.ticket.sender,
            buttons=texts.rows(notice.kind, standing, asks_party=asks_party),
            valid_for=notice.stale_at - now,
        )
