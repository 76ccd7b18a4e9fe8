"""The pauses of broadcast.asl.json between the tries of a task that fails, from the file itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import broadcaster.control

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFINITION = Path(broadcaster.control.__path__[0]) / "broadcast.asl.json"


@cache
def pauses(name: str) -> tuple[float, ...]:
    """The longest pauses (seconds) before the second try of a state, before the third …, for an error of its function.

    A pause is a random time up to that: ``JitterStrategy`` of each of our states is FULL
    (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
    """
    state = _find(json.loads(DEFINITION.read_text())["States"], name)
    retry = next(each for each in state["Retry"] if "States.ALL" in each["ErrorEquals"])
    most = retry.get("MaxDelaySeconds", float("inf"))
    return tuple(
        min(most, retry["IntervalSeconds"] * retry["BackoffRate"] ** each) for each in range(retry["MaxAttempts"])
    )


def _find(states: Mapping[str, Any], name: str) -> Any:
    if name in states:
        return states[name]
    inner = next(each["ItemProcessor"]["States"] for each in states.values() if "ItemProcessor" in each)
    return _find(inner, name)
