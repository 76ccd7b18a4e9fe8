"""Pure: the trace of an event, its stages from the operator's POST to the receipt of each cell, with their times.

| stage | the time at which | clock | stored in |
| --- | --- | --- | --- |
| accepted | the API accepted the event | function ``api`` | the event's row, ``body`` |
| streamed | Kinesis took the record | Kinesis | the event's row, ``streamed`` |
| numbered | the fan-out was about to write the event | function ``fanout`` | the event's row, ``numbered`` |
| due | the fan-out made the event due in the cell | ``fanout`` | cell's row; receipt, ``due_at`` |
| started | the execution began | Step Functions | the receipt, ``started_at`` |
| sender_started | the first sender of the batch began | the sender | the progress row; the receipt, ``posts`` |
| first_post | the batch's first POST was sent | the sender | the same |
| last_post | the last answer of the batch's last lap came | the sender | the same |
| all_published | the cell's service had taken the frame of all events | ``fanout`` | the receipt, ``published`` |
| score_published | the cell's service had taken the frame of the score | ``fanout`` | the same |
| receipt | the receipt was about to be written | function ``receipt`` | the receipt, ``at`` |

A cell with senders has the stages from ``started`` to ``last_post``. A cell whose transport broadcasts has
``all_published`` and ``score_published`` instead, and the function that publishes writes its receipt.

docs/trace.md explains to operators how to read a trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

from broadcaster.control.cell_times import receipts_of, times_in_receipt, times_so_far

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from broadcaster.control.cell_times import CellRows, CellTimes
    from matches.match_state import MatchState
    from matches.traced_event import TracedEvent

StageName: TypeAlias = Literal[
    "accepted",
    "streamed",
    "numbered",
    "due",
    "started",
    "sender_started",
    "first_post",
    "last_post",
    "all_published",
    "score_published",
    "receipt",
]


_PUBLISHED: dict[str, StageName] = {"all": "all_published", "score": "score_published"}
"""Feed of a match -> the stage in which the cell's service has taken its frame."""


class Stage(TypedDict):
    """One stage of an event."""

    stage: StageName
    cell: str | None
    """The cell's name; None for a stage at home."""
    batch: int | None
    """The number of the batch; None for a stage that all batches share."""
    at: int
    """Milliseconds since 1970, by the clock of the machine."""
    after_ms: int
    """Milliseconds since the event was accepted; never less than those of the stage before."""
    took_ms: int
    """Milliseconds since the stage before."""
    early_ms: NotRequired[int]
    """Present if clocks differ: by ``at`` the stage was this many milliseconds before the stage before."""


class CellTrace(TypedDict):
    """One cell in a trace."""

    told: bool
    """Whether a broadcast of the event has ended in the cell."""
    unreached: NotRequired[bool]
    """True if the cell does not answer, and home has no receipt of it."""


class Trace(TypedDict):
    """The trace of an event, as the HTTP API gives it to operators."""

    match: str
    epoch: str
    seq: int
    kind: str
    team: str | None
    accepted: int
    """Milliseconds since 1970, by the API's clock."""
    complete: bool
    """Whether a broadcast of the event has ended in every cell."""
    cells: dict[str, CellTrace]
    stages: list[Stage]
    notes: list[str]
    """Sentences for people: the missing stages with the reasons, and clocks that differ."""


def trace(
    state: MatchState,
    event: TracedEvent,
    receipts: Iterable[Mapping[str, Any]],
    cells: Mapping[str, CellRows | None],
) -> Trace:
    """The trace of ``event``.

    ``receipts``: those of the match, oldest first. ``cells``: by name, the rows of each cell of the deployment; None
    for a cell that does not answer. The rows of a cell that has a receipt of the event do not count.
    """
    found = receipts_of(event.seq, receipts)
    times = [
        times_in_receipt(event, state.match, name, found[name])
        if name in found
        else times_so_far(event, state, name, cells[name])
        for name in sorted({*cells, *found})
    ]
    stages = _stages(event, times)
    return {
        "match": state.match,
        "epoch": state.epoch,
        "seq": event.seq,
        "kind": event.kind,
        "team": event.team,
        "accepted": event.accepted,
        "complete": all(each.is_told for each in times),
        "cells": {each.name: _cell_trace(each) for each in times},
        "stages": stages,
        "notes": [*_missing(event, times), *_differing_clocks(stages)],
    }


