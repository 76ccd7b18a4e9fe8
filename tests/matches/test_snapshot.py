"""Snapshots within one frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.snapshot import FRAME_BYTES, snapshot

STATE = MatchState(
    match="wc22-final", epoch="k3", newest_seq=0, board=Board(), home="Argentina", away="France", competition=None,
    kickoff="2022-12-18T15:00:00+00:00", audience=None, newest_score_seq=0,
)  # fmt: skip


def history(count: int, padding: int = 0) -> list[Any]:
    """So many events."""
    return [{"seq": seq, "kind": "goal", "player": "x" * padding} for seq in range(1, count + 1)]


@given(st.integers(0, 150), st.integers(0, 400), st.none() | st.integers(0, 200))
def test_a_snapshot_fits_a_frame_and_states_whether_it_is_complete(count: int, padding: int, since: int | None) -> None:
    """At most 16 KB; ``recovered`` exactly if every event after the position is in it, newest never left out."""
    events = history(count, padding)
    frame = snapshot(replace(STATE, newest_seq=count), events, since)
    assert len(orjson.dumps(frame)) <= FRAME_BYTES
    missed = [event["seq"] for event in events if event["seq"] > (since or 0)]
    kept = [event["seq"] for event in frame["events"]]
    assert kept == missed[len(missed) - len(kept) :]
    assert frame["recovered"] == (since is not None and since <= count and kept == missed)


@pytest.mark.parametrize("since", [5, 6])
def test_a_position_ahead_of_the_match_is_not_recovered(since: int) -> None:
    """A viewer that claims to know the future gets a plain snapshot."""
    assert snapshot(replace(STATE, newest_seq=4), history(4), since)["recovered"] is False


def test_an_event_after_the_state_waits_for_its_update() -> None:
    """An event numbered between the two reads is not in the snapshot: its seq would not cover it."""
    assert [event["seq"] for event in snapshot(replace(STATE, newest_seq=2), history(3))["events"]] == [1, 2]


def test_a_few_viewers_more_change_no_snapshot() -> None:
    """A few viewers more leave the snapshot as it is, so caches keep it; a tenth more is seen."""
    few, more, many = (snapshot(STATE, [], viewers=count) for count in (12_345, 12_449, 13_600))
    assert few == more
    assert (few["viewers"], many["viewers"]) == (12_000, 14_000)
