"""Several cells asked side by side, and what is waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from runtime import cell_calls
from runtime.cell_calls import CellCalls
from runtime.thaw import IDLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def late() -> Iterator[Callable[[], str]]:
    """Work that takes longer than an open connection is waited for, and less than a new one is."""
    ended = threading.Event()

    def late() -> str:
        ended.wait(0.4)
        return "late"

    yield late
    ended.set()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can afford."""
    monkeypatch.setattr(cell_calls, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(cell_calls, "COLD_SECONDS", 20.0)


def test_a_first_call_of_a_far_region_has_four_seconds() -> None:
    """Promise: name, TCP and TLS of a new connection have as long again as a call has."""
    assert (PATIENCE, COLD) == (2.0, 2.0)


def test_a_region_is_waited_for_longer_when_a_connection_must_be_opened(late: Callable[[], str]) -> None:
    """Promise: a cold cell that is slow is reached; one that has just answered is not waited for so long."""
    now = [0.0]
    far = CellCalls(2, lambda: now[0])
    assert far.ask({"near": lambda: "soon", "far": late}) == ({"near": "soon", "far": "late"}, {})
    answers, failures = far.ask({"near": lambda: "soon", "far": late})
    assert answers == {"near": "soon"}
    assert isinstance(failures["far"], TimeoutError)


def test_a_region_is_cold_again_after_a_freeze(late: Callable[[], str]) -> None:
    """Promise: after a pause in which connections grow old a call has the time of a first one."""
    now = [0.0]
    far = CellCalls(2, lambda: now[0])
    far.ask({"far": lambda: "soon"})
    assert not far.is_cold("far")
    now[0] += IDLE_SECONDS + 1
    assert far.ask({"far": late}) == ({"far": "late"}, {})


def test_the_only_cell_is_waited_for_to_the_end_unless_its_caller_gives_up(late: Callable[[], str]) -> None:
    """Promise: a caller who has other work than this cell's is not held up by it."""
    for gives_up, expected in ((False, {"far": "late"}), (True, {})):
        far = CellCalls(1, lambda: 0.0, gives_up=gives_up)
        far.ask({"far": lambda: "soon"})
        assert far.ask({"far": late})[0] == expected


def test_calls_that_a_cell_never_answers_take_no_thread_from_another_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: however many calls of a silent cell were given up, the other cell is called at once."""
    calls, ended = CellCalls(2, lambda: 0.0), threading.Event()
    monkeypatch.setattr(cell_calls, "COLD_SECONDS", 0.05)
    try:
        for _ in range(2 * cell_calls.THREADS):
            calls.ask({"far": lambda: str(ended.wait(20))})
        monkeypatch.setattr(cell_calls, "COLD_SECONDS", 20.0)
        assert calls.ask({"near": lambda: "soon"}) == ({"near": "soon"}, {})
    finally:
        ended.set()


PATIENCE, COLD = cell_calls.PATIENCE_SECONDS, cell_calls.COLD_SECONDS
