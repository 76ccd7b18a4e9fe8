"""The viewers of a simulation: which event each has."""

from __future__ import annotations

import pytest

from forecast.simulation.viewers import Viewers


def _viewers(**shares: float) -> Viewers:
    return Viewers("m", 100, first=1_000, gone=shares.get("gone", 0), slow=shares.get("slow", 0), tick=0.5)


def test_a_frame_counts_for_all_the_events_that_it_brings() -> None:
    """A viewer that gets two events in one frame has both at that time."""
    viewers = _viewers()
    viewers.parcel(0, 2).deliver(1_001, 1.0)
    assert viewers.arrivals() == {1: {1.0: 1}, 2: {1.0: 1}}


def test_a_frame_that_comes_again_changes_nothing() -> None:
    """A second copy, or an older frame, is dropped."""
    viewers = _viewers()
    viewers.parcel(0, 2).deliver(1_001, 1.0)
    viewers.parcel(0, 2).deliver(1_001, 2.0)
    viewers.parcel(0, 1).deliver(1_001, 2.0)
    assert viewers.arrivals() == {1: {1.0: 1}, 2: {1.0: 1}}


def test_a_frame_after_a_missed_one_is_a_gap() -> None:
    """A frame with a gap before it brings a viewer nothing: what the viewer does not read afterwards is missed."""
    viewers = _viewers()
    assert not viewers.parcel(1, 2).deliver(1_001, 1.0)
    assert (viewers.newest[1], viewers.missed(2), viewers.arrivals()) == (0, 200, {})


def test_a_viewer_belongs_to_one_match() -> None:
    """Numbers outside of the match's own are viewers of another match."""
    assert [_viewers().has(each) for each in (999, 1_000, 1_099, 1_100)] == [False, True, True, False]


def test_a_closed_connection_has_no_row() -> None:
    """A later page leaves out the row of a connection that was closed."""
    viewers = _viewers()
    viewers.close("00001001")
    assert viewers.deleted == {"00001001"}


def test_missed_are_the_events_of_viewers_who_are_there_and_read() -> None:
    """Viewers that have left, or read nothing, miss nothing."""
    viewers = _viewers(gone=0.1, slow=0.1)
    for viewer in range(1_000, 1_098):
        viewers.parcel(0, 1).deliver(viewer, 1.0)
    assert (viewers.missed(1), viewers.missed(2)) == (1, 81)


def test_a_message_ends_a_silence() -> None:
    """A viewer knows its last message and the longest silence that a message has ended, from its subscription on."""
    viewers = Viewers("m", 100, first=1_000, gone=0, slow=0, tick=0.5, came_s=600)
    came = viewers.subscribed_at(1_001)
    assert -600 < came < 0
    assert viewers.silence(1_001) == (came, 0)
    viewers.parcel(0, 1).deliver(1_001, 10.0)
    assert viewers.silence(1_001) == pytest.approx((10, 10 - came))
    viewers.parcel(1, 2).deliver(1_001, 25.0)
    assert viewers.silence(1_001) == pytest.approx((25, 10 - came))
    viewers.heard(1_001, 30.0, 700.0)
    assert viewers.silence(1_001) == (30, 700)
    assert viewers.silence(1_002) == (viewers.subscribed_at(1_002), 0)


def test_silences_are_kept_only_if_they_are_asked_for() -> None:
    """Without a time of subscription nothing is kept of a viewer's silences."""
    viewers = _viewers()
    viewers.hear(1_001, 10.0)
    viewers.heard(1_001, 30.0, 700.0)
    assert viewers.silence(1_001) == (0, 0)
