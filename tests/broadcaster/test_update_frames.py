"""The frames bring a viewer from its position to the newest event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.payload import CarriedEvent
from broadcaster.send.update_frames import build, covers
from client.follower import Follower
from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.snapshot import FRAME_BYTES

STATE = MatchState(
    match="wc22-final", epoch="k3", newest_seq=0, board=Board(), home="Argentina", away="France", competition=None,
    kickoff="2022-12-18T15:00:00+00:00", audience=None, newest_score_seq=0,
)  # fmt: skip

Chain = list[tuple[Any, int | None]]


def chain(scores: list[bool], padding: int = 0) -> Chain:
    """A history as the ledger writes it: each event with the score event before it, if it is one."""
    events: Chain = []
    scored = 0
    for seq, is_score in enumerate(scores, 1):
        event = {
            "seq": seq,
            "kind": "goal" if is_score else "card",
            "at": 1_766_080_000_000 + seq,
            "player": "x" * padding,
        }
        events.append((event, scored if is_score else None))
        scored = seq if is_score else scored
    return events


def snapshot(seq: int) -> dict[str, Any]:
    """A snapshot without history."""
    return {
        "type": "snapshot", "match": "wc22-final", "epoch": "k3", "seq": seq, "status": "first_half",
        "score": [0, 0], "home": "A", "away": "B", "events": [],
    }  # fmt: skip


def test_carried_events_are_used_only_if_none_is_missing() -> None:
    """The payload must have every event after ``told_seq`` up to the newest one; older ones do not matter."""
    carried = [CarriedEvent(event, before) for event, before in chain([True] * 6)[2:5]]
    assert [each.event["seq"] for each in carried] == [3, 4, 5]
    assert covers(carried, 2, 5)
    assert covers(carried, 4, 5)
    assert not covers(carried, 1, 5)
    assert not covers(carried, 2, 6)
    assert not covers([carried[0], carried[2]], 2, 5)
    assert not covers([], 5, 5)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_both_chains_bring_their_followers_to_the_newest_event(scores: list[bool], data: st.DataObject) -> None:
    """A viewer without a gap gets each event of its kind once and has no gap, whichever rounds are skipped."""
    history = chain(scores)
    told = 0
    follower, score_follower = Follower("wc22-final"), Follower("wc22-final")
    follower.take(snapshot(0))
    score_follower.take(snapshot(0))
    got: list[int] = []
    got_scores: list[int] = []
    while told < len(history):
        seq = data.draw(st.integers(told + 1, len(history)))
        frames = build(replace(STATE, newest_seq=seq), told, history[told:])
        assert frames is not None
        got += [event["seq"] for event in follower.take(orjson.loads(frames.everything_frame))]
        if frames.score_frame is not None:
            got_scores += [event["seq"] for event in score_follower.take(orjson.loads(frames.score_frame))]
        told = seq
    assert not follower.gap
    assert not score_follower.gap
    assert got == [event["seq"] for event, _ in history]
    assert got_scores == [event["seq"] for event, before in history if before is not None]


@given(st.lists(st.booleans(), min_size=1, max_size=100), st.integers(0, 600))
def test_a_frame_fits_and_its_prev_is_true(scores: list[bool], padding: int) -> None:
    """A frame has at most 16 KB. It leaves out the oldest events that do not fit, and prev says where it begins."""
    history = chain(scores, padding)
    frames = build(replace(STATE, newest_seq=len(history)), 0, history)
    assert frames is not None
    for text, wanted in (
        (frames.everything_frame, [event["seq"] for event, _ in history]),
        (frames.score_frame, [event["seq"] for event, before in history if before is not None]),
    ):
        if text is None:
            assert not wanted
            continue
        assert len(text) <= FRAME_BYTES
        frame = orjson.loads(text)
        kept = [event["seq"] for event in frame["events"]]
        assert kept == [seq for seq in wanted if seq > frame["prev"]]
        assert kept[-1] == wanted[-1]


def test_nothing_new_is_no_frame() -> None:
    """A match whose rows have been told everything needs no POST."""
    assert build(replace(STATE, newest_seq=3), 3, chain([True] * 3)) is None


def test_cards_alone_are_no_frame_for_followers_of_the_score() -> None:
    """A follower of the score gets no frame that has nothing for it."""
    frames = build(replace(STATE, newest_seq=1), 0, chain([False]))
    assert frames is not None
    assert frames.score_frame is None


def test_a_frame_that_is_just_full_still_fits() -> None:
    """The room for events is measured with the longest time, so a full frame still fits."""
    for padding in range(120):
        history = chain([True] * 150, padding)
        frames = build(replace(STATE, newest_seq=len(history)), 0, history)
        assert frames is not None
        assert len(frames.everything_frame) <= FRAME_BYTES


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
def test_a_damaged_event_is_a_gap_that_its_viewers_see(scores: list[bool], data: st.DataObject) -> None:
    """Promise 2: a viewer sees a gap at an event whose row is damaged, and still gets the newest score."""
    history = chain(scores)
    missing = data.draw(st.integers(1, len(history)))
    scored = max((event["seq"] for event, before in history if before is not None), default=0)
    state = replace(STATE, newest_seq=len(history), newest_score_seq=scored)
    frames = build(state, 0, [each for each in history if each[0]["seq"] != missing])
    assert frames is not None
    frame = orjson.loads(frames.everything_frame)
    assert (frame["prev"], frame["seq"]) == (missing, len(history))
    assert [event["seq"] for event in frame["events"]] == list(range(missing + 1, len(history) + 1))
    follower, score_follower = Follower("wc22-final"), Follower("wc22-final")
    for each, text in ((follower, frames.everything_frame), (score_follower, frames.score_frame)):
        each.take(snapshot(0))
        if text is not None:
            each.take(orjson.loads(text))
    assert follower.gap
    if scores[missing - 1]:
        assert score_follower.gap
