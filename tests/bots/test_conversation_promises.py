"""Once, all or nothing, cheap, and never an error to a guest: what holds for every message."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits.storage import MemoryStorage, RedisStorage
from sqlalchemy import Engine

from bots.conversation import LONGEST_TEXT
from bots.message_limit import MessageLimit
from core.storage.records import Records
from core.storage.redis_server import open_redis
from core.storage.view import Positions, PositionView, ViewUpdate
from tests.bots.bars import Bars
from tests.clocks import StillClock
from tests.core.counting import counted, counted_redis
from tests.core.invariants import assert_whole
from tests.servers import Valkey


@pytest.fixture
def with_redis(engine: Engine, clock: StillClock, valkey: Valkey) -> Iterator[Bars]:
    """Bars whose positions stand in a view, and whose messages are counted in Redis."""
    redis = open_redis(valkey.url)
    view = PositionView(redis)
    records = Records(engine, clock, [ViewUpdate(view)])
    limit = MessageLimit(RedisStorage(valkey.url, wrap_exceptions=True))
    bars = Bars(records, limit, Positions(records, view))
    yield bars
    redis.close()
    assert_whole(engine)


class TestOnce:
    def test_a_message_delivered_eight_times_at_once_changes_one_thing(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        message = guest.message("JOIN DEMO")
        with ThreadPoolExecutor(8) as threads:
            replies = list(threads.map(bars.conversation.answer, [message] * 8))
        assert len(bars.line()) == 1
        assert all(reply == replies[0] for reply in replies)

    def test_thirty_two_joins_at_once_make_one_ticket(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        messages = [guest.message("JOIN DEMO") for _ in range(32)]
        with ThreadPoolExecutor(16) as threads:
            replies = list(threads.map(bars.conversation.answer, messages))
        assert len(bars.line()) == 1
        texts = [reply.text or "" for reply in replies]
        assert sum("You're in!" in text for text in texts) == 1
        assert sum("You're already in line. Place 1 in line" in text for text in texts) == 31

    def test_guests_who_come_at_once_are_told_the_places_they_have(self, bars: Bars) -> None:
        bars.queue()
        guests = [bars.guest() for _ in range(24)]
        with ThreadPoolExecutor(12) as threads:
            texts = list(threads.map(lambda guest: guest.say("JOIN DEMO 2"), guests))
        order = [ticket.id for ticket in bars.line()]
        for guest, text in zip(guests, texts, strict=True):
            assert f"Place {order.index(guest.ticket.id) + 1} in line" in text


class TestWhatItCosts:
    @pytest.mark.parametrize("text", ["JOIN", "JOIN DEMO", "JOIN DEMO 4 Ana", "demo", "JOIN Ana 4", "JOIN DEMO 4"])
    def test_a_new_guest_joins_in_one_commit(self, with_redis: Bars, engine: Engine, valkey: Valkey, text: str) -> None:
        with_redis.queue()
        with_redis.fill(3)
        guest = with_redis.guest()
        with_redis.guest().say("JOIN DEMO")
        with valkey.client() as redis, counted(engine) as sql, counted_redis(redis) as in_redis:
            assert "Place 5" in guest.say(text)
        assert (sql.commits, sql.connections) == (1, 0)
        assert len(sql.statements) <= 10
        assert in_redis.round_trips <= 2

    def test_a_join_costs_the_same_in_a_long_line(self, bars: Bars, engine: Engine) -> None:
        bars.queue()
        counts = []
        for _ in range(3):
            with counted(engine) as sql:
                bars.guest().say("JOIN DEMO 4")
            counts.append(len(sql.statements))
            bars.fill(30)
        assert counts == [counts[0]] * 3

    def test_a_known_guest_asks_for_the_place_in_four_statements(self, with_redis: Bars, engine: Engine) -> None:
        with_redis.queue()
        guest = with_redis.guest()
        guest.say("JOIN DEMO 4")
        guest.say("POSITION")
        with counted(engine) as sql:
            assert "Place 1" in guest.say("POSITION")
        assert sql.commits == 1
        assert len(sql.statements) <= 4


class TestLongTexts:
    def test_what_stands_far_behind_is_not_read(self, bars: Bars) -> None:
        bars.queue()
        guest = bars.guest()
        guest.say("JOIN DEMO 2")
        assert "LEAVE again" not in guest.say("LEAVE".rjust(LONGEST_TEXT + 5))
        assert "LEAVE again" in guest.say("LEAVE".rjust(LONGEST_TEXT))


class TestTheLimit:
    def test_beyond_it_guests_are_asked_to_wait_and_only_a_receipt_is_looked_for(
        self, records: Records, engine: Engine, clock: StillClock
    ) -> None:
        bars = Bars(records, MessageLimit(MemoryStorage(), per_minute=3))
        bars.queue()
        guest = bars.guest()
        for _ in range(3):
            guest.say("JOIN DEMO 2")
        with counted(engine) as sql:
            assert guest.say("LEAVE") == "That was too fast: please wait a minute."
            assert guest.say("5") == (
                "That was too fast: please wait a minute. Rápido demais: espere um minuto, por favor. "
                "Demasiado rápido: espera un minuto, por favor."
            )
            assert guest.say("5", language="pt-br") == "Rápido demais: espere um minuto, por favor."
        assert len(sql.statements) == 3
        assert all("FROM receipts" in statement for statement in sql.statements)
        assert sql.commits == 0
        assert "Place 1" not in bars.guest().say("hello?")

    def test_beyond_it_a_repeat_gets_its_first_answer(self, records: Records) -> None:
        bars = Bars(records, MessageLimit(MemoryStorage(), per_minute=1))
        bars.queue()
        guest = bars.guest()
        message = guest.message("JOIN DEMO 2")
        first = bars.conversation.answer(message)
        assert "too fast" in guest.say("POSITION")
        assert bars.conversation.answer(message) == first

    def test_the_wish_to_hear_nothing_more_is_never_one_too_many(self, records: Records) -> None:
        bars = Bars(records, MessageLimit(MemoryStorage(), per_minute=1))
        bars.queue()
        guest = bars.guest()
        guest.say("JOIN DEMO 2")
        guest.ask("STOP", carrier_word="stop", carrier_answers=True)
        assert guest.contact.opted_out

    def test_it_is_counted_in_redis_for_all_processes(self, with_redis: Bars) -> None:
        with_redis.queue()
        guest = with_redis.guest()
        texts = [guest.say("POSITION") for _ in range(61)]
        assert [text for text in texts if "too fast" in text] == texts[60:]


def test_without_redis_guests_are_served_as_before(with_redis: Bars, valkey: Valkey) -> None:
    with_redis.queue()
    with_redis.fill(1)
    guest = with_redis.guest()
    guest.say("JOIN DEMO 2")
    valkey.kill()
    assert guest.say("POSITION").startswith("Place 2 in line at The Blue Door.")
    with_redis.call_next()
    assert guest.say("POSITION").startswith("Place 1 in line at The Blue Door.")
    assert "Place 2" in with_redis.guest().say("JOIN DEMO 2")
    valkey.start()
    assert guest.say("POSITION").startswith("Place 1 in line at The Blue Door.")
