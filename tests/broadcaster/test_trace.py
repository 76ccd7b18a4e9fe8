"""The trace of an event: its stages in order, and sentences about those that are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.cell_state import CellState
from broadcaster.control.cell_times import CellRows
from broadcaster.control.trace import trace
from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.traced_event import TracedEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broadcaster.control.trace import Trace

GOAL = TracedEvent(5, "goal", "home", accepted=1_000, streamed=1_002, numbered=1_010)
STATE = MatchState("m", "e", 5, Board(), "A", "B", None, "2022-12-18", None, 5)
RECEIPT = {
    "cell": "r1", "prev": 4, "seq": 5, "broadcast": "m-5-x#1", "accepted": 3, "set_aside": 0,
    "due_at": 1_020, "started_at": 1_040, "at": 1_100,
    "posts": [
        {"batch": 0, "started": 1_050, "first": 1_060, "last": 1_095},
        {"batch": 1, "started": 1_055, "first": 1_065, "last": 1_090},
    ],
}  # fmt: skip
IDLE = CellRows(CellState("m"))


def traced(
    *receipts: Mapping[str, Any], event: TracedEvent = GOAL, cells: Mapping[str, CellRows | None] | None = None
) -> Trace:
    """The trace of an event in a deployment with one cell, or these."""
    return trace(STATE, event, receipts, {"r1": IDLE} if cells is None else cells)


def test_a_told_event_has_every_stage_in_order() -> None:
    """Each stage has its time since the acceptance, and the time since the stage that it follows."""
    found = traced(RECEIPT)
    shown = [
        tuple(each[name] for name in ("stage", "cell", "batch", "after_ms", "took_ms")) for each in found["stages"]
    ]
    assert shown == [
        ("accepted", None, None, 0, 0),
        ("streamed", None, None, 2, 2),
        ("numbered", None, None, 10, 8),
        ("due", "r1", None, 20, 10),
        ("started", "r1", None, 40, 20),
        ("sender_started", "r1", 0, 50, 10),
        ("first_post", "r1", 0, 60, 10),
        ("last_post", "r1", 0, 95, 35),
        ("sender_started", "r1", 1, 55, 15),
        ("first_post", "r1", 1, 65, 10),
        ("last_post", "r1", 1, 90, 25),
        ("receipt", "r1", None, 100, 5),
    ]
    assert all(each["at"] >= 1_000 and "early_ms" not in each for each in found["stages"])
    assert (found["complete"], found["notes"], found["cells"]) == (True, [], {"r1": {"told": True}})
    assert not traced(RECEIPT, cells={"r1": IDLE, "r2": None})["complete"]
    about = {name: found[name] for name in ("match", "epoch", "seq", "kind", "team", "accepted")}
    assert about == {"match": "m", "epoch": "e", "seq": 5, "kind": "goal", "team": "home", "accepted": 1_000}


def test_a_broadcasting_cell_has_the_times_of_its_service() -> None:
    """The stages are due, published on each feed, and receipt; a feed without a frame has no stage."""
    published = [{"feed": "all", "bytes": 300, "taken_at": 1_045}, {"feed": "score", "bytes": 200, "taken_at": 1_040}]
    receipt = {"cell": "events", "transport": "appsync-events", "prev": 4, "seq": 5, "broadcast": "m-5-x",
               "due_at": 1_020, "at": 1_050, "published": published, "refused": []}  # fmt: skip
    found = traced(receipt, cells={"events": IDLE})
    shown = [(each["stage"], each["batch"], each["after_ms"], each["took_ms"]) for each in found["stages"][3:]]
    assert shown == [
        ("due", None, 20, 10), ("all_published", None, 45, 25), ("score_published", None, 40, 20),
        ("receipt", None, 50, 5),
    ]  # fmt: skip
    assert (found["complete"], found["notes"], found["cells"]) == (True, [], {"events": {"told": True}})
    alone = traced(receipt | {"published": [*published[:1], "damaged"]}, cells={"events": IDLE})
    assert [each["stage"] for each in alone["stages"][3:]] == ["due", "all_published", "receipt"]


def test_a_broadcasting_cell_that_has_not_told_yet_says_so() -> None:
    """While the service refuses frames, the trace has the time at which the event became due."""
    state = CellState("m", due_seq=5, told_seq=4, ended_seq=4, due_at=1_020, epoch="e")
    found = traced(cells={"events": CellRows(state)})
    assert [each["stage"] for each in found["stages"][3:]] == ["due"]
    assert found["notes"] == ["events has not told every viewer yet: these are its stages so far."]


def test_cells_follow_each_other_by_their_names() -> None:
    """Each cell's stages follow the numbering, also those of a cell that has left the deployment."""
    found = traced(RECEIPT | {"cell": "r2"}, RECEIPT, cells={"r1": IDLE})
    assert list(found["cells"]) == ["r1", "r2"]
    handed = [each for each in found["stages"] if each["stage"] == "due"]
    assert [(each["cell"], each["took_ms"]) for each in handed] == [("r1", 10), ("r2", 10)]


