"""The result of a bench: a table, JSON, a plot."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from loadtest.bars import Bar, draw

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Result:
    """One bench: ``rows`` with a ``name`` and figures, ``ratios`` of ours over theirs, and ``figures`` of any kind."""

    bench: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    floors: dict[str, str] = field(default_factory=dict)
    """By name of a ratio or figure: the bound that it should keep."""
    missing: list[str] = field(default_factory=list)
    """Sentences about measurements that were not possible on this machine."""

    def to_json(self) -> str:
        """The text that ``bench --json`` writes."""
        body = {"bench": self.bench, "rows": self.rows, "ratios": self.ratios, **self.figures}
        return json.dumps({**body, "missing": self.missing, "machine": machine()}, indent=2) + "\n"

    def tables(self) -> Iterable[Table]:
        """The table for people."""
        if self.rows:
            columns = list(dict.fromkeys(name for row in self.rows for name in row if name != "rounds"))
            table = Table(*(name.replace("_", " ") for name in columns), title=f"bench {self.bench}")
            for row in self.rows:
                table.add_row(*(_shown(row.get(name)) for name in columns))
            yield table
        measured = {**self.ratios, **{name: value for name, value in self.figures.items() if _is_figure(value)}}
        if measured:
            table = Table("figure", "measured", "to reach", title=None if self.rows else f"bench {self.bench}")
            for name, value in measured.items():
                table.add_row(name.replace("_", " "), _shown(value), self.floors.get(name, ""))
            yield table

    def plot(self, path: Path) -> None:
        """Bars of the rows' rates, or of the figures if there are no rows."""
        bars = [(_label(row), row["per_second"]) for row in self.rows if "per_second" in row]
        title, unit = f"livescore bench {self.bench}", "per second"
        if not bars:
            bars = [(name.replace("_", " "), value) for name, value in self.figures.items() if _is_number(value)]
            unit = ""
        draw(path, [Bar(name, value, text=_shown(value)) for name, value in bars], title=title, unit=unit)


def machine() -> dict[str, Any]:
    """The machine of the measurement."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "python": platform.python_version(),
            "kernel": platform.release().partition("-")[0]}  # fmt: skip


def median(values: Iterable[float]) -> float:
    """The median, rounded for people."""
    value = statistics.median(values)
    return round(value, 3 if value < 10 else 1 if value < 1_000 else 0)


def _label(row: dict[str, Any]) -> str:
    return " ".join(str(row[name]) for name in ("name", "transport") if name in row)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_figure(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, dict) and all(map(_is_number, value.values())))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
