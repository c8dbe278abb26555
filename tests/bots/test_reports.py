"""What carriers tell us later."""

from bots.reports import Reports
from core.contacts import ContactBook
from core.model import ContactAddress
from core.notices import NoticeService
from core.storage.records import Records

ADDRESS = ContactAddress("telegram", "4711")


def test_a_block_that_is_told_again_takes_nothing_back(records: Records) -> None:
    book = ContactBook(b"a key for tests")
    reports = Reports(records, book, NoticeService(records))
    records.transaction(lambda tx: book.lock_or_add(tx, ADDRESS))

    def unreachable() -> str | None:
        return records.transaction(lambda tx: book.lock_or_add(tx, ADDRESS)).unreachable

    reports.telegram_blocked("4711", True, "1")
    assert unreachable() == "blocked"
    reports.telegram_blocked("4711", False, "2")
    reports.telegram_blocked("4711", True, "1")
    assert unreachable() is None
