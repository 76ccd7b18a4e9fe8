"""The means that a crowd of real WebSockets needs, before anything is started."""

from __future__ import annotations

import pytest

from loadtest.crowd_needs import MOST_VIEWERS, VIEWERS_PER_CELL, Room, cells_for, filled, lack, shares

ROOM = Room(files=20_000, system_files=1_000_000, ports=28_232, memory=20_000_000_000)


@pytest.mark.parametrize(("viewers", "cells"), [(2, 2), (34_000, 2), (34_001, 3), (100_000, 6)])
def test_a_crowd_has_as_many_cells_as_its_processes_need(viewers: int, cells: int) -> None:
    """No cell has more viewers than a process may have open files, and there are two cells at least."""
    assert cells_for(viewers) == cells
    assert max(shares(viewers, cells)) <= VIEWERS_PER_CELL


def test_cells_have_equal_shares() -> None:
    """The shares differ by one viewer at most, and nobody is left out."""
    assert shares(100_000, 6) == [16_667, 16_667, 16_667, 16_667, 16_666, 16_666]


def test_a_smaller_audience_fills_the_first_cells() -> None:
    """A tenth of the viewers is in as few cells as possible."""
    assert filled(10, [8, 8, 8]) == [8, 2, 0]


def test_a_machine_with_room_has_no_lack() -> None:
    """20,000 open files in a process are enough for a hundred thousand viewers."""
    assert lack(MOST_VIEWERS, cells_for(MOST_VIEWERS), ROOM) is None


@pytest.mark.parametrize(
    ("room", "sentence"),
    [
        (Room(1_024, 10**6, 28_232, 10**11), "16867 open files in each process"),
        (Room(20_000, 50_000, 28_232, 10**11), "200000 open files in all processes"),
        (Room(20_000, 10**6, 10_000, 10**11), "16667 local ports"),
        (Room(20_000, 10**6, 28_232, 10**9), "MB of memory"),
    ],
)
def test_a_lack_is_a_sentence_with_its_figure(room: Room, sentence: str) -> None:
    """The sentence says how much is needed, how much there is, and to use fewer viewers."""
    found = lack(MOST_VIEWERS, 6, room)
    assert found is not None
    assert sentence in found
    assert "are available here. Use fewer viewers: --viewers N." in found
