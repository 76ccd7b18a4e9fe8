"""The paths that the site passes on to the API."""

from __future__ import annotations

import pytest

from devstack.stack.site_paths import Routes, segments

ROUTES = Routes(["GET /matches/{match}", "POST /matches/{match}/events", "GET /other"], below="/matches")
OPERATORS = Routes(["GET /matches/{match}"], prefix="/operators")


@pytest.mark.parametrize(
    "path",
    ["matches/a", "*", "/matches/..", "/matches/%2e%2e/a", "/a%2fb", "/a%5cb", "/a%00b", "/a%250a", "/%ff", "/a\\b"],
)
def test_a_path_that_could_mean_another_one_is_refused(path: str) -> None:
    """A path with dot segments, encoded separators, control characters or a second encoding is refused."""
    assert segments(path) is None


def test_a_path_is_read_by_its_segments() -> None:
    """Each segment is decoded once."""
    assert segments("/matches/a%20b") == ["matches", "a b"]
    assert segments("/") == [""]


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", ["matches", "a b"], "/matches/a%20b"),
        ("POST", ["matches", "m", "events"], "/matches/m/events"),
        ("DELETE", ["matches", "m"], None),
        ("GET", ["matches", ""], None),
        ("GET", ["matches", "m", "events"], None),
        ("GET", ["other"], None),
    ],
)
def test_only_a_described_route_is_passed_on(method: str, path: list[str], target: str | None) -> None:
    """A request needs a route with its method, number of segments and fixed segments, and no empty parameter."""
    assert ROUTES.target(method, path) == target


def test_a_prefix_is_not_passed_on() -> None:
    """Operators' paths have a prefix, which the API's paths do not have."""
    assert OPERATORS.target("GET", ["operators", "matches", "m"]) == "/matches/m"
