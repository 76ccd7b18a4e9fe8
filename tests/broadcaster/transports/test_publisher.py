"""A cell whose service carries frames itself: what is published, and when the match counts as told."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tests.broadcaster.conftest import THREADS
from tests.broadcaster.transports.publishing import CARD, GOAL, KICK_OFF, FakeService, Play, receipts
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from broadcaster.transports.publisher import Publisher
    from matches.ledger import Ledger


def test_an_event_is_published_on_both_feeds_and_the_match_is_told(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, ledger: Ledger, cell_states: CellStates
) -> None:
    """A goal goes out once on each feed; then the match is told, without a lease, and the receipt says what went."""
    told = publisher.begin(*play(KICK_OFF, GOAL))
    assert service.seqs(match_id) == [(0, 2)]
    assert service.seqs(match_id, "score") == [(0, 2)]
    assert (told.told_seq, told.ended_seq, told.due_seq, told.owner) == (2, 2, 2, None)
    assert cell_states.read(match_id) == told
    [receipt] = receipts(ledger, match_id)
    assert (receipt["cell"], receipt["transport"]) == ("events", "appsync-events")
    assert (receipt["prev"], receipt["seq"]) == (0, 2)
    assert receipt["broadcast"].startswith(f"{match_id}-2-")
    assert 0 < receipt["due_at"] <= receipt["published"][0]["taken_at"] <= receipt["at"]
    assert [(each["feed"], each["events"]) for each in receipt["published"]] == [("all", 2), ("score", 2)]
    assert receipt["published"][0]["bytes"] == service.frames[CHANNELS.feed(None, match_id, "all")][0]["bytes"]
    assert receipt["refused"] == []


def test_a_frame_waits_for_one_call_only(
    publisher: Publisher, service: FakeService, play: Play, cell_states: CellStates
) -> None:
    """Before the frames one write goes to the cell; after them one goes to the cell and one home, side by side.

    Before the first frame of a match in the cell, home is asked whether the match is still this one.
    """
    publisher.begin(*play(KICK_OFF))
    state, events = play(GOAL)
    calls: list[str] = []
    service.before = lambda: calls.append("publish")
    cell_states.db.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name), unique_id="row"
    )
    try:
        publisher.begin(state, events)
    finally:
        cell_states.db.meta.events.unregister("before-call.dynamodb.*", unique_id="row")
    assert (calls[:3], sorted(calls[3:])) == (["UpdateItem", "publish", "publish"], ["PutItem", "UpdateItem"])


def test_a_card_is_not_published_to_followers_of_the_score(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """Only the feed of all events has a frame for an event that changes no plain scoreboard."""
    publisher.begin(*play(KICK_OFF))
    publisher.begin(*play(CARD))
    assert (service.seqs(match_id), service.seqs(match_id, "score")) == ([(0, 1), (1, 2)], [(0, 1)])


def test_the_frames_of_a_competition_go_to_its_channels(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """Nobody hears a match of a competition on the open channel, which every viewer may hear."""
    state, events = play(KICK_OFF)
    publisher.begin(replace(state, competition="cup-1"), events)
    assert set(service.calls) == {CHANNELS.feed("cup-1", match_id, feed) for feed in ("all", "score")}


def test_an_event_that_was_told_is_not_published_again(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """A record that is delivered again, or a check of the watchdog, publishes nothing that has been told."""
    state, events = play(KICK_OFF)
    publisher.begin(state, events)
    publisher.begin(state, events, delivered_before=True)
    publisher.begin(state)
    assert service.seqs(match_id) == [(0, 1)]


def test_events_that_the_fan_out_does_not_carry_are_read_at_home(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """The frame begins after ``told_seq`` also if the watchdog begins it, which has no events."""
    publisher.begin(*play(KICK_OFF))
    play(GOAL)
    state, events = play(CARD)
    publisher.begin(state, events)
    assert service.seqs(match_id) == [(0, 1), (1, 3)]
    assert [each["score"] for each in service.frames[CHANNELS.feed(None, match_id, "score")]] == [[0, 0], [1, 0]]
    [_, frame] = service.frames[CHANNELS.feed(None, match_id, "all")]
    assert [each["seq"] for each in frame["events"]] == [2, 3]


def test_two_tellings_at_once_publish_twice_and_tell_once(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """Two processes that tell one event at once need no lease: both end, and the match is told."""
    state, events = play(KICK_OFF, CARD)
    both = Barrier(4, timeout=20.0)
    service.before = both.wait
    tellings = [THREADS.submit(publisher.begin, state, events) for _ in range(2)]
    assert [each.result(20.0).told_seq for each in tellings] == [2, 2]
    assert service.seqs(match_id) == [(0, 2), (0, 2)]
    assert cell_states.read(match_id).told_seq == 2


def test_a_newer_telling_wins(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """A telling that ends after a newer one does not move the match back."""
    older, events = play(KICK_OFF)
    newer, _ = play(GOAL)
    service.before = lambda: cell_states.mark_told(match_id, 2, newer.epoch)
    cell_states.mark_due(match_id, 2, newer.epoch)
    assert publisher.begin(older, events).told_seq == 2
    assert cell_states.read(match_id).told_seq == 2


def test_an_operators_stop_wins(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """After a stop nothing of the stopped events is published, also if the stop comes while a frame is on its way."""
    state, events = play(KICK_OFF)
    service.before = lambda: cell_states.stop(match_id, 1, state.epoch)
    stopped = publisher.begin(state, events)
    assert (stopped.told_seq, stopped.ended_seq, stopped.stopped_seq) == (0, 1, 1)
    assert service.seqs(match_id) == [(0, 1)]
    publisher.begin(state, events, delivered_before=True)
    assert service.seqs(match_id) == [(0, 1)]
    service.before = lambda: None
    publisher.begin(*play(GOAL))
    assert service.seqs(match_id)[-1] == (0, 2)


def test_a_match_that_was_created_again_is_told_from_its_first_event(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates
) -> None:
    """The row of an earlier match of the id, which a reset did not reach, keeps no event of the new match."""
    cell_states.mark_due(match_id, 31, "old")
    cell_states.mark_told(match_id, 31, "old")
    publisher.begin(*play(KICK_OFF))
    assert service.seqs(match_id) == [(0, 1)]
    assert cell_states.read(match_id).told_seq == 1


@pytest.mark.parametrize("is_played", [True, False])
def test_a_telling_of_an_earlier_match_of_the_id_publishes_nothing(
    publisher: Publisher, service: FakeService, play: Play, match_id: str, cell_states: CellStates, is_played: bool
) -> None:
    """A late frame of an old epoch would turn every viewer back, also if the cell has no row of the new match."""
    present, events = play(KICK_OFF)
    if is_played:
        publisher.begin(present, events)
        service.frames.clear()
    row = cell_states.read(match_id)
    late = publisher.begin(replace(present, epoch="old", newest_seq=31))
    assert late.told_seq == row.told_seq
    assert service.seqs(match_id) == []
    if is_played:
        assert cell_states.read(match_id) == row
    publisher.begin(*play(GOAL))
    assert service.seqs(match_id)[-1] == ((1, 2) if is_played else (0, 2))


def test_a_telling_of_a_match_that_was_removed_publishes_nothing(
    publisher: Publisher, service: FakeService, play: Play
) -> None:
    """After a reset the id may have no match at all."""
    state, events = play(KICK_OFF)
    publisher.begin(replace(state, match=f"{state.match}-gone"), events)
    assert service.calls.total() == 0


def test_frames_over_the_limit_of_the_service_begin_later(
    publisher: Publisher, service: FakeService, play: Play, match_id: str
) -> None:
    """With a limit of 4 KB a frame leaves out the oldest events, and its ``prev`` says so; the match is told."""
    service.frame_bytes = 4_000
    told = publisher.begin(*play(KICK_OFF, *[CARD] * 40))
    [frame] = service.frames[CHANNELS.feed(None, match_id, "all")]
    assert frame["bytes"] <= 4_000
    assert frame["prev"] > 0
    assert [each["seq"] for each in frame["events"]] == list(range(frame["prev"] + 1, 42))
    assert told.told_seq == 41
