"""The files of tests that take longest: a run of several workers begins with them.

A worker takes one file after the other. If a long file came last, one worker would run it while the others have nothing
left to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

FILES: Final = (
    "test_locust", "test_setup", "test_viewers_leaving", "test_run", "test_bench_runs", "test_machine",
    "test_lambda_zips", "test_stack_leftovers", "test_open_files", "test_signals", "test_cold", "test_cli", "test_demo",
    "test_pipeline", "test_match_replay", "test_listening", "test_smoke_run",
)  # fmt: skip
"""Longest first; each is the name of a file below ``tests/``."""


def first(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests of ``FILES``, in that order, then all others in the order in which they were collected."""
    place = {name: number for number, name in enumerate(FILES)}
    return sorted(items, key=lambda each: place.get(each.path.stem, len(FILES)))
