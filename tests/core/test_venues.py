"""Venues and queues: who may make and change them, and with what."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import Engine, insert

from core.errors import InvalidValue, JoinCodeTaken, NotAllowed, NotFound, NumberTaken
from core.model import Queue, QueueState, Venue
from core.queues import QueueService
from core.storage.records import Records
from core.storage.tables import memberships
from core.venues import VenueService

ANN, BOB = "ann", "bob"
BERLIN = {"name": "Fuchsbau", "time_zone": "Europe/Berlin"}


class Town:
    """Venues; every method is a transaction of its own, by Ann unless it says otherwise."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.service = VenueService(QueueService())

    def create(self, by: str = ANN, **settings: Any) -> Venue:
        return self.records.transaction(lambda tx: self.service.create(tx, by, **BERLIN | settings))

    def change(self, venue: Venue, by: str = ANN, **settings: Any) -> Venue:
        return self.records.transaction(lambda tx: self.service.change(tx, by, venue.id, **settings))

    def create_queue(self, venue: Venue, by: str = ANN, **settings: Any) -> Queue:
        return self.records.transaction(
            lambda tx: self.service.create_queue(tx, by, venue.id, **{"name": "Tables"} | settings)
        )

    def change_queue(self, queue: Queue, by: str = ANN, **settings: Any) -> Queue:
        return self.records.transaction(lambda tx: self.service.change_queue(tx, by, queue.id, **settings))

    def get(self, venue: Venue, by: str = ANN) -> Venue:
        with self.records.reading() as tx:
            return self.service.get(tx, by, venue.id)

    def queue(self, queue: Queue, by: str = ANN) -> Queue:
        with self.records.reading() as tx:
            return self.service.queue(tx, by, queue.id).queue


@pytest.fixture
def town(records: Records) -> Town:
    return Town(records)


def test_a_venue_has_what_was_asked_for_and_safe_defaults(town: Town) -> None:
    venue = town.create()

    assert (venue.name, venue.time_zone, venue.language, venue.phone_number) == (
        "Fuchsbau",
        "Europe/Berlin",
        "en",
        None,
    )
    assert (venue.day_starts_at, venue.retention_days) == ("06:00", 30)
    assert town.get(venue) == venue
    with town.records.reading() as tx:
        assert town.service.all(tx, ANN) == [venue]
        assert town.service.all(tx, BOB) == []


def test_strangers_find_nothing(town: Town) -> None:
    venue = town.create()
    queue = town.create_queue(venue)

    for reach in (
        lambda: town.get(venue, BOB),
        lambda: town.change(venue, BOB, name="Mine"),
        lambda: town.create_queue(venue, BOB),
        lambda: town.queue(queue, BOB),
        lambda: town.change_queue(queue, BOB, name="Mine"),
        lambda: town.change_queue(queue, BOB, state=QueueState.CLOSED),
    ):
        with pytest.raises(NotFound):
            reach()
    with town.records.reading() as tx, pytest.raises(NotFound):
        town.service.queues_of(tx, BOB, venue.id)
    assert (town.get(venue), town.queue(queue)) == (venue, queue)


def test_a_member_runs_the_queues_but_only_the_owner_changes_the_venue(town: Town, engine: Engine) -> None:
    venue = town.create()
    queue = town.create_queue(venue)
    with engine.begin() as connection:
        connection.execute(insert(memberships), {"account_id": BOB, "venue_id": venue.id, "role": "member"})

    assert town.get(venue, BOB) == venue
    assert town.change_queue(queue, BOB, state=QueueState.PAUSED).state is QueueState.PAUSED
    with pytest.raises(NotAllowed):
        town.change(venue, BOB, name="Mine")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"time_zone": "america/sao_paulo"}, {"time_zone": "America/Sao_Paulo"}),
        ({"language": "pt_BR"}, {"language": "pt-BR"}),
        ({"language": "pt"}, {"language": "pt-BR"}),
        ({"language": "es-MX"}, {"language": "es"}),
        ({"phone_number": "030 901820"}, {"phone_number": "+4930901820"}),
        ({"phone_number": "+1 555 010 0001"}, {"phone_number": "+15550100001"}),
        (
            {"phone_number": "(11) 98765-4321", "time_zone": "America/Sao_Paulo"},
            {"phone_number": "+5511987654321"},
        ),
    ],
)
def test_settings_are_kept_in_one_way_of_writing(town: Town, given: dict, kept: dict) -> None:
    venue = town.create(**given)

    assert {name: getattr(venue, name) for name in kept} == kept
    assert town.change(town.create(), **given) == replace(venue, id=ANY, created_at=ANY)


