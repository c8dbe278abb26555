"""Which join codes are looked at to find the one that was meant."""

import pytest

from core.storage.queues import MOST_ALIKE
from core.storage.records import Records, Transaction
from tests.core.lines import OWNER, add_queue, add_venue


def like(records: Records, code: str) -> list[str]:
    with records.reading() as tx:
        return tx.queues.join_codes_like(code)


def add_queues(records: Records, codes: list[str]) -> None:
    def work(tx: Transaction) -> None:
        add_venue(tx, "v", OWNER)
        for code in codes:
            add_queue(tx, "v", code.lower(), join_code=code)

    records.transaction(work)


@pytest.mark.parametrize("typed", ["DEMA", "DMEO", "EDMO", "DEMO1", "DE", "DEMO-1"])
def test_a_code_with_a_slip_finds_the_codes_like_it_only(records: Records, typed: str) -> None:
    add_queues(records, ["DEMO", "DEMONSTRATION", "BAR", "ZEBRA"])
    assert like(records, typed) == ["DEMO"]


@pytest.mark.parametrize("typed", ["", "D", "<script>", "D" * 23, "\U0010ffff\U0010ffff", "DÉMO", "demo"])
def test_what_can_be_no_code_finds_none(records: Records, typed: str) -> None:
    add_queues(records, ["DEMO"])
    assert like(records, typed) == []


def test_in_a_town_full_of_queues_only_some_hundreds_are_read(records: Records) -> None:
    add_queues(records, [f"D{number:03}" for number in range(MOST_ALIKE + 20)])
    assert len(like(records, "DEMO")) == MOST_ALIKE
