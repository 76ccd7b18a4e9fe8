"""The cases of ``bench budget``, simulated."""

from __future__ import annotations

import pytest

from forecast.simulation.as_bench import agrees, cases, compare, on_this_machine

VIEWERS = 2_000
NAMES = tuple(cases(VIEWERS, on_this_machine(0.2, VIEWERS)))


def test_each_case_is_simulated_beside_its_measurement() -> None:
    """Each case of the bench has its scenario, and a difference in seconds and POSTs."""
    measured = [{"name": name, "last_viewer_s": 1.2, "posts": VIEWERS} for name in NAMES]
    found = compare(measured, 0.2, VIEWERS)
    assert [each["name"] for each in found] == list(NAMES)
    assert all(1.0 < each["simulated"]["last_viewer_s"] < 2.5 for each in found)
    by_name = {each["name"]: each["simulated"]["posts"] for each in found}
    assert by_name["one goal"] == by_name["two matches at once"] == VIEWERS
    assert VIEWERS < by_name["two goals a second apart"] <= 2 * VIEWERS


@pytest.mark.parametrize(
    ("seconds", "posts", "fits"), [(0.05, 0.03, True), (-0.05, -0.03, True), (0.051, 0, False), (0, -0.031, False)]
)
def test_agreement_is_five_percent_in_seconds_and_three_in_posts(seconds: float, posts: float, fits: bool) -> None:
    """A larger difference, in either direction, does not agree."""
    assert agrees({"differs": {"last_viewer_s": seconds, "posts": posts}}) is fits
