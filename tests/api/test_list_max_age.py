"""A list of a day on which nothing is played is kept longer by a CDN."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from api.list_max_age import LIST_SECONDS, list_max_age
from devstack.system import ROOT

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()


def _match(status: str, kickoff: str = "2026-11-28T15:00:00Z") -> dict[str, Any]:
    return {"status": status, "kickoff": kickoff}


@pytest.mark.parametrize(
    ("matches", "seconds"),
    [
        ([], LIST_SECONDS),
        ([_match("scheduled")], LIST_SECONDS),
        ([_match("scheduled"), _match("full_time"), _match("postponed"), _match("called_off")], LIST_SECONDS),
        ([_match("scheduled"), _match("first_half")], 1),
        ([_match("suspended")], 1),
        ([_match("half_time")], 1),
        ([_match("shootout")], 1),
        ([_match("a_status_of_another_release")], 1),
        ([_match("scheduled", "2026-11-28T12:01:59Z")], 1),
        ([_match("scheduled", "2026-11-28T12:02:01Z")], LIST_SECONDS),
        ([_match("scheduled", "2026-11-28T11:00:00Z")], 1),
        ([_match("scheduled", "2026-11-28T14:01:00+02:00")], 1),
        ([_match("scheduled", "2026-11-28")], 1),
        ([_match("scheduled", "2026-11-30")], LIST_SECONDS),
    ],
)
def test_a_cdn_keeps_a_list_longer_while_no_match_is_played(matches: list[Any], seconds: int) -> None:
    """30 seconds if no match is being played, is about to begin or is late; else one second."""
    assert list_max_age(matches, NOW) == seconds


def test_the_cdn_is_allowed_as_much() -> None:
    """The site's cache keeps a list for as long as the API says."""
    described = json.loads((ROOT / "terraform/site.json").read_text())["readers"]
    assert (described["seconds"], described["most_seconds"]) == (1, LIST_SECONDS)
