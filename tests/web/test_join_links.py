"""The ways into a queue that the join page offers."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.settings import Settings
from core.storage.queues import QueueAtVenue
from core.storage.schema import migrate
from local.application import Parts
from local.demo import make_demo
from web.join_links import join_links

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "a token for tests"}
TELEGRAM = {"TELEGRAM_BOT_TOKEN": "123456:ABC-DEF"}
SIMULATOR = "http://localhost:8000/simulator"

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return lambda **environment: Settings.from_environment({"DATA_DIR": str(tmp_path), **environment})


@pytest.fixture
def demo(read: Read) -> QueueAtVenue:
    """The demo queue."""
    with closing(Parts(read())) as parts:
        migrate(parts.engine)
        make_demo(parts)
        with parts.records.reading() as tx:
            [place] = tx.queues.all_at_venues(2)
    return place


def test_simulated_carriers_are_joined_in_the_simulator(read: Read, demo: QueueAtVenue) -> None:
    links = join_links(read(), None, demo)

    assert (links.sms_number, links.sms_text) == ("+15550100001", "JOIN DEMO")
    assert (links.sms_url, links.whatsapp_url, links.telegram_url) == (SIMULATOR, SIMULATOR, SIMULATOR)


def test_connected_carriers_are_joined_in_their_own_apps(read: Read, demo: QueueAtVenue) -> None:
    links = join_links(read(**TWILIO, **TELEGRAM, TWILIO_WHATSAPP="on"), "blue_bot", demo)

    assert links.sms_url == "sms:+15550100001?&body=JOIN%20DEMO"
    assert links.whatsapp_url == "https://wa.me/15550100001?text=JOIN%20DEMO"
    assert links.telegram_url == "https://t.me/blue_bot?start=DEMO"


def test_whatsapp_is_offered_only_where_the_operator_says_so(read: Read, demo: QueueAtVenue) -> None:
    assert join_links(read(**TWILIO), None, demo).whatsapp_url is None


def test_a_bot_whose_name_nobody_knows_is_not_linked(read: Read, demo: QueueAtVenue) -> None:
    assert join_links(read(**TELEGRAM), None, demo).telegram_url is None


def test_a_venue_without_a_number_is_joined_by_telegram_alone(read: Read, demo: QueueAtVenue) -> None:
    links = join_links(read(), None, replace(demo, phone_number=None))

    assert (links.sms_number, links.sms_text, links.sms_url, links.whatsapp_url) == (None, None, None, None)
    assert links.telegram_url == SIMULATOR
