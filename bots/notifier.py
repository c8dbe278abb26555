"""Brings notices to their guests: claimed from the record, sent through the channel, the outcome noted."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from bots.channels import CHANNELS, Outgoing, Sender, SendError, Throttled, Unreachable
from bots.channels import Retry as TryAgain
from bots.dialogue import Asked, remembered
from bots.notice_texts import NoticeTexts
from bots.phrases import Standing
from bots.understanding import nearest_language
from bots.words import ENGLISH
from core.clock import Clock
from core.errors import OutcomeUnknown, RecordUnavailable
from core.model import NoticeKind
from core.notices import LONGEST_SENDING, NoticeService, Outbound

AT_A_TIME = 8
"""How many are claimed and sent side by side."""

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

    def run_once(self) -> int:
        """Send what is due now, up to eight notices; answers how many were claimed.

        No transaction is open while a carrier is called. Raises RecordUnavailable while the database is away.
        """
        claimed = self._notices.claim(AT_A_TIME, tuple(self._senders))
        of_contacts: defaultdict[str, list[Outbound]] = defaultdict(list)
        for outbound in claimed:
            # One guest's notices go out one after the other, in the order in which they came up.
            of_contacts[outbound.contact.id].append(outbound)
        jobs = [self._threads.submit(self._send_all, outbounds) for outbounds in of_contacts.values()]
        errors = [job.exception() for job in jobs]
        for error in errors:
            if error is not None:
                raise error
        return len(claimed)

    def close(self) -> None:
        """End the threads, once what they send is noted."""
        self._threads.shutdown()

    def _send_all(self, outbounds: Sequence[Outbound]) -> None:
        for outbound in outbounds:
            lease_until = outbound.notice.lease_until
            if lease_until is not None and self._clock() + LONGEST_SENDING <= lease_until:
                self._send(outbound)

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
        retry, unreachable = isinstance(error, TryAgain), isinstance(error, Unreachable)
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
            text=texts.text(notice.kind, standing, asks_party=asks_party),
            sender=outbound.ticket.sender,
            buttons=texts.rows(notice.kind, standing, asks_party=asks_party),
            valid_for=notice.stale_at - now,
        )