def test_a_stage_is_never_before_the_stage_that_it_follows() -> None:
    """Clocks of different machines differ: such a stage takes no time, and a sentence says by how much they differ."""
    found = traced(RECEIPT | {"started_at": 1_017}, event=replace(GOAL, streamed=995))
    early = {
        each["stage"]: (each["after_ms"], each["took_ms"], each["early_ms"])
        for each in found["stages"]
        if "early_ms" in each
    }
    assert early == {"streamed": (0, 0, 5), "started": (20, 0, 3)}
    [note] = found["notes"]
    assert note.startswith("Clocks of different machines differ: ")
    assert " 5 ms " in note


@pytest.mark.parametrize("event", [TracedEvent(5, "goal", "home", 1_000), GOAL])
def test_an_event_of_an_older_release_has_the_known_stages(event: TracedEvent) -> None:
    """The acceptance, the first sender, the end of the last lap; a sentence says why the others are missing."""
    old = {"cell": "r1", "prev": 4, "seq": 5, "broadcast": "m-5-x#1", "started": 1_050, "ms": 40}
    found = traced(old, event=event)
    known = [each["stage"] for each in found["stages"] if each["stage"] not in ("streamed", "numbered")]
    assert known == ["accepted", "sender_started", "last_post"]
    older = "An older release numbered or told this event, and did not record every stage."
    assert (found["notes"], found["complete"]) == ([older], True)
    assert older in traced(RECEIPT, event=TracedEvent(5, "goal", "home", 1_000))["notes"]


def test_an_event_that_is_being_told_has_its_stages_so_far() -> None:
    """The event is not complete before the last cell has told it; a cell that does not answer hides no other."""
    state = CellState("m", due_seq=5, told_seq=4, ended_seq=4, due_at=1_020, round_name="m-5-x#1", epoch="e")
    found = traced(cells={"r1": CellRows(state), "r2": None})
    assert [each["stage"] for each in found["stages"]] == ["accepted", "streamed", "numbered", "due"]
    assert (found["complete"], found["cells"]) == (
        False,
        {"r1": {"told": False}, "r2": {"told": False, "unreached": True}},
    )
    assert found["notes"] == [
        "r1 has not told every viewer yet: these are its stages so far.",
        "r2 does not answer, or its row of the match is damaged: its stages are missing.",
    ]


@pytest.mark.parametrize(
    ("receipt", "says"),
    [
        (
            RECEIPT | {"posts": [{"batch": 0, "started": 1_050, "first": 0, "last": 1_060}]},
            "No viewer in r1 was sent a frame for this event.",
        ),
        (RECEIPT | {"stopped": True}, "An operator stopped the broadcast in r1."),
        (RECEIPT | {"set_aside": 2}, "Batches set aside in r1: 2. The next event reaches their viewers."),
        (
            RECEIPT | {"broadcast": "m-4-x#1", "prev": 3},
            "r1 was telling an earlier event, and told this one too. The earlier stages are left out.",
        ),
    ],
)
def test_an_unusual_broadcast_is_said_in_words(receipt: Mapping[str, Any], says: str) -> None:
    """A cell without viewers, a stop, batches set aside, and a broadcast that began for an earlier event."""
    assert traced(receipt)["notes"] == [says]


def test_a_receipt_that_is_missing_is_said_in_words() -> None:
    """The cell has told the event, and could not write its receipt at home."""
    told = CellState("m", due_seq=5, told_seq=5, ended_seq=5, epoch="e")
    found = traced(cells={"r1": CellRows(told)})
    assert (found["complete"], found["notes"]) == (
        True, ["Home has no receipt of r1 for this event: its stages are missing."],
    )  # fmt: skip
