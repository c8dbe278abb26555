"""All or nothing: a process that is killed at any instruction leaves all of a change and its events, or none of it."""

import multiprocessing
import random
import time
from pathlib import Path

from sqlalchemy import Engine, select

from core.clock import system_clock
from core.storage.records import Records
from core.storage.tables import contacts, receipts, tickets
from tests.core.invariants import assert_whole
from tests.core.lines import Line
from tests.promises.busy import work

# On each of two databases, and as many more as it takes until more guests than that were answered.
KILLS, MOST_KILLS = 50, 500
LONGEST_LIFE_SECONDS = 0.35


def test_killed_fifty_times_under_load_it_keeps_every_answer_and_nothing_half(
    migrated_database_url: str, engine: Engine, tmp_path: Path
) -> None:
    Line(Records(engine, system_clock), engine)
    acknowledged = tmp_path / "acknowledged"
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.promises.busy"])

    life = 0
    while life < KILLS or (len(answered(acknowledged)) <= KILLS and life < MOST_KILLS):
        life += 1
        process = processes.Process(target=work, args=(migrated_database_url, str(acknowledged), life))
        process.start()
        time.sleep(random.uniform(0.02, LONGEST_LIFE_SECONDS))
        assert process.exitcode is None, "it ended before it was killed"
        process.kill()
        process.join()

    assert_whole(engine)
    heard = answered(acknowledged)
    assert len(heard) > KILLS, "hardly anybody was answered: the load was none"
    with engine.execution_options(reads=True).connect() as connection:
        with_ticket = set(connection.execute(select(contacts.c.address).join(tickets)).scalars())
        with_receipt = {key.removeprefix("SM") for key in connection.execute(select(receipts.c.key)).scalars()}
    assert heard <= with_ticket
    # Those answered, and those whose answer was on its way when the process was killed.
    assert with_receipt == with_ticket


def answered(acknowledged: Path) -> set[str]:
    """The addresses whose join was answered."""
    return set(acknowledged.read_text().split()) if acknowledged.exists() else set()
