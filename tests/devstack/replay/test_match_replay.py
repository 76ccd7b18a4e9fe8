"""The replay of a real feed through the whole system."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.replay import openfootball
from devstack.replay.match_replay import failures, replay
from devstack.system import ROOT
from tests.support import needs, soak

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System

MATCHES = soak(16, 64)


@pytest.fixture
def path() -> Path:
    """The feed of the 2022 World Cup."""
    path = Path(os.environ.get("LIVESCORE_FEED", ROOT.parent / "shared/data/worldcup-2022.json"))
    needs("the feed of the 2022 World Cup (LIVESCORE_FEED)", path.exists())
    return path


async def test_the_matches_of_2022_end_as_they_did_for_readers_and_viewers(
    system: System, operator: Operator, path: Path
) -> None:
    """All at once: the readers' API and the last frame of a real viewer both show what the file states.

    The 16 matches of the knock-out rounds, with extra time and shoot-outs; in ``make soak`` all 64.
    """
    feed = openfootball.read(path).matches[-MATCHES:]
    matches = json.loads(path.read_text())["matches"][-MATCHES:]  # noqa: ASYNC240  # a small file
    stated = [match["score"] for match in matches]
    results = await replay(feed, operator, system.websocket_url)
    expected = [(tuple(score.get("et", score["ft"])), score.get("p") and tuple(score["p"])) for score in stated]
    assert [(each.score, each.shootout) for each in results] == expected
    assert [(each.viewer_score, each.viewer_shootout) for each in results] == expected
    assert all(each.agrees for each in results)
    assert [each.events for each in results] == [len(match.events) for match in feed]


async def test_a_match_that_fails_harms_no_other(
    system: System, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match and an event that are refused are named with the reason, and the other match is replayed."""
    final = openfootball.find(ROOT / "examples" / "worldcup.json", "Argentina - France").matches[0]
    refused = replace(final, kickoff="soon")
    damaged = replace(final, events=(final.events[0], {"kind": "golazo"}))
    against_the_rules = replace(final, events=(final.events[0], {"kind": "second_half"}))
    monkeypatch.setattr("devstack.replay.match_replay.SETTLE_SECONDS", 10.0)
    feed = [refused, damaged, against_the_rules, final]
    first, second, ruled_out, third = await replay(feed, operator, system.websocket_url)
    assert ruled_out.failed == "Event 2 was refused: second_half cannot follow first_half."
    assert first.failed is not None
    assert "kickoff" in first.failed
    assert (first.match, first.score, first.agrees) == (None, None, False)
    assert second.failed is not None
    assert "kind" in second.failed
    assert [line.split(":")[0] for line in failures([first, second, third])] == [
        "Argentina - France was not replayed"
    ] * 2
    assert failures([first, first]) == [f"{failures([first])[0]} (and 1 more match for that reason)"]
    assert third.failed is None
    assert third.agrees
    assert (third.score, third.viewer_shootout) == ((3, 3), (4, 2))