def _stages(event: TracedEvent, cells: Sequence[CellTimes]) -> list[Stage]:
    """All stages whose time is known: those at home, then those of each cell. Each follows an earlier stage."""
    accepted: Stage = {
        "stage": "accepted", "cell": None, "batch": None, "at": event.accepted, "after_ms": 0, "took_ms": 0,
    }  # fmt: skip
    found = [accepted]

    def add(
        stage: StageName, at: int | None, before: Stage, cell: str | None = None, batch: int | None = None
    ) -> Stage:
        """Add a stage if its time is known; returns the stage that the next one follows."""
        if at is None:
            return before
        early = before["after_ms"] - (at - event.accepted)
        after = before["after_ms"] + max(0, -early)
        each: Stage = {
            "stage": stage, "cell": cell, "batch": batch, "at": at, "after_ms": after, "took_ms": max(0, -early),
        }  # fmt: skip
        if early > 0:
            each["early_ms"] = early
        found.append(each)
        return each

    numbered = add("numbered", event.numbered, add("streamed", event.streamed, accepted))
    for each in cells:
        started = add("due", each.due_at, numbered, each.name)
        started = add("started", each.started, started, each.name)
        last = started
        for sender in each.senders:
            end = add("sender_started", sender.started, started, each.name, sender.batch)
            end = add("first_post", sender.first_post, end, each.name, sender.batch)
            end = add("last_post", sender.last_post, end, each.name, sender.batch)
            last = max(last, end, key=_after)
        for feed, stage in _PUBLISHED.items():
            last = max(last, add(stage, each.published.get(feed), started, each.name), key=_after)
        add("receipt", each.receipt_at, last, each.name)
    return found


def _after(stage: Stage) -> int:
    return stage["after_ms"]


def _cell_trace(times: CellTimes) -> CellTrace:
    return {"told": times.is_told, "unreached": True} if times.is_unreached else {"told": times.is_told}


def _missing(event: TracedEvent, cells: Sequence[CellTimes]) -> Iterator[str]:
    """Sentences about stages that are missing."""
    if event.numbered is None or any(each.has_receipt and each.receipt_at is None for each in cells):
        yield "An older release numbered or told this event, and did not record every stage."
    for each in cells:
        if each.is_unreached:
            yield f"{each.name} does not answer, or its row of the match is damaged: its stages are missing."
        elif not each.is_told:
            yield f"{each.name} has not told every viewer yet: these are its stages so far."
        elif not each.has_receipt:
            yield f"Home has no receipt of {each.name} for this event: its stages are missing."
        if each.is_joined:
            yield f"{each.name} was telling an earlier event, and told this one too. The earlier stages are left out."
        if each.is_stopped:
            yield f"An operator stopped the broadcast in {each.name}."
        elif each.has_receipt and each.senders and all(sender.last_post is None for sender in each.senders):
            yield f"No viewer in {each.name} was sent a frame for this event."
        if each.set_aside:
            yield f"Batches set aside in {each.name}: {each.set_aside}. The next event reaches their viewers."


def _differing_clocks(stages: Sequence[Stage]) -> Iterator[str]:
    early = [each["early_ms"] for each in stages if "early_ms" in each]
    if early:
        yield (
            f"Clocks of different machines differ: by its own clock, a stage was up to {max(early)} ms before the "
            "stage in front of it. It is shown at the time of that stage."
        )