@pytest.mark.parametrize(
    ("settings", "details"),
    [
        ({"time_zone": "Europe/Berln"}, {"reason": "unknown-time-zone", "nearest": "Europe/Berlin"}),
        ({"time_zone": "../../etc/passwd"}, {"reason": "unknown-time-zone"}),
        ({"time_zone": "localtime"}, {"reason": "unknown-time-zone"}),
        ({"language": "fr"}, {"reason": "unknown-language", "allowed": ["en", "pt-BR", "es"]}),
        ({"day_starts_at": "6:00"}, {"reason": "not-a-time-of-day"}),
        ({"name": "x" * 101}, {"reason": "too-long", "at_most": 100}),
        ({"retention_days": 366}, {"reason": "not-a-number", "at_least": 1, "at_most": 365}),
        ({"day_starts_at": "24:00"}, {"reason": "not-a-time-of-day"}),
        ({"phone_number": "12"}, {"reason": "not-a-phone-number", "country": "DE", "given": "12"}),
        ({"phone_number": "tel"}, {"reason": "not-a-phone-number", "country": "DE"}),
        ({"phone_number": "+999123456789"}, {"reason": "not-a-phone-number"}),
        ({"phone_number": "+4930901820;ext=5"}, {"reason": "not-a-phone-number"}),
    ],
)
def test_what_a_venue_cannot_have_is_named(town: Town, settings: dict, details: dict) -> None:
    venue = town.create()

    for attempt in (lambda: town.create(**settings), lambda: town.change(venue, **settings)):
        with pytest.raises(InvalidValue) as refused:
            attempt()
        assert refused.value.details["field"] == next(iter(settings))
        assert details.items() <= refused.value.details.items()
    assert town.get(venue) == venue


@pytest.mark.parametrize(
    ("settings", "details"),
    [
        ({"name": ""}, {"reason": "missing"}),
        ({"name": "x" * 101}, {"reason": "too-long", "at_most": 100}),
        ({"text": "x" * 501}, {"reason": "too-long", "at_most": 500}),
        ({"called_message": "é" * 501}, {"reason": "too-long", "at_most": 500}),
        ({"capacity": 0}, {"reason": "not-a-number", "at_least": 1, "at_most": 100_000}),
        ({"largest_party": 1001}, {"reason": "not-a-number", "at_least": 1, "at_most": 1000}),
        ({"almost_there_at": -1}, {"reason": "not-a-number", "at_least": 0, "at_most": 50}),
        ({"no_show_minutes": 1441}, {"reason": "not-a-number", "at_least": 1, "at_most": 1440}),
        ({"grace_minutes": 1441}, {"reason": "not-a-number", "at_least": 0, "at_most": 1440}),
    ],
)
def test_what_a_queue_cannot_have_is_named(town: Town, settings: dict, details: dict) -> None:
    venue = town.create()
    queue = town.create_queue(venue)

    for attempt in (lambda: town.create_queue(venue, **settings), lambda: town.change_queue(queue, **settings)):
        with pytest.raises(InvalidValue) as refused:
            attempt()
        assert refused.value.details == {"field": next(iter(settings)), **details}
    assert town.queue(queue) == queue


def test_a_number_belongs_to_one_account(town: Town) -> None:
    venue = town.create(phone_number="+4930901820")
    bobs = town.create(by=BOB)

    for attempt in (
        lambda: town.change(bobs, by=BOB, phone_number="030 901820"),
        lambda: town.create(by=BOB, phone_number="+4930901820"),
    ):
        with pytest.raises(NumberTaken) as refused:
            attempt()
        assert refused.value.details == {"phone_number": "+4930901820"}
    assert town.create(phone_number="+4930901820").phone_number == venue.phone_number


def test_a_number_is_free_again_when_no_venue_has_it(town: Town) -> None:
    first, second = (town.create(phone_number="+4930901820") for _ in range(2))
    bobs = town.create(by=BOB)

    town.change(first, phone_number=None)
    with pytest.raises(NumberTaken):
        town.change(bobs, by=BOB, phone_number="+4930901820")
    town.change(second, phone_number="+4930901821")

    assert town.change(bobs, by=BOB, phone_number="+4930901820").phone_number == "+4930901820"


def test_two_who_take_one_number_at_once_leave_it_to_one(town: Town) -> None:
    def take(account: str) -> str | None:
        try:
            return town.create(by=account, phone_number="+4930901820").id
        except NumberTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        taken = [id_ for id_ in pool.map(take, [f"account{n}" for n in range(8)]) if id_]

    assert len(taken) == 1


