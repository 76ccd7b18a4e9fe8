"""The trace of an event as a waterfall in the terminal and in a plot."""

from __future__ import annotations

from typing import Any

import pytest

from devstack.operator.waterfall import COLUMNS, STAGES, bars, lines, title


def stage(name: str, after: int, took: int, cell: str | None = None, batch: int | None = None) -> dict[str, Any]:
    """A stage as the API gives it."""
    return {"stage": name, "cell": cell, "batch": batch, "at": 1_000 + after, "after_ms": after, "took_ms": took}


TRACE: dict[str, Any] = {
    "match": "m", "seq": 5, "kind": "penalty_goal", "team": "home", "notes": ["Clocks differ."],
    "stages": [
        stage("accepted", 0, 0), stage("streamed", 500, 500), stage("numbered", 1_000, 500),
        stage("first_post", 2_000, 1_000, "r1", 0), stage("receipt", 2_000, 0, "r1"),
    ],
}  # fmt: skip


def test_each_stage_is_a_line_with_its_times_and_its_bar() -> None:
    """Bars stand where their stage was: each begins where the stage before it ended."""
    head, columns, *shown, note = lines(TRACE, 93)
    assert (head, columns.split(), note) == (
        "m, event 5: penalty goal, home", ["ms", "after", "took", "ms"], "Clocks differ.",
    )  # fmt: skip
    assert shown == [
        f"{'accepted by the API':32}{'0':>10}{'0':>10} ▏",
        f"{'on the stream':32}{'500':>10}{'500':>10} {'█' * 10}",
        f"{'numbered':32}{'1,000':>10}{'500':>10} {' ' * 10}{'█' * 10}",
        "r1",
        f"{'  batch 0: first POST':32}{'2,000':>10}{'1,000':>10} {' ' * 20}{'█' * 20}",
        f"{'  receipt':32}{'2,000':>10}{'0':>10} {' ' * 39}▏",
    ]


@pytest.mark.parametrize("columns", [COLUMNS, 80, 60, 52])
def test_a_line_fits_the_terminal(columns: int) -> None:
    """No stage is longer than the columns, whatever its batch; without room there are no bars."""
    long = TRACE | {"stages": [*TRACE["stages"], stage("last_post", 90_061, 88_061, "r1", 39)], "notes": []}
    assert max(len(line) for line in lines(long, columns)) <= columns
    assert any("█" in line for line in lines(long, columns)) is (columns > 52)


def test_an_event_that_took_no_time_has_no_bars() -> None:
    """An event that was only accepted is one line."""
    only = TRACE | {"team": None, "stages": TRACE["stages"][:1], "notes": []}
    assert list(lines(only))[2:] == [f"{'accepted by the API':32}{'0':>10}{'0':>10}"]
    assert title(only) == "m, event 5: penalty goal"


def test_an_unknown_stage_is_shown_by_its_name() -> None:
    """A newer release may have more stages. Its names do nothing to a terminal."""
    newer = TRACE | {"stages": [stage("accepted", 0, 0), stage("seen\x1b", 5, 5, "r\x07")], "notes": ["a\x1bb"]}
    text = "\n".join(lines(newer))
    assert "  seen\\x1b" in text
    assert not {"\x1b", "\x07"} & set(text)


def test_the_plot_has_a_bar_for_each_stage() -> None:
    """Each bar begins at the stage before it, and says when its stage was and how long it took."""
    drawn = bars(TRACE)
    assert [(each.start, each.length) for each in drawn] == [(0, 0), (0, 500), (500, 500), (1_000, 1_000), (2_000, 0)]
    assert (drawn[3].name, drawn[3].text) == ("r1, batch 0: first POST", "2,000 (+1,000)")
    assert list(STAGES)[:3] == [each["stage"] for each in TRACE["stages"][:3]]
