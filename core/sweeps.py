"""What happens by itself: no-shows, the end of the day, and the erasure of what may not be kept."""

from datetime import timedelta
from functools import partial

from core.contacts import ContactBook
from core.queues import QueueService
from core.storage.records import Records, Transaction

AT_A_TIME = 200
REPORTS_KEPT = timedelta(days=7)


class Sweeper:
    """The sweeps; each is a series of small transactions and may run in several processes at once."""

    def __init__(self, records: Records, queues: QueueService, contacts: ContactBook) -> None:
        self._records = records
        self._queues = queues
        self._contacts = contacts

    def no_shows(self) -> int:
        """Make no-shows of the called whose clock has run out; answers how many."""
        with self._records.reading() as tx:
            overdue = tx.tickets.overdue(tx.now, AT_A_TIME)
        return sum(
            self._records.transaction(partial(self._queues.no_show_if_overdue, ticket_id=ticket_id))
            for ticket_id in overdue
        )

    def end_days(self) -> int:
        """Start the numbers again in queues whose business day is over; answers in how many."""
        with self._records.reading() as tx:
            over = tx.queues.whose_day_ended(tx.now)
        return sum(
            self._records.transaction(partial(self._queues.end_day_if_over, queue_id=queue_id)) for queue_id in over
        )

    def erase(self) -> int:
        """Blank guests' personal data past their venue's retention time, and delete spent receipts and tokens.

        Answers how many tickets were blanked.
        """

        def blank_tickets(tx: Transaction) -> int:
            return tx.tickets.erase_expired(tx.now, AT_A_TIME)

        erased = blanked = self._records.transaction(blank_tickets)
        while blanked == AT_A_TIME:
            blanked = self._records.transaction(blank_tickets)
            erased += blanked
        self._erase_contacts()
        self._records.transaction(_delete_spent)
        return erased

    def _erase_contacts(self) -> None:
        """Blank the contacts whose every ticket is blank."""
        with self._records.reading() as tx:
            forgotten = tx.contacts.without_tickets_kept(tx.now - timedelta(days=1), AT_A_TIME)

        def work(tx: Transaction, contact_id: str) -> None:
            contact = tx.contacts.lock_by_id(contact_id)
            if contact.address and not tx.contacts.has_kept_ticket(contact_id):
                self._contacts.erase(tx, contact)

        for contact_id in forgotten:
            self._records.transaction(partial(work, contact_id=contact_id))


def _delete_spent(tx: Transaction) -> None:
    tx.receipts.delete_expired(tx.now)
    tx.accounts.delete_expired_tokens(tx.now)
    tx.notices.delete_reports(tx.now - REPORTS_KEPT)