def test_changes_at_once_do_not_undo_each_other(town: Town) -> None:
    venue = town.create()
    settings = [{"name": "New name"}, {"language": "es"}, {"day_starts_at": "07:30"}, {"retention_days": 5}]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda given: town.change(venue, **given), settings))

    now = town.get(venue)
    assert (now.name, now.language, now.day_starts_at, now.retention_days) == ("New name", "es", "07:30", 5)


def test_another_start_of_the_day_moves_the_end_of_todays_numbers(town: Town) -> None:
    venue = town.create()
    queue = town.create_queue(venue)
    assert queue.day_ends_at == datetime(2026, 11, 21, 5, 0, tzinfo=UTC)

    town.change(venue, day_starts_at="23:30")
    assert town.queue(queue).day_ends_at == datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    town.change(venue, time_zone="America/Sao_Paulo", day_starts_at="04:00")
    assert town.queue(queue).day_ends_at == datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def test_a_day_that_is_over_still_ends_after_a_change(town: Town, clock: Any) -> None:
    venue = town.create()
    queue = town.create_queue(venue)
    clock.advance(timedelta(days=1))

    town.change(venue, day_starts_at="04:00")

    assert town.queue(queue).day_ends_at < clock.now


def test_every_change_of_a_venue_or_queue_makes_its_pages_refresh(town: Town) -> None:
    venue = town.create()
    queues = [town.create_queue(venue) for _ in range(2)]

    town.change(venue, name="Another")
    assert [town.queue(queue).version for queue in queues] == [queue.version + 1 for queue in queues]
    changed = town.change_queue(queues[0], text="Soon", state=QueueState.PAUSED, capacity=None)

    assert (changed.version, changed.text, changed.state) == (queues[0].version + 2, "Soon", QueueState.PAUSED)
    assert town.queue(queues[0]) == changed
    assert town.queue(queues[1]).version == queues[1].version + 1


def test_a_queue_has_safe_defaults_and_a_code_that_can_be_shouted(town: Town) -> None:
    queue = town.create_queue(town.create())

    assert re.fullmatch(r"[ACDEFHJKLMNPRTUVWXY3479]{4}", queue.join_code)
    assert (queue.state, queue.capacity, queue.largest_party) == (QueueState.OPEN, None, None)
    assert (queue.almost_there_at, queue.no_show_minutes, queue.grace_minutes) == (3, 10, 15)
    assert (queue.waiting, queue.last_number) == (0, 0)
    assert town.queue(queue) == queue


def test_a_join_code_is_one_queues_in_any_case(town: Town) -> None:
    venue = town.create()
    queue = town.create_queue(venue, join_code="demo")
    other = town.create_queue(town.create(by=BOB), by=BOB)

    for attempt in (
        lambda: town.create_queue(venue, join_code="DEMO"),
        lambda: town.change_queue(other, by=BOB, join_code="Demo"),
    ):
        with pytest.raises(JoinCodeTaken) as refused:
            attempt()
        assert refused.value.details == {"join_code": "DEMO"}
    assert queue.join_code == "DEMO"
    assert town.change_queue(queue, join_code="dEMO").join_code == "DEMO"
    assert town.change_queue(queue, join_code="bar2").join_code == "BAR2"


@pytest.mark.parametrize("code", ["AB", "A" * 21, "AÇAÍ", "A-B", "A B", "1234", ""])
def test_a_code_that_nobody_could_type_is_refused(town: Town, code: str) -> None:
    venue = town.create()

    with pytest.raises(InvalidValue) as refused:
        town.create_queue(venue, join_code=code)

    assert refused.value.details == {"field": "join_code", "reason": "not-a-join-code"}


def test_queues_made_at_once_have_codes_of_their_own(town: Town) -> None:
    venue = town.create()

    def make(_: int) -> str | None:
        try:
            return town.create_queue(venue, join_code="RUSH").join_code
        except JoinCodeTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))

    assert sorted(made, key=str) == [*[None] * 7, "RUSH"]


def test_every_number_is_known_though_its_venue_has_no_queue(town: Town) -> None:
    town.create(phone_number="+12025550101", name="The Bar")

    with town.records.reading() as tx:
        assert tx.venues.numbers() == [("+12025550101", "The Bar")]


def test_a_word_that_guests_send_for_something_else_is_no_join_code(records: Records) -> None:
    town = Town(records)
    town.service = VenueService(QueueService(), reserved_codes=frozenset({"SAIR"}))
    venue = town.create()

    with pytest.raises(InvalidValue) as refused:
        town.create_queue(venue, join_code="sair")
    assert refused.value.details == {"field": "join_code", "reason": "reserved-join-code"}
