"""Sends what is due, several notices side by side, in threads of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from bots.delivery import Delivery
from core.notices import NoticeService
from core.outbound import Outbound

AT_A_TIME = 8
"""How many notices are sent side by side."""

log = structlog.get_logger(__name__)


class Notifier:
    """Sends what is due on the channels of its delivery. Several may run, in one process or in many."""

    def __init__(self, notices: NoticeService, delivery: Delivery) -> None:
        self._notices = notices
        self._delivery = delivery
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
        claimed = self._notices.claim(free, self._delivery.channels) if free else []
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
            self._delivery.send(outbound)
        except Exception:
            # This thread's edge: when the lease runs out, the next claim has it.
            log.exception("what became of a notice could not be noted", notice=outbound.notice.id)
        with self._let_go:
            self._in_hand.remove(outbound.notice.id)
            self._let_go.notify_all()
        when_free()
