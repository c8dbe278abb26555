"""What happens by itself: no-shows, the end of the day, reports left behind, the erasure of what may not be kept."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from core.contacts import ContactBook
from core.notices import NoticeService
from core.queues import QueueService
from core.storage.records import Records, Transaction

AT_A_TIME = 200
REPORTS_KEPT = timedelta(days=7)

Attempt = Callable[[Callable[[], int]], int]
"""Runs one step of a sweep and answers what the step does; whoever may swallow a step's fault does so here."""


def _plainly(step: Callable[[], int]) -> int:
    return step()


class Sweeper:
    """The sweeps; each is a series of small transactions and may run in several processes at once."""

    def __init__(self, records: Records, queues: QueueService, contacts: ContactBook) -> None:
        self._records = records
        self._queues = queues
        self._contacts = contacts

    def no_shows(self, attempt: Attempt = _plainly) -> int:
        """Make no-shows of the called whose clock has run out, each in an attempt of its own; answers how many."""
        with self._records.reading() as tx:
            overdue = tx.tickets.overdue(tx.now, AT_A_TIME)
        return self._each(self._queues.no_show_if_overdue, overdue, attempt)

    def end_days(self, attempt: Attempt = _plainly) -> int:
        """Start the numbers again in queues whose business day is over, each in an attempt of its own.

        Answers in how many.
        """
        with self._records.reading() as tx:
            over = tx.queues.whose_day_ended(tx.now)
        return self._each(self._queues.end_day_if_over, over, attempt)

    def hear_reports(self, notices: NoticeService, attempt: Attempt = _plainly) -> int:
        """Let notices have the reports whose process died before it could, each message's in an attempt of its own.

        Answers of how many messages.
        """
        with self._records.reading() as tx:
            left = tx.notices.noted_with_reports(AT_A_TIME)
        return sum(attempt(partial(notices.join_reports, channel, carrier_id)) for channel, carrier_id in left)

    def _each(self, change: Callable[[Transaction, str], bool], ids: Iterable[str], attempt: Attempt) -> int:
        def step(id_: str) -> int:
            return self._records.transaction(lambda tx: change(tx, id_))

        return sum(attempt(partial(step, id_)) for id_ in ids)

    def erase(self) -> int:
        """Blank guests' personal data past their venue's retention time, and delete spent receipts and tokens.

        In portions, so that nobody waits long for a lock. Answers how many tickets were blanked.
        """
        erased = self._in_portions(lambda tx: tx.tickets.erase_expired(tx.now, AT_A_TIME))
        self._erase_contacts()
        self._in_portions(lambda tx: tx.receipts.delete_expired(tx.now, AT_A_TIME))
        self._records.transaction(_delete_spent)
        return erased

    def _in_portions(self, work: Callable[[Transaction], int]) -> int:
        """Do it in one transaction after the other, until one finds less than a whole portion; answers the sum."""
        total = portion = self._records.transaction(work)
        while portion == AT_A_TIME:
            portion = self._records.transaction(work)
            total += portion
        return total

    def _erase_contacts(self) -> None:
        while self._erase_some_contacts() == AT_A_TIME:
            pass

    def _erase_some_contacts(self) -> int:
        """Blank a portion of the contacts whose every ticket is blank; answers how many there were."""

        def work(tx: Transaction, contact_id: str) -> None:
            contact = tx.contacts.lock_by_id(contact_id)
            if contact.address and not tx.contacts.has_kept_ticket(contact_id):
                self._contacts.erase(tx, contact)

        with self._records.reading() as tx:
            forgotten = tx.contacts.without_tickets_kept(tx.now - timedelta(days=1), AT_A_TIME)
        for contact_id in forgotten:
            self._records.transaction(partial(work, contact_id=contact_id))
        return len(forgotten)


def _delete_spent(tx: Transaction) -> None:
    tx.accounts.delete_expired_tokens(tx.now)
    tx.notices.delete_reports(tx.now - REPORTS_KEPT)
