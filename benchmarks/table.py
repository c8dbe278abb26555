"""The table that is printed and kept in docs/performance.md."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One measured operation: ratios by reference, with the targets that they have."""

    name: str
    length: int | None
    ratios: dict[str, float]
    target: dict[str, float] = field(default_factory=dict)
    at_least: bool = False

    def missed(self) -> list[str]:
        """The references for which the ratio misses its target."""
        return [
            name
            for name, bound in self.target.items()
            if (self.ratios[name] < bound if self.at_least else self.ratios[name] > bound)
        ]


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| operation | in line | ratio | target | |", "|---|---|---|---|---|"]
    for row in rows:
        ratios = ", ".join(f"{value:.2f}×({name})" for name, value in row.ratios.items())
        sign = "≥" if row.at_least else "≤"
        target = ", ".join(f"{sign} {value:g}×({name})" for name, value in row.target.items())
        length = "" if row.length is None else f"{row.length:,}".replace(",", " ")
        verdict = "" if not row.target else "missed" if row.missed() else "met"
        lines.append(f"| {row.name} | {length} | {ratios} | {target} | {verdict} |")
    return "\n".join(lines)
