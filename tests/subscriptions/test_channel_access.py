"""The channels that a viewer may hear."""

from __future__ import annotations

import pytest

from matches.channels import Channels
from subscriptions.channel_access import competition_segments, may_hear
from tests.channel_names import CHANNELS

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
    channel = CHANNELS.feed(competition, "wc22-final", feed)  # type: ignore[arg-type]
    assert may_hear(CHANNELS, channel, competitions, "ann") is heard
    assert may_hear(CHANNELS, channel, competitions, None) is heard


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
    assert not may_hear(CHANNELS, channel, {"*", CUP}, "ann")


def test_only_the_viewer_itself_hears_its_messages() -> None:
    """The channel of a subject is open to this subject only, and to no viewer without a token."""
    assert may_hear(CHANNELS, CHANNELS.subject("ann"), set(), "ann")
    assert not may_hear(CHANNELS, CHANNELS.subject("ann"), {"*"}, "bob")
    assert not may_hear(CHANNELS, CHANNELS.subject("anonymous"), {"*"}, None)


@pytest.mark.parametrize("other", ["derby", "livescor", "livescore-2", "Livescore", "", "*", "livescore/open"])
def test_a_viewer_of_one_deployment_hears_no_channel_of_another(other: str) -> None:
    """Neither matches nor messages, with a token for everything, even if one name begins with the other."""
    others = Channels(other)
    for channel in (others.feed(CUP, "m", "all"), others.feed(None, "m", "score"), others.subject("ann")):
        assert not may_hear(CHANNELS, channel, {"*", CUP}, "ann")
    assert not may_hear(others, CHANNELS.feed(CUP, "m", "all"), {"*", CUP}, "ann")
    assert not may_hear(others, CHANNELS.subject("ann"), {"*", CUP}, "ann")


def test_the_segments_of_competitions_are_those_of_their_channels() -> None:
    """A policy that allows these segments allows the channels of these competitions and the open matches."""
    segments = competition_segments({CUP, UNCOMMON, "*"})
    assert segments[0] == "open"
    assert set(segments) == {CHANNELS.feed(each, "m", "all").split("/")[1] for each in (None, CUP, UNCOMMON)}
