"""Whatever is said, in whatever order: an answer, and a record that is whole."""

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlalchemy import Engine

from bots.phrases import LONGEST_TEXT
from core.errors import Refusal
from core.model import QueueState
from core.storage.records import Records
from tests.bots.bars import Bars, telegram
from tests.core.invariants import assert_whole
from tests.core.lines import OWNER

WORDS = (
    "JOIN", "entrar", "BAR", "TERR", "Terrace", "terrase", "bra", "9", "1", "2", "0", "-1", "4 Ana", "9 Zoë",
    "POSITION", "LEAVE", "sair", "HERE", "LATE 3", "HELP", "LANGUAGE pt", "LANGUAGE xx", "/start", "/start BAR",
    "Ana", "🍺", "", "yes",
)  # fmt: skip
said = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=4).map(" ".join),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200),
)
staff = st.sampled_from(
    ["call", "no show", "serve", "put back", "close", "pause", "open", "remove", "wait", "next day"]
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("says"), said),
        st.tuples(st.just("presses"), st.integers(0, 20)),
        st.tuples(st.just("carrier"), st.sampled_from(["stop", "start", "help"])),
        st.tuples(st.just("staff"), staff),
    ),
    min_size=1,
    max_size=14,
)


def act(bars: Bars, name: str, queue_id: str) -> None:
    """What staff and time do to the last guest who was called, or to the queue."""
    states = {"close": QueueState.CLOSED, "pause": QueueState.PAUSED, "open": QueueState.OPEN}
    if name in states:
        bars.do(lambda tx: bars.queues.set_state(tx, queue_id, states[name], OWNER))
    elif name == "call":
        bars.call_next(queue_id)
    elif name == "wait":
        bars.wait(minutes=6)
    elif name == "next day":
        bars.wait(hours=24)
    else:
        operation = getattr(bars.queues, name.replace(" ", "_"))
        with bars.records.reading() as tx:
            active = tx.lines.active(queue_id, 1, 0, 0)
        if active:
            bars.do(lambda tx: operation(tx, active[0].id, OWNER))


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_whatever_is_said_is_answered(records: Records, engine: Engine, channel: str) -> None:
    bars = Bars(records)
    venue = bars.venue()
    bars.queue("BAR", venue, name="Bar", largest_party=6, capacity=5)
    bars.queue("TERR", venue, name="Terrace")

    @hypothesis.settings(max_examples=60)
    @hypothesis.given(steps)
    def talk(story: list[tuple[str, str | int]]) -> None:
        address = f"+1555090{next(bars.numbers):04}"
        guest = telegram(bars, address) if channel == "telegram" else bars.guest(address, channel=channel)
        buttons = ["leave:x"]
        for who, what in story:
            if who == "staff":
                try:
                    act(bars, str(what), "bar")
                except Refusal:
                    continue
                continue
            if who == "says":
                reply = guest.ask(str(what))
            elif who == "carrier":
                reply = guest.ask(str(what), carrier_word=what)
            else:
                reply = guest.ask(button=buttons[int(what) % len(buttons)])
            assert reply.text
            assert len(reply.text) <= LONGEST_TEXT
            buttons += [button.data for row in reply.buttons for button in row]

    talk()
    assert_whole(engine)
