"""Joining, calling, asking one's position and reading the line, at several lengths."""

from benchmarks.lines import make_line
from benchmarks.measure import Step, medians
from benchmarks.setting import Servers, Setting, durable_insert, round_trip
from benchmarks.table import Row
from core.model import Ticket

ROUNDS = 200
LOWEST_KEY = -(2**60)
JOIN, CALL, POSITION = "join, in core", "call next, in core", "position, lease fresh"


def on_mariadb(servers: Servers, lengths: tuple[int, ...]) -> list[Row]:
    """Each operation at each length, beside its references, and at the longest beside the shortest."""
    setting = servers.on_mariadb()
    lines = {length: make_line(setting.engine, f"LINE{length}", length) for length in lengths}
    return [*_writing(servers, setting, lines), *_asking(setting, lines), _list(servers, setting)]


def on_sqlite(servers: Servers, lengths: tuple[int, ...]) -> list[Row]:
    """The same on SQLite, divided by MariaDB's durable INSERT."""
    setting = servers.on_sqlite()
    steps: dict[str, Step] = {"b": durable_insert(servers.held_connection(servers.on_mariadb()))}
    for length in lengths:
        queue_id = make_line(setting.engine, f"LINE{length}", length)
        _show(setting, queue_id)
        steps[f"{JOIN}, SQLite {length}"] = setting.committed(setting.join(queue_id))
        steps[f"{CALL}, SQLite {length}"] = setting.committed(setting.call_next(queue_id))
    took = medians(steps, ROUNDS)
    return [
        Row(f"{name}, SQLite", length, {"b": took[f"{name}, SQLite {length}"] / took["b"]})
        for length in lengths
        for name in (JOIN, CALL)
    ]


def _writing(servers: Servers, setting: Setting, lines: dict[int, str]) -> list[Row]:
    bare = servers.held_connection(setting)
    steps: dict[str, Step] = {"b": durable_insert(bare)}
    for length, queue_id in lines.items():
        _show(setting, queue_id)
        # A join before each call, and the bare ones alike, so that the line keeps its length.
        for name, work in ((JOIN, setting.join(queue_id)), (CALL, setting.call_next(queue_id))):
            steps[f"{name} {length}"] = setting.committed(work)
            steps[f"{name} {length} (c)"] = setting.bare(work, bare)
    took = medians(steps, ROUNDS)
    rows = [
        Row(
            name,
            length,
            {"c": took[f"{name} {length}"] / took[f"{name} {length} (c)"], "b": took[f"{name} {length}"] / took["b"]},
            target={"c": 2.0},
        )
        for length in lines
        for name in (JOIN, CALL)
    ]
    return rows + [_flat(name, took, lines, target=1.3) for name in (JOIN, CALL)]


def _asking(setting: Setting, lines: dict[int, str]) -> list[Row]:
    steps: dict[str, Step] = {"a": round_trip(setting)}
    for length, queue_id in lines.items():
        ticket = _show(setting, queue_id)
        steps[f"{POSITION} {length}"] = setting.asked(ticket)
    took = medians(steps, 10 * ROUNDS)
    rows = [
        Row(POSITION, length, {"a": took[f"{POSITION} {length}"] / took["a"]}, target={"a": 2.0}) for length in lines
    ]
    return [*rows, _flat(POSITION, took, lines)]


def _flat(name: str, took: dict[str, float], lines: dict[int, str], target: float | None = None) -> Row:
    """How much longer an operation takes in the longest line than in the shortest."""
    shortest, longest = min(lines), max(lines)
    reference = f"at {shortest}"
    ratio = took[f"{name} {longest}"] / took[f"{name} {shortest}"]
    return Row(f"{name}: the longest line", longest, {reference: ratio}, {} if target is None else {reference: target})


def _show(setting: Setting, queue_id: str) -> Ticket:
    """A ticket from the middle of the line, whose view stands from now on."""
    with setting.records.reading() as tx:
        waiting = tx.tickets.first_waiting(queue_id, 200_000)
    ticket = waiting[len(waiting) // 2]
    setting.positions.position(ticket)
    return ticket


def _list(servers: Servers, setting: Setting) -> Row:
    queue_id = make_line(setting.engine, "LISTED", 10_000)

    def first_page() -> None:
        with setting.records.reading() as tx:
            tx.lines.active(queue_id, 50, LOWEST_KEY, LOWEST_KEY)

    steps: dict[str, Step] = {"b": durable_insert(servers.held_connection(setting)), "list": lambda: first_page}
    took = medians(steps, ROUNDS)
    return Row("first 50 of the line", 10_000, {"b": took["list"] / took["b"]}, target={"b": 3.0})
