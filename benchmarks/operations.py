"""Joining, calling, asking one's position and reading the line, at several lengths."""

from collections.abc import Callable

from benchmarks.lines import make_line
from benchmarks.measure import Step, medians
from benchmarks.setting import Servers, Setting, durable_insert, round_trip
from benchmarks.table import Row

ROUNDS = 200
LOWEST_KEY = -(2**60)


def on_mariadb(servers: Servers, lengths: tuple[int, ...]) -> list[Row]:
    """Each operation at each length, beside its references."""
    setting = servers.on_mariadb()
    bare = servers.held_connection(setting)
    rows: list[Row] = []
    for length in lengths:
        queue_id = make_line(setting.engine, f"LINE{length}", length)
        rows += _writing(setting, queue_id, length, durable_insert(bare), lambda work: setting.bare(work, bare))
        rows += _asking(setting, queue_id, length)
    rows.append(_list(setting, durable_insert(bare)))
    return rows


def on_sqlite(servers: Servers, lengths: tuple[int, ...]) -> list[Row]:
    """The same on SQLite, divided by MariaDB's durable INSERT."""
    reference = durable_insert(servers.held_connection(servers.on_mariadb()))
    setting = servers.on_sqlite()
    rows: list[Row] = []
    for length in lengths:
        queue_id = make_line(setting.engine, f"LINE{length}", length)
        steps = {
            "b": reference,
            "join": setting.committed(setting.join(queue_id)),
            "call": setting.committed(setting.call_next(queue_id)),
        }
        took = medians(steps, ROUNDS)
        rows.append(Row("join, in core, SQLite", length, {"b": took["join"] / took["b"]}))
        rows.append(Row("call next, in core, SQLite", length, {"b": took["call"] / took["b"]}))
    return rows


def _writing(setting: Setting, queue_id: str, length: int, insert: Step, bare: Callable[..., Step]) -> list[Row]:
    # A join before each call, and the bare ones alike, so that the line keeps its length.
    join, call = setting.join(queue_id), setting.call_next(queue_id)
    steps = {
        "b": insert,
        "join": setting.committed(join),
        "join (c)": bare(join),
        "call": setting.committed(call),
        "call (c)": bare(call),
    }
    took = medians(steps, ROUNDS)
    return [
        Row(
            name,
            length,
            {"c": took[step] / took[f"{step} (c)"], "b": took[step] / took["b"]},
            target={"c": 2.0},
            seconds=took[step],
        )
        for name, step in (("join, in core", "join"), ("call next, in core", "call"))
    ]


def _asking(setting: Setting, queue_id: str, length: int) -> list[Row]:
    with setting.records.reading() as tx:
        tickets = tx.tickets.first_waiting(queue_id, length)
    ticket = tickets[len(tickets) // 2]
    setting.positions.position(ticket)
    steps: dict[str, Step] = {
        "a": round_trip(setting),
        "position": lambda: lambda: setting.positions.position(ticket),
    }
    took = medians(steps, 10 * ROUNDS)
    return [
        Row(
            "position, lease fresh",
            length,
            {"a": took["position"] / took["a"]},
            target={"a": 2.0},
            seconds=took["position"],
        )
    ]


def _list(setting: Setting, insert: Step) -> Row:
    queue_id = make_line(setting.engine, "LISTED", 10_000)

    def first_page() -> None:
        with setting.records.reading() as tx:
            tx.lines.active(queue_id, 50, LOWEST_KEY, LOWEST_KEY)

    took = medians({"b": insert, "list": lambda: first_page}, ROUNDS)
    return Row("first 50 of the line", 10_000, {"b": took["list"] / took["b"]}, target={"b": 3.0})
