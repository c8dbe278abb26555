"""What carriers tell us later: that a text arrived or did not, and that a guest has blocked us."""

from typing import Any

import structlog

from bots.channels import DeliveryStatus, Retry, Unreachable
from bots.conversation import RECEIPTS_KEPT
from core.contacts import ContactBook
from core.model import ContactAddress, NoticeState
from core.notices import NoticeService
from core.storage.records import Once, Records, Transaction

log = structlog.get_logger(__name__)


class Reports:
    """Takes the reports down in the record. Safe for all threads."""

    def __init__(self, records: Records, contacts: ContactBook, notices: NoticeService) -> None:
        self._records = records
        self._contacts = contacts
        self._notices = notices

    def delivery(self, status: DeliveryStatus) -> None:
        """A text of ours was sent, arrived, or failed."""
        code = None if status.error is None else status.error.code
        log.info("a text was reported", channel=status.channel, state=status.state, code=code)
        self._notices.report(
            status.channel,
            status.carrier_id,
            NoticeState(status.state),
            code,
            unreachable=isinstance(status.error, Unreachable),
            retry=isinstance(status.error, Retry),
        )

    def telegram_blocked(self, address: str, blocked: bool, update_id: str) -> None:
        """A guest has blocked the bot, or taken that back. One who never wrote to it is not remembered for it."""
        whose = ContactAddress("telegram", address)

        def work(tx: Transaction) -> dict[str, Any]:
            contact, _ = tx.contacts.lock(whose, self._contacts.hash(whose))
            if contact is not None:
                contact.unreachable = "blocked" if blocked else None
                tx.contacts.save(contact)
            return {}

        # Told again, it would take back what the guest wrote since.
        self._records.answer_once(Once("block telegram", update_id, "", RECEIPTS_KEPT), work)
