"""Pure: the progress of a broadcast, as sums over the rows in which its senders count.

Each batch of a round has one row in its cell's table ``broadcasts``: ``pk`` = ``match#<id>``, ``sk`` =
``progress#<broadcast>#<round>#<batch>``. The sender writes the row when an invocation ends (broadcaster/send).
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcaster.control.cell_state import CellState

SUMMED = ("accepted", "gone", "failed", "skipped", "closed", "throttled", "queries", "invocations")
PROGRESS_FIELDS = (*SUMMED, "batch", "lap_seq", "rows", "started", "first_post", "ended")
"""The fields, all whole numbers, of the JSON in a batch's row. ``lap_seq``: the newest event in the last frame."""

_OPERATORS_FIELDS = ("seq", "started", "ms", "accepted", "gone", "failed", "skipped", "throttled", "rows", "batches")


def round_name(broadcast: str, number: int) -> str:
    """The name of a round of a broadcast."""
    return f"{broadcast}#{number}"


def progress_item(name: str, batch: int | None = None) -> str:
    """The sort key of a batch's row; without ``batch``, the beginning that the rows of all batches of a round share."""
    return f"progress#{name}#" + ("" if batch is None else f"{batch:03d}")


def total(reports: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The sums over the batches of a round. ``started`` is in milliseconds since 1970, ``ms`` the duration so far."""
    started = min((each["started"] for each in reports), default=0)
    return {
        **{name: sum(each[name] for each in reports) for name in SUMMED},
        "rows": sum(each["rows"] for each in reports),
        "batches": len(reports),
        "started": started,
        "ms": max((each["ended"] for each in reports), default=0) - started,
    }


def batch_times(reports: Sequence[dict[str, Any]]) -> list[dict[str, int]]:
    """For each batch, when its first sender began, sent the first POST, and got the last answer of the last lap.

    ``batch`` is the batch's number. ``started``, ``first`` and ``last`` are in milliseconds since 1970; 0 if it has not
    come to that.
    """
    return [
        {"batch": each["batch"], "started": each["started"], "first": each["first_post"], "last": each["ended"]}
        for each in sorted(reports, key=itemgetter("batch"))
    ]


def cell_progress(cell_state: CellState, rows: Sequence[dict[str, Any]], now: float) -> dict[str, Any]:
    """The progress of a match in a cell at ``now`` (seconds since 1970), as the HTTP API gives it to operators.

    ``broadcast``: the sums that the batches of the running round have reported; None without a round or a report.
    """
    running = cell_state.is_running(now)
    broadcast = None
    if running and rows:
        sums = {**total(rows), "seq": max(row["lap_seq"] for row in rows)}
        broadcast = {name: sums[name] for name in _OPERATORS_FIELDS}
    return {"seq": cell_state.due_seq, "told": cell_state.told_seq, "running": running, "broadcast": broadcast}
