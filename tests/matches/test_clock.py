"""The minute of play, by the table that the pages are held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from matches.clock import Clock, Periods, running

TABLE: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "web" / "clock.json").read_text("utf-8"))
MINUTE = 60_000


@pytest.mark.parametrize("row", TABLE, ids=[row["what"] for row in TABLE])
def test_the_minute_of_play(row: dict[str, Any]) -> None:
    """Server and pages show the same minute for the same clock; times are minutes since a kick-off."""
    clock = None
    if row["clock"]:
        minute, stoppage, at = row["clock"]
        clock = Clock(minute, stoppage, at * MINUTE)
    shown = running(row["status"], clock, round(row["now"] * MINUTE), Periods(*row.get("lengths", [])))
    assert (shown and tuple(shown)) == (None if row["minute"] is None else (row["minute"], row["stoppage"]))
