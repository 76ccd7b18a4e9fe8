"""Pure: how far a broadcast is, from the rows in which its batches keep count.

A batch's row has ``pk`` = ``match#<id>`` and ``sk`` = ``progress#<broadcast>#<round>#<batch>`` in its cell's
``broadcasts`` table, and is written when an invocation of its sender ends (broadcaster.send.sender_store).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcaster.control.cell_state import CellState

SUMMED = ("accepted", "gone", "failed", "skipped", "closed", "throttled", "queries", "invocations")
PROGRESS_FIELDS = (*SUMMED, "batch", "seq", "rows", "started", "ended")
"""Whole numbers in the JSON of a batch's row."""

_SHOWN = ("seq", "started", "ms", "accepted", "gone", "failed", "skipped", "throttled", "rows", "batches")


def round_name(broadcast: str, number: int) -> str:
    """The name of a round of a broadcast."""
    return f"{broadcast}#{number}"


def progress_item(round_of: str, batch: int | None = None) -> str:
    """The sort key of a batch's row, or what the rows of all batches of a round begin with."""
    return f"progress#{round_of}#" + ("" if batch is None else f"{batch:03d}")


def total(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The sums over the batches of a round; times in milliseconds, ``started`` since the epoch."""
    started = min((row["started"] for row in rows), default=0)
    return {
        **{name: sum(row[name] for row in rows) for name in SUMMED},
        "rows": sum(row["rows"] for row in rows),
        "batches": len(rows),
        "started": started,
        "ms": max((row["ended"] for row in rows), default=0) - started,
    }


def standing(cell_state: CellState, rows: Sequence[dict[str, Any]], now: float) -> dict[str, Any]:
    """The progress of a cell, as operators see it at ``now`` (seconds since the epoch).

    ``broadcast`` is what the batches of the running round have reported, None if there is no round or no report yet.
    """
    running = cell_state.is_running(now)
    shown = None
    if running and rows:
        sums = {**total(rows), "seq": max(row["seq"] for row in rows)}
        shown = {name: sums[name] for name in _SHOWN}
    return {"seq": cell_state.due_seq, "told": cell_state.told_seq, "running": running, "broadcast": shown}
