"""What the tests of notices share: a line whose guests are told things."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine

from core.model import NoticeKind, NoticeState, Ticket
from core.notices import NoticeService
from core.outbound import Outbound
from core.storage.notices import Notice
from core.storage.records import Records
from tests.core.lines import Line

SMS = ("sms",)


class Told(Line):
    """A line with the way of notices behind it, and the carrier's answers as methods."""

    def __init__(self, records: Records, engine: Engine, **settings: object) -> None:
        super().__init__(records, engine, **{"no_show_minutes": 5, **settings})
        self.service = NoticeService(records)

    def relay(self) -> int:
        return self.service.relay()

    def claim(self, at_most: int = 100) -> list[Outbound]:
        """What is to be sent now."""
        self.relay()
        return self.service.claim(at_most, SMS)

    def claim_one(self, kind: NoticeKind) -> Notice:
        [outbound] = self.claim()
        assert outbound.notice.kind is kind
        return outbound.notice

    def called(self, address: str = "+15550300001") -> tuple[Ticket, Notice]:
        """A guest who was called, and the claimed notice of it."""
        ticket = self.join(address)
        self.act("call", ticket)
        return ticket, self.claim_one(NoticeKind.CALLED)

    def report(
        self,
        carrier_id: str,
        state: NoticeState,
        error_code: str | None = None,
        *,
        unreachable: bool = False,
        retry: bool = False,
    ) -> None:
        self.service.report("sms", carrier_id, state, error_code, unreachable=unreachable, retry=retry)

    def sent(self, notice: Notice, carrier_id: str = "SM1", *, delivered: bool = False) -> None:
        self.service.sent(notice.id, carrier_id, delivered=delivered)

    def send_all(self) -> None:
        """Whatever is due goes out."""
        for outbound in self.claim():
            self.sent(outbound.notice, f"SM-{outbound.notice.id}")

    def fail(self, notice: Notice, code: str = "30005", *, retry: bool = False, unreachable: bool = False) -> None:
        self.service.failed(notice.id, code, "It could not be sent.", retry=retry, unreachable=unreachable)

    def notices(self, ticket: Ticket) -> list[Notice]:
        with self.records.reading() as tx:
            return tx.notices.of_tickets([ticket.id])

    def notice(self, notice: Notice) -> Notice:
        with self.records.reading() as tx:
            found = tx.notices.get(notice.id)
        assert found is not None
        return found

    def shown(self, ticket: Ticket) -> tuple[str | None, str | None]:
        """What the board says of the last notice."""
        now = self.ticket(ticket)
        return now.last_notice_kind, now.last_notice_state

    def reachable(self, ticket: Ticket) -> bool:
        with self.records.reading() as tx:
            entry = tx.lines.entry(ticket.id)
        assert entry is not None
        return entry.reachable

    def clock_ends(self, ticket: Ticket) -> timedelta | None:
        """How long after the call the no-show clock runs out."""
        now = self.ticket(ticket)
        return None if now.no_show_at is None or now.called_at is None else now.no_show_at - now.called_at


def without_times(notice: Notice) -> Notice:
    return replace(notice, updated_at=notice.created_at)
