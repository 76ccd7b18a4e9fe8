"""Pure: the result of the demo in one cell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the table; times in milliseconds since the operator's POST."""

    seq: int
    minute: str
    what: str
    score: str
    reached: int
    pruned: int | None
    """Rows of dead connections that the senders deleted; None in a cell without rows."""
    first: int
    median: int
    last: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the demo in one cell."""

    viewers: int
    dropped: int
    planted: int
    events: int
    applied: int
    missed: int
    out_of_order: int
    rows_left: int | None
    """Rows of dead connections at the end; None in a cell without rows."""
    pruned: int | None
    """None in a cell without rows."""
    reconnected: int
    """Connections that staying viewers opened again. With API Gateway each one leaves a row of a dead connection."""
    goal_to_glass_ms: dict[str, int]
    lines: list[Line]
    transport: str = "api-gateway"
    trouble: str | None = None
    """A sentence for a person if the cell could not take part."""

    @property
    def passed(self) -> bool:
        """Whether every staying viewer applied every event once and in order, and no dead row is left."""
        return self.trouble is None and self.missed == 0 and self.out_of_order == 0 and not self.rows_left

    def figures(self) -> dict[str, Any]:
        """The figures without the lines of the table."""
        others = ("lines", "transport", "trouble")
        return {name: getattr(self, name) for name in self.__slots__ if name not in others}


def to_json(reports: Mapping[str, Report], *, by_cell: bool) -> str:
    """The text that ``demo --json`` writes: the figures of the one cell, or with ``by_cell`` those of each cell."""
    if not by_cell:
        [report] = reports.values()
        return json.dumps(report.figures(), indent=2)
    cells = {
        name: {"transport": each.transport, "passed": each.passed, "trouble": each.trouble, **each.figures()}
        for name, each in reports.items()
    }
    return json.dumps({"passed": all(each.passed for each in reports.values()), "cells": cells}, indent=2)
