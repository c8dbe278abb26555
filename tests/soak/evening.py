"""One evening from the first guest to the last notice, and what it came to."""

import itertools
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

from sqlalchemy import func, select, text

from core.model import NoticeState
from core.storage.tables import events, notices
from tests.soak.edition import CHANNELS, FUNCTIONS, Edition
from tests.soak.guests import Guest
from tests.soak.staff import Device, House

Act = Callable[[], None]

AT_ONCE, DEVICES = 9, 3
# So many guests come at the same time to one queue; what else they have to say, they say after so many others came.
CROWD, CROWDS_LATER = 8, 6
# After each portion of what they do, people wait until the notices have nearly kept up: the hours of a real evening.
PORTION, MOST_WAITING = 200, 50
MOST_ROUNDS = 10


@dataclass
class Evening:
    """What was said and pressed, and with which answers."""

    edition: Edition
    house: House
    guests: list[Guest]
    devices: list[Device]
    seconds: float = 0.0

    def summary(self) -> str:
        """What happened, for people to read."""
        functions = self.edition.functions
        said = [said for guest in self.guests for said in guest.said]
        pressed = [pressed for device in self.devices for pressed in device.pressed]
        twice = sum(len(each.answers) > 1 for each in said) + sum(len(each.tickets) > 1 for each in pressed)
        sent = len(self.edition.twilio.asked) + len(self.edition.telegram.asked)
        deaths = ", ".join(f"{name} {each.kills} of {each.calls} calls" for name, each in functions.items())
        asked_again = sum(functions[name].kills for name in functions if name not in (*CHANNELS, "sweep"))
        return f"""{len(self.guests)} guests in {len(self.house.queues)} queues said {len(said)} things, \
staff pressed {len(pressed)} times, carriers were handed {sent} notices
{sum(each.kills for each in functions.values())} containers killed: {deaths}
{twice} messages and presses came twice in the same instant, {asked_again} again after a death
{self.seconds:.0f} seconds, {(len(said) + len(pressed) + sent) / self.seconds:.0f} messages a second"""


def spend(edition: Edition, guests: int, queues: int, seed: int) -> Evening:
    """Let guests come and staff work, with deaths in the middle half, until all is quiet."""
    house = House(edition)
    house.open(queues)
    codes = list(house.queues.values())
    people = [
        Guest(number, codes[number // CROWD % queues], random.Random(f"{seed} guest {number}"))
        for number in range(guests)
    ]
    devices = [Device(house, random.Random(f"{seed} device {number}")) for number in range(DEVICES)]
    evening = Evening(edition, house, people, devices)
    began = time.monotonic()
    _with_pollers(evening)
    evening.seconds = time.monotonic() - began
    return evening


def _with_pollers(evening: Evening) -> None:
    edition, over = evening.edition, Event()
    pollers = [name for name in CHANNELS for _ in range(FUNCTIONS[name][0])]
    with ThreadPoolExecutor(len(pollers) + 1) as background:
        running = [background.submit(edition.poll, name) for name in pollers]
        try:
            sweeping = background.submit(edition.sweep_each, 1.0, over)
            try:
                _come_and_work(evening)
            finally:
                over.set()
            sweeping.result()
            drain(edition)
        finally:
            edition.stopped.set()
    for each in running:
        each.result()


def _come_and_work(evening: Evening) -> None:
    """Guests and staff, side by side; in the middle Redis loses what it holds."""
    edition, plan = evening.edition, _plan(evening)
    quarter, begun = len(plan) // 4, itertools.count()

    def do(act: Act) -> None:
        number = next(begun)
        if number in (quarter, 3 * quarter):
            edition.be_deadly(number == quarter)
        if number == 2 * quarter:
            with edition.valkey.client() as client:
                client.flushall()
        act()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for start in range(0, len(plan), PORTION):
            _wait_for_nudges(edition, MOST_WAITING)
            list(threads.map(do, plan[start : start + PORTION]))


def _wait_for_nudges(edition: Edition, at_most: int) -> None:
    """Wait until no more nudges are left than this, or nobody reads them any more."""
    while edition.nudges() > at_most and not edition.stopped.is_set():
        time.sleep(0.2)


def _plan(evening: Evening) -> list[Act]:
    """What guests and staff do, in the order in which they begin it."""
    edition, guests, devices = evening.edition, evening.guests, itertools.cycle(evening.devices)
    crowds = [guests[start : start + CROWD] for start in range(0, len(guests), CROWD)]
    plan: list[Act] = []
    for number in range(len(crowds) + CROWDS_LATER):
        if number < len(crowds):
            for guest in crowds[number]:
                plan += [partial(guest.come, edition), next(devices).press]
        if number >= CROWDS_LATER:
            plan += [partial(guest.wait, edition) for guest in crowds[number - CROWDS_LATER]]
    return plan


def drain(edition: Edition) -> None:
    """Let minutes pass until nothing is left to be told. AssertionError when that takes too many."""
    for _ in range(MOST_ROUNDS):
        _wait_for_nudges(edition, 0)
        if edition.stopped.is_set() or not _left(edition):
            return
        _let_a_minute_pass(edition)
        edition.sweep()
    raise AssertionError(f"after {MOST_ROUNDS} minutes of sweeps {_left(edition)} events and notices are left")


def _left(edition: Edition) -> int:
    queries = (
        select(func.count()).select_from(events).where(events.c.relayed_at.is_(None)),
        select(func.count()).select_from(notices).where(notices.c.state == NoticeState.PENDING),
    )
    with edition.engine.connect() as connection:
        return sum(connection.execute(query).scalar_one() for query in queries)


def _let_a_minute_pass(edition: Edition) -> None:
    """Make what waits for its time a minute older, while nobody works: the leases of the dead run out."""
    minute = "INTERVAL 61 SECOND"
    with edition.engine.begin() as connection:
        connection.execute(text(f"UPDATE events SET at = at - {minute} WHERE relayed_at IS NULL"))
        connection.execute(
            text(
                f"UPDATE notices SET lease_until = lease_until - {minute}, next_try_at = next_try_at - {minute} "
                "WHERE state = 'pending'"
            )
        )
