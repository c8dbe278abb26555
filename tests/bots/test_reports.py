"""What carriers tell us later."""

from structlog.testing import capture_logs

from bots.channels import DeliveryStatus
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


def test_what_is_reported_of_a_text_is_logged_without_whose_it_is(records: Records) -> None:
    reports = Reports(records, ContactBook(b"a key for tests"), NoticeService(records))

    with capture_logs() as logged:
        reports.delivery(DeliveryStatus("sms", "SM" + "1" * 32, "delivered"))

    [line] = [line for line in logged if line["event"] == "a text was reported"]
    assert line == {
        "event": "a text was reported", "log_level": "info", "channel": "sms", "state": "delivered", "code": None
    }  # fmt: skip
