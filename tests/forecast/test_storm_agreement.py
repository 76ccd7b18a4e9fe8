"""The planner says how long an audience takes to connect, as storms play it."""

from __future__ import annotations

import pytest

from forecast.agreement import ALLOWED
from forecast.asking import ground, transports
from forecast.bill import Options
from forecast.storm_agreement import StormAgreement, StormSetting, compare, settings

ACCOUNT = ground("us-east-1", Options()).account({})
SETTING = StormSetting("iot-core", 100_000, 1, 1, 0)


def test_the_settings_are_those_of_their_seed() -> None:
    """The same seed gives the same settings, and every transport has its turn."""
    found = list(settings(transports(), 10, seed=3))
    assert found == list(settings(transports(), 10, seed=3)) != list(settings(transports(), 10, seed=4))
    assert [each.transport for each in found] == transports() * 2


@pytest.mark.parametrize("setting", list(settings(transports(), 5, seed=5)))
def test_planner_and_storms_agree(setting: StormSetting) -> None:
    """On each transport both are at most 5 % apart, beside the buckets' second and the last viewers' back-off."""
    found = compare(setting, ACCOUNT)
    assert found is not None
    assert found.apart <= ALLOWED, found.report()


def test_a_storm_of_weeks_is_not_played() -> None:
    """Momento's default quota connects ten million viewers in eleven days: there is nothing to compare."""
    assert compare(StormSetting("momento", 10_000_000, 1, 1, 0), ACCOUNT) is None


@pytest.mark.parametrize(
    ("planned", "simulated", "apart"),
    [(100, 130, 0), (100, 160, 30 / 160), (101, 100, 0), (111, 100, 0.1), (100, 100, 0)],
)
def test_what_the_planner_does_not_count_is_no_difference(planned: float, simulated: float, apart: float) -> None:
    """Half a minute at the end and a second at the beginning are no difference; the rest is one."""
    found = StormAgreement(SETTING, "iot_connects", planned, simulated)
    assert found.apart == pytest.approx(apart)
    assert found.report()["apart"] == round(apart, 4)
