"""Pure: the trace of an event as a waterfall, in lines of text and as bars of a plot (docs/trace.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtest.bars import Bar
from loadtest.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMNS = 100
"""The most columns of a line."""

STAGES = {
    "accepted": "accepted by the API",
    "streamed": "on the stream",
    "numbered": "numbered",
    "due": "due in the cell",
    "started": "execution started",
    "sender_started": "sender started",
    "first_post": "first POST",
    "last_post": "last POST answered",
    "all_published": "all events published",
    "score_published": "score published",
    "receipt": "receipt",
}
"""Stage -> its words, in the order of the stages."""

PUBLISHED = ("all_published", "score_published")
"""The stages that only cells have whose transport broadcasts."""

_LABEL, _NUMBER = 32, 10
_BAR = "█"
_INSTANT = "▏"


def title(trace: Mapping[str, Any]) -> str:
    """The event in words: ``wc22-final, event 12: goal, home``."""
    what = ", ".join(filter(None, (str(trace["kind"]).replace("_", " "), trace["team"])))
    return printable(f"{trace['match']}, event {trace['seq']}: {what}")


def lines(trace: Mapping[str, Any], columns: int = COLUMNS) -> Iterator[str]:
    """The waterfall as text: for each stage its milliseconds since the acceptance, its own milliseconds, and a bar.

    No line of a stage is longer than ``columns``. The notes come last, as sentences.
    """
    yield title(trace)
    yield f"{'':{_LABEL}}{'ms after':>{_NUMBER}}{'took ms':>{_NUMBER}}"
    stages: Sequence[Mapping[str, Any]] = trace["stages"]
    width = max(0, columns - _LABEL - 2 * _NUMBER - 1)
    longest = max(each["after_ms"] for each in stages)
    cell = None
    for each in stages:
        if each["cell"] != cell:
            cell = each["cell"]
            yield printable(cell)
        label = f"{'' if cell is None else '  '}{_label(each)}"
        numbers = f"{each['after_ms']:>{_NUMBER},}{each['took_ms']:>{_NUMBER},}"
        yield f"{label:{_LABEL}.{_LABEL}}{numbers} {_bar(each, longest, width)}".rstrip()
    yield from (printable(each) for each in trace["notes"])


def bars(trace: Mapping[str, Any]) -> list[Bar]:
    """A bar for each stage: from the stage before it to the stage itself, in milliseconds since the acceptance."""
    return [
        Bar(
            ", ".join(filter(None, (each["cell"], _label(each)))),
            each["took_ms"],
            start=each["after_ms"] - each["took_ms"],
            text=f"{each['after_ms']:,} (+{each['took_ms']:,})",
        )
        for each in trace["stages"]
    ]


def _label(stage: Mapping[str, Any]) -> str:
    words = STAGES.get(str(stage["stage"]), str(stage["stage"]))
    return printable(words if stage["batch"] is None else f"batch {stage['batch']}: {words}")


def _bar(stage: Mapping[str, Any], longest: int, width: int) -> str:
    """The bar of a stage; a stage that took no time that can be drawn is a thin line."""
    if not longest or not width:
        return ""
    after, took = int(stage["after_ms"]), int(stage["took_ms"])
    start, end = round(width * (after - took) / longest), round(width * after / longest)
    return " " * start + _BAR * (end - start) if end > start else " " * min(start, width - 1) + _INSTANT
