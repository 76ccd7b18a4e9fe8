"""The planner says what the simulation plays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.agreement import ALLOWED, LARGE, Agreement, Setting, compare
from forecast.agreement import settings as listed
from forecast.asking import ground
from forecast.bill import Options
from forecast.question import Question

FACTS = ground("us-east-1", Options())


@settings(max_examples=25, derandomize=True)
@given(
    viewers=st.integers(20, 6_000), matches=st.integers(1, 4), cells=st.integers(1, 4),
    requests=st.sampled_from([2_500, 10_000, 60_000]),
    post_s=st.sampled_from([0.01, 0.03, 0.1]), together=st.booleans(),
)  # fmt: skip
def test_planner_and_simulation_agree(
    viewers: int, matches: int, cells: int, requests: int, post_s: float, together: bool
) -> None:
    """Promise: for small audiences the last viewer is at most 5 % apart, whatever matches, cells and quotas."""
    question = Question(viewers, 1, 1.0, matches, cells, quotas={"requests": requests})
    found = compare(Setting(question, post_s, together), FACTS)
    assert found.apart <= ALLOWED, found.report()


@pytest.mark.parametrize(
    ("viewers", "matches", "cells", "requests"),
    [(3_809, 3, 4, 2_500), (2_000, 5, 1, 2_500), (8_000, 5, 1, 10_000), (900, 2, 1, 2_500)],
)
def test_short_broadcasts_beside_each_other_agree(viewers: int, matches: int, cells: int, requests: int) -> None:
    """The planner counts that matches which end within a second leave each other their rest."""
    question = Question(viewers, 1, 1.0, matches, cells, quotas={"requests": requests})
    found = compare(Setting(question, 0.01 if matches > 2 else 0.03, together=True), FACTS)
    assert found.apart <= 0.02, found.report()


@pytest.mark.parametrize(
    ("viewers", "matches", "cells", "requests", "post_s"),
    [
        (57_063, 1, 4, 22_500, 0.03), (17_358, 1, 4, 10_000, 0.01), (21_255, 1, 4, 10_000, 0.1),
        (97_438, 3, 2, 22_500, 0.1), (60_701, 3, 2, 10_000, 0.03),
    ],
)  # fmt: skip
def test_uneven_batches_agree(viewers: int, matches: int, cells: int, requests: int, post_s: float) -> None:
    """The planner knows at which poll a sender learns that smaller batches are done, in short broadcasts and long."""
    question = Question(viewers, 1, 1.0, matches, cells, quotas={"requests": requests})
    found = compare(Setting(question, post_s, together=matches > 1), FACTS)
    assert found.apart <= 0.02, found.report()


def test_many_cells_have_the_senders_of_the_whole_audience() -> None:
    """The senders of a first goal in a cell follow from the audience of all cells, not from the cell's own viewers."""
    found = compare(Setting(Question(25_000, 1, 1.0, 1, 10, quotas={"requests": 10_000}), 0.03, together=False), FACTS)
    assert found.apart <= 0.02, found.report()


def test_the_settings_are_those_of_their_seed() -> None:
    """The same seed gives the same settings, as many as asked for, the large audiences first."""
    found = list(listed(20, seed=3))
    assert found == list(listed(20, seed=3))
    assert (len(found), found[0].question) == (20, LARGE[0])
    assert [each.question for each in listed(1)] == list(LARGE[:1])


def test_a_report_says_how_far_they_are_apart() -> None:
    """The difference is a part of the simulated seconds."""
    setting = Setting(Question(10, 1, 1.0, quotas={"requests": 10_000}), 0.03, together=False)
    assert Agreement(setting, 1.1, 1.0).report()["apart"] == 0.1
    assert compare(setting).apart <= ALLOWED
