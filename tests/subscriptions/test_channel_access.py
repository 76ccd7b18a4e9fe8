"""The channels that a viewer may hear."""

from __future__ import annotations

import pytest

from matches.channels import feed_channel, subject_channel
from subscriptions.channel_access import competition_segments, may_hear

CUP = "world-cup-2022"
UNCOMMON = "coupe-d-été"


@pytest.mark.parametrize("feed", ["all", "score"])
@pytest.mark.parametrize(
    ("competitions", "competition", "heard"),
    [
        ({CUP}, CUP, True), ({CUP}, None, True), (set(), None, True), ({"*"}, CUP, True), ({"*"}, UNCOMMON, True),
        ({UNCOMMON}, UNCOMMON, True), (set(), CUP, False), ({CUP}, "league", False), ({"world"}, CUP, False),
        ({CUP}, UNCOMMON, False),
    ],
)  # fmt: skip
def test_a_viewer_hears_the_matches_of_its_competitions(
    competitions: set[str], competition: str | None, heard: bool, feed: str
) -> None:
    """Both feeds of a match are heard by viewers of its competition, and by all if it has none."""
    channel = feed_channel(competition, "wc22-final", feed)  # type: ignore[arg-type]
    assert may_hear(channel, competitions, "ann") is heard
    assert may_hear(channel, competitions, None) is heard


@pytest.mark.parametrize(
    "channel",
    [
        "", "/", "livescore", "livescore/*", "livescore/#", "livescore/+/m/all", "livescore/open", "livescore/open/m",
        "livescore/open/*", "livescore/open/#", "livescore/open/m/*", "livescore/open/m/#", "livescore/open/m/+",
        "livescore/open/+/all", "livescore/open/m/all/", "livescore/open/m/all/x", "livescore/open/m/all\n",
        "/livescore/open/m/all", "livescore//m/all", "livescore/open/m/ALL", "livescore/open/m/other",
        "livescore/*/m/all", "other/open/m/all", "$aws/events/presence/connected/m", "livescore/subjects",
        "livescore/subjects/*", "livescore/subjects/+", "livescore/subjects/#", "livescore/open/m/allx",
        "$share/g/livescore/open/m/all", "livescore/other/m/all", "livescore/subjects/m/all", "livescore/c/m/all",
    ],
)  # fmt: skip
def test_nobody_hears_a_wildcard_or_any_other_channel(channel: str) -> None:
    """A channel that is neither one feed of one match nor one viewer's is refused, whatever the token covers."""
    assert not may_hear(channel, {"*", CUP}, "ann")


def test_only_the_viewer_itself_hears_its_messages() -> None:
    """The channel of a subject is open to this subject only, and to no viewer without a token."""
    assert may_hear(subject_channel("ann"), set(), "ann")
    assert not may_hear(subject_channel("ann"), {"*"}, "bob")
    assert not may_hear(subject_channel("anonymous"), {"*"}, None)


def test_the_segments_of_competitions_are_those_of_their_channels() -> None:
    """A policy that allows these segments allows the channels of these competitions and the open matches."""
    segments = competition_segments({CUP, UNCOMMON, "*"})
    assert segments[0] == "open"
    assert set(segments) == {feed_channel(each, "m", "all").split("/")[1] for each in (None, CUP, UNCOMMON)}
