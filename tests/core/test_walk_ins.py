"""Walk-ins: added by staff, texted only where that is wanted and paid for."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from core.contacts import ContactBook
from core.errors import (
    AlreadyInLine,
    CountryNotAllowed,
    InvalidValue,
    NotFound,
    QueueClosed,
    TooManyTexts,
    VenueHasNoNumber,
)
from core.model import EventKind, QueueState, Ticket
from core.notices import NoticeService
from core.queues import QueueService
from core.storage.records import Records
from core.storage.tables import contacts
from core.venues import VenueService
from core.walk_ins import WalkIns
from tests.clocks import StillClock
from tests.core.invariants import assert_whole


class Door:
    """A venue of Ann's in Brazil with a queue, and the staff at its door."""

    def __init__(self, records: Records, *, phone_number: str | None = "+5511987654321", **limits: Any) -> None:
        self.records = records
        queues = QueueService()
        self.venues = VenueService(queues)
        self.walk_ins = WalkIns(queues, self.venues, ContactBook(b"a key for tests"), **limits)
        self.venue = self.new_venue(phone_number)
        self.queue = self.new_queue()

    def new_venue(self, phone_number: str | None) -> Any:
        settings: dict[str, Any] = {"time_zone": "America/Sao_Paulo", "phone_number": phone_number}
        return self.records.transaction(lambda tx: self.venues.create(tx, "ann", name="Bar do Zé", **settings))

    def new_queue(self, venue: Any = None) -> Any:
        venue_id = (venue or self.venue).id
        return self.records.transaction(lambda tx: self.venues.create_queue(tx, "ann", venue_id, name="Mesas"))

    def add(self, phone: str | None = None, by: str = "ann", queue: Any = None, **details: Any) -> Ticket:
        queue_id = (queue or self.queue).id
        party: dict[str, Any] = {"guest_name": "Ana", "party_size": 2, **details}
        return self.records.transaction(lambda tx: self.walk_ins.add(tx, queue_id, by, phone=phone, **party)).ticket

    def send_all(self) -> None:
        """What walk-ins are told goes out."""
        notices = NoticeService(self.records)
        notices.relay()
        for outbound in notices.claim(100, ("sms",)):
            notices.sent(outbound.notice.id, f"SM-{outbound.notice.id}", delivered=False)

    def waiting(self) -> int:
        with self.records.reading() as tx:
            return self.venues.queue(tx, "ann", self.queue.id).queue.waiting


@pytest.fixture
def door(records: Records, engine: Engine):
    yield Door(records)
    assert_whole(engine)


def test_a_walk_in_without_a_phone_has_no_contact(door: Door) -> None:
    ticket = door.add(note="by the window")

    assert (ticket.guest_name, ticket.party_size, ticket.note) == ("Ana", 2, "by the window")
    assert (ticket.contact_id, ticket.sender, ticket.added_by_staff) == (None, None, True)


@pytest.mark.parametrize("phone", ["+55 21 91234-5678", "(21) 91234-5678", "021 91234-5678"])
def test_a_walk_in_with_a_phone_is_told_by_text_from_the_venues_number(door: Door, phone: str) -> None:
    ticket = door.add(phone)

    with door.records.reading() as tx:
        contact = tx.contacts.get(ticket.contact_id or "")
        [joined] = tx.event_log.of_ticket(ticket.id)
    assert (contact.channel, contact.address, contact.language) == ("sms", "+5521912345678", None)
    assert ticket.sender == "+5511987654321"
    assert (joined.kind, joined.data["announce"], joined.relayed_at) == (EventKind.JOINED, True, None)


def test_a_phone_that_waits_already_keeps_its_one_place(door: Door) -> None:
    first = door.add("+5521912345678")

    with pytest.raises(AlreadyInLine) as refused:
        door.add("021 91234-5678")

    assert refused.value.details == {"ticket": first, "position": 1}
    assert door.waiting() == 1


@pytest.mark.parametrize(("phone", "reason"), [("123", "not-a-phone-number"), ("not a number", "not-a-phone-number")])
def test_a_bad_number_is_named(door: Door, phone: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        door.add(phone)

    assert refused.value.details == {"field": "phone", "reason": reason, "country": "BR", "given": phone}
    assert door.waiting() == 0


def test_only_the_venues_own_country_is_texted(door: Door, engine: Engine) -> None:
    with pytest.raises(CountryNotAllowed) as refused:
        door.add("+4930901820")

    assert refused.value.details == {"country": "DE", "countries": ["BR"]}
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(contacts)).scalar() == 0


def test_a_neighbour_under_the_same_country_code_is_another_country(records: Records) -> None:
    door = Door(records, phone_number="+1 212 555 0100")

    assert door.add("+1 646 555 0123").contact_id
    with pytest.raises(CountryNotAllowed) as refused:
        door.add("+1 876 322 0123")
    assert refused.value.details == {"country": "JM", "countries": ["US"]}


def test_the_operator_may_allow_other_countries(records: Records) -> None:
    door = Door(records, countries=["BR", "DE"])

    assert door.add("+4930901820").contact_id


def test_a_venue_without_a_number_can_text_nobody(records: Records) -> None:
    door = Door(records, phone_number=None)

    with pytest.raises(VenueHasNoNumber):
        door.add("+5521912345678")

    assert door.add().number == 1


@pytest.mark.parametrize("at_another_venue", [False, True])
def test_from_a_number_go_so_many_texts_an_hour_for_all_its_queues(
    records: Records, clock: StillClock, at_another_venue: bool
) -> None:
    door = Door(records, texts_an_hour=6)
    other = door.new_queue(door.new_venue(door.venue.phone_number) if at_another_venue else None)
    for n in range(3):
        door.add(f"+552191234567{n}", queue=other if n else None)
        door.send_all()

    with pytest.raises(TooManyTexts) as refused:
        door.add("+5521912345679")
    assert refused.value.details == {"texts": 3}
    assert door.waiting() == 1
    assert door.add().number == 2
    clock.advance(timedelta(hours=1, seconds=1))
    assert door.add("+5521912345679").number == 3


def test_strangers_and_closed_queues_take_nobody(door: Door) -> None:
    with pytest.raises(NotFound):
        door.add(by="bob")
    door.records.transaction(lambda tx: door.venues.change_queue(tx, "ann", door.queue.id, state=QueueState.CLOSED))
    with pytest.raises(QueueClosed):
        door.add()
