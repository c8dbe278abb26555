"""Brings notices to their guests: claimed from the record, sent through the channel, the outcome noted."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from bots.channels import CHANNELS, Outgoing, Retry, Sender, SendError, Throttled, Unreachable
from bots.dialogue import Asked, remembered
from bots.notice_texts import NoticeTexts
from bots.phrases import Standing
from bots.understanding import nearest_language
from bots.words import ENGLISH
from core.clock import Clock
from core.errors import OutcomeUnknown, RecordUnavailable
from core.model import NoticeKind
from core.notices import NoticeService, Outbound

AT_A_TIME = 8
"""How many notices are sent side by side."""

TRIES_TO_NOTE, PAUSE_SECONDS = 60, 1.0
"""For about a minute and more, which a database takes to start again."""

log = structlog.get_logger(__name__)


class Notifier:
    """Sends what is due on the channels that have a sender. Links in notices begin with `public_url`.

    Several may run, in one process or in many.
    """

    def __init__(self, notices: NoticeService, senders: Mapping[str, Sender], public_url: str, clock: Clock) -> None:
        self._notices = notices
        self._senders = dict(senders)
        self._public_url = public_url
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="notifier")
        # By id: while the database is away, a lease may run out before what was sent is noted.
        self._in_hand: set[str] = set()
        self._let_go = threading.Condition()

    def begin(self, when_free: Callable[[], None]) -> int:
        """Claim what is due, no more than there are free threads, and begin to send it; answers how many it is.

        `when_free` is called, in any thread, whenever one more can be sent. No transaction is open while a carrier
        is called. Not for several threads at once. Raises RecordUnavailable while the database is away.
        """
        with self._let_go:
            # Of before the claim: what is noted and let go of while it runs was claimed as it was before.
            in_hand = set(self._in_hand)
        free = AT_A_TIME - len(in_hand)
        claimed = self._notices.claim(free, tuple(self._senders)) if free else []
        new = [outbound for outbound in claimed if outbound.notice.id not in in_hand]
        with self._let_go:
            self._in_hand.update(outbound.notice.id for outbound in new)
        for outbound in new:
            self._threads.submit(self._send_and_let_go, outbound, when_free)
        return len(new)

    def run_once(self) -> int:
        """Send what is due now, up to eight notices, and wait until it is noted; answers how many were claimed.

        Raises RecordUnavailable while the database is away.
        """
        claimed = self.begin(lambda: None)
        with self._let_go:
            self._let_go.wait_for(lambda: not self._in_hand)
        return claimed

    def close(self) -> None:
        """End the threads, once what they send is noted."""
        self._threads.shutdown()

    def _send_and_let_go(self, outbound: Outbound, when_free: Callable[[], None]) -> None:
        try:
            self._send(outbound)
        except Exception:
            # This thread's edge: when the lease runs out, the next claim has it.
            log.exception("what became of a notice could not be noted", notice=outbound.notice.id)
        with self._let_go:
            self._in_hand.remove(outbound.notice.id)
            self._let_go.notify_all()
        when_free()

    def _send(self, outbound: Outbound) -> None:
        notice = outbound.notice
        try:
            carrier_id = self._senders[notice.channel].send(self._outgoing(outbound))
        except Throttled as error:
            self._notices.throttled(notice.id, timedelta(seconds=error.retry_after))
        except SendError as error:
            self._failed(outbound, error)
        except Exception as error:
            # This thread's edge: whatever is wrong with one notice must not keep the others from their guests.
            log.exception("a notice could not be sent", notice=notice.id, kind=notice.kind)
            name = type(error).__name__
            self._notices.failed(
                notice.id, name, "Something unexpected went wrong; the log has it.", retry=True, unreachable=False
            )
        else:
            # Outside the try: what fails here was sent, and is not to be sent again for it.
            self._note_sent(outbound, carrier_id)

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

    def _failed(self, outbound: Outbound, error: SendError) -> None:
        retry, unreachable = isinstance(error, Retry), isinstance(error, Unreachable)
        log.warning(
            "a notice was not taken",
            notice=outbound.notice.id, kind=outbound.notice.kind, channel=outbound.notice.channel,
            code=error.code, retry=retry, unreachable=unreachable,
        )  # fmt: skip
        self._notices.failed(outbound.notice.id, error.code, error.sentence, retry=retry, unreachable=unreachable)

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
