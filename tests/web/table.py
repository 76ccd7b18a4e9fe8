"""The table of scenarios, ``scenarios.json``, and the frames that it writes in short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "scenarios.json").read_text())
KINDS = ("snapshot", "update", "page")


def seqs(short: str | list[int]) -> list[int]:
    """The seqs of ``"3-5"`` or of a list."""
    if isinstance(short, list):
        return short
    first, _, last = short.partition("-")
    return list(range(int(first), int(last or first) + 1))


def frame(short: Any) -> Any:
    """A frame as it goes over the wire; what is not written in short is given back as it is.

    ``{"update": 4, "prev": 2, "has": "3-4"}`` is an update at seq 4 with two events. ``has`` may hold whole events.
    """
    kind = next((kind for kind in KINDS if isinstance(short, dict) and kind in short), None)
    if kind is None:
        return short
    given = {name: value for name, value in short.items() if name not in (kind, "has")}
    has = short.get("has", [])
    events = [each if isinstance(each, dict) else event(each) for each in (has if isinstance(has, list) else seqs(has))]
    seq = short[kind]
    return {**TABLE["frames"][kind], "seq": seq, "score": [seq, 0], "events": events, **given}


def event(seq: int) -> dict[str, Any]:
    """A goal for the home team; the first one makes it one to nil, and so on."""
    return {**TABLE["frames"]["event"], "seq": seq, "event_id": f"e{seq}", "minute": seq, "score": [seq, 0]}
