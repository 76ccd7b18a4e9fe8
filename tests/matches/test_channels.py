"""The names of channels: short, of letters, digits and dashes, and never the name of another match's channel."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matches.channels import FEEDS, competition_segment
from matches.claims import competition_key
from tests.channel_names import CHANNELS


@pytest.mark.parametrize(
    ("competition", "match", "channel"),
    [
        ("World Cup 2022", "wc22-final", "livescore/c-world-cup-2022/wc22-final"),
        (None, "wc22-final", "livescore/open/wc22-final"),
        ("open", "m", "livescore/c-open/m"),
    ],
)
def test_the_channel_of_a_match_has_its_competition_and_its_id(
    competition: str | None, match: str, channel: str
) -> None:
    """The channel of a match is its competition's segment and its id; a match without a competition is open."""
    assert CHANNELS.match(competition, match) == channel
    assert [CHANNELS.feed(competition, match, feed) for feed in FEEDS] == [f"{channel}/all", f"{channel}/score"]


@pytest.mark.parametrize("name", ["Æ", "a" * 49, "été", ""])
def test_a_competition_that_fits_no_segment_is_hashed(name: str) -> None:
    """A key with other letters, or a long one, is named by its hash."""
    assert re.fullmatch(r"h-[0-9a-f]{40}", competition_segment(name))


@pytest.mark.parametrize("match", ["a.b", "a_b", "m" * 51, "h-" + "0" * 40])
def test_a_match_that_fits_no_segment_is_hashed(match: str) -> None:
    """An id with other characters, or a long one, is named by its hash; and no id can look like such a hash."""
    segment = CHANNELS.match(None, match).rpartition("/")[2]
    assert re.fullmatch(r"h-[0-9a-f]{40}", segment)
    assert segment != match


@given(st.none() | st.text(), st.text(min_size=1), st.text())
def test_every_channel_fits_appsync(competition: str | None, match: str, subject: str) -> None:
    """Each channel has at most five segments of 1 to 50 letters, digits and dashes."""
    for channel in (*(CHANNELS.feed(competition, match, feed) for feed in FEEDS), CHANNELS.subject(subject)):
        segments = channel.split("/")
        assert len(segments) <= 4
        assert all(re.fullmatch(r"[A-Za-z0-9-]{1,50}", each) for each in segments)


@given(st.text(min_size=1), st.text(min_size=1), st.none() | st.text(), st.none() | st.text())
def test_two_matches_share_no_channel(one: str, other: str, first: str | None, second: str | None) -> None:
    """Two matches share a channel only if both the id and the competition's key are the same."""
    keys = [None if each is None else competition_key(each) for each in (first, second)]
    assert (CHANNELS.match(first, one) == CHANNELS.match(second, other)) == ((one, keys[0]) == (other, keys[1]))


def test_no_competition_is_called_like_the_viewers_channels() -> None:
    """The channel of a viewer lies beside the competitions', whatever a competition is called."""
    assert CHANNELS.subject("viewer-7").startswith("livescore/subjects/s-")
    assert CHANNELS.match("subjects", "s-1") == "livescore/c-subjects/s-1"
