"""Home in a simulation: the calls to the cells and the watchdog are our own code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broadcaster.home import cells, watchdog
from broadcaster.send.errors import GatewayError
from forecast.simulation.modelled_cell import ModelledCell
from forecast.simulation.scenario import Goal, Scenario
from forecast.simulation.simulator import simulate
from forecast.simulation.state_machine import pauses

if TYPE_CHECKING:
    from broadcaster.control.payload import Batch, RoundEnd, SenderTask

TWO = Scenario(viewers=(200,), goals=(Goal(0.0),), cells=2, down_cell=1, down_until_s=5.0)
POSTS_ONLY = replace(TWO, cells=1, down_cell=0, down_for_posts_only=True)


def test_a_short_outage_of_a_cell_costs_little_more_than_the_outage() -> None:
    """The fan-out gives the cell up after 4 s, and the watchdog's check a second later finds it."""
    outcome = simulate(TWO)
    assert (outcome.missed, [each.restarts for each in outcome.cells]) == (0, [0, 1])
    assert outcome.goals[0].median_s < 1
    assert 5 < outcome.goals[0].last_s < 6.5


def test_a_cell_whose_check_had_no_answer_is_silent_for_a_while() -> None:
    """If the watchdog's first check gives the cell up too, the next one comes at the end of 15 s of silence."""
    outcome = simulate(replace(TWO, down_until_s=10.0))
    assert 5.1 + 4 + 15 < outcome.goals[0].last_s < 5.1 + 4 + 15 + 2


def test_a_goal_after_the_outage_meets_the_silence_of_the_fan_out() -> None:
    """The fan-out does not call a silent cell, so a goal 10 s later is told by the watchdog, after a second."""
    outcome = simulate(replace(TWO, goals=(Goal(0.0), Goal(10.0)), down_until_s=5.0))
    assert outcome.cells[1].restarts == 2
    assert 1 < outcome.goals[1].last_s < 2


def test_the_next_goal_waits_for_the_fan_out() -> None:
    """The records of a match come in order: while the fan-out waits for a cell, the other cell gets no newer goal."""
    outcome = simulate(replace(TWO, goals=(Goal(0.0), Goal(0.5))))
    assert 3.5 < outcome.goals[1].first_s < 4.5


def test_a_cell_that_did_not_answer_gets_the_time_of_a_new_connection() -> None:
    """The fan-out waits 2 s for a cell that has answered lately, and 4 s for one whose connection is gone."""
    goals = tuple(Goal(at) for at in (0.0, 20.0, 20.1, 40.0, 40.1))
    outcome = simulate(replace(TWO, goals=goals, down_from_s=10.0, down_until_s=100.0))
    assert outcome.missed == 0
    assert 2 < outcome.goals[2].first_s < 2.5
    assert 4 < outcome.goals[4].first_s < 4.5


def test_a_single_cell_is_called_until_it_answers() -> None:
    """With one cell the fan-out's call goes on for all of its tries, and no watchdog is needed for a short outage."""
    outcomes = [simulate(replace(TWO, cells=1, down_cell=0, seed=seed)) for seed in range(4)]
    for outcome in outcomes:
        [cell] = outcome.cells
        assert (outcome.missed, cell.restarts) == (0, 0)
        assert 5 < outcome.goals[0].last_s < 9
        # The broadcast begins when the call has an answer.
        assert cell.sender_s < 1
    # botocore's pauses between the tries are random.
    assert len({outcome.goals[0].first_s for outcome in outcomes}) == len(outcomes)


@pytest.mark.parametrize(("name", "value", "least"), [("UNREACHED_SECONDS", 20, 23), ("SILENCE_SECONDS", 60.0, 65)])
def test_the_rules_are_those_of_the_cells(
    monkeypatch: pytest.MonkeyPatch, name: str, value: float, least: float
) -> None:
    """A change of a rule in ``Cells`` changes the outcome."""
    monkeypatch.setattr(cells, name, value)
    assert simulate(replace(TWO, down_until_s=10.0)).goals[0].last_s > least


def test_a_long_outage_is_checked_more_and_more_rarely() -> None:
    """After a long outage the cell waits for the watchdog's next check: a minute, and the 15 s of its silence."""
    outcome = simulate(replace(TWO, down_until_s=1_000.0))
    assert outcome.missed == 0
    assert 1_000 < outcome.goals[0].last_s < 1_000 + 60 + 15 + 4


def test_the_watchdog_gives_an_event_up_after_ten_starts() -> None:
    """If a cell answers home and takes no POST, its broadcast is started ten times; then its viewers miss the goal."""
    outcome = simulate(replace(POSTS_ONLY, down_until_s=3_000.0))
    [cell] = outcome.cells
    assert (outcome.given_up, cell.restarts, outcome.missed) == (1, watchdog.MOST_RESTARTS, 200)
    assert cell.set_aside == watchdog.MOST_RESTARTS + 1
    assert outcome.virtual_s < 3_000
    assert outcome.report()["given_up"] == 1


def test_the_next_goal_brings_what_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame of the next goal begins after the last one that the cell has told."""
    monkeypatch.setattr(watchdog, "MOST_RESTARTS", 1)
    outcome = simulate(replace(POSTS_ONLY, down_until_s=300.0, goals=(Goal(0.0), Goal(310.0))))
    assert (outcome.given_up, outcome.missed) == (1, 0)


def test_a_restart_counts_in_the_watchdogs_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of starts is the product's own."""
    monkeypatch.setattr(watchdog, "MOST_RESTARTS", 2)
    outcome = simulate(replace(POSTS_ONLY, down_until_s=3_000.0))
    assert (outcome.given_up, outcome.cells[0].restarts) == (1, 2)


def test_a_batch_that_is_set_aside_leaves_a_full_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """As RenewLease does it: the receipt begins with 90 s of the lease, however long the batch's tries took."""
    left: list[float] = []
    finish = ModelledCell._finish  # noqa: SLF001

    async def finishing(cell: ModelledCell, end: RoundEnd) -> bool:
        left.append(cell.tables.state(end.match).lease_until - cell._loop.date())  # noqa: SLF001
        return await finish(cell, end)

    monkeypatch.setattr(ModelledCell, "_finish", finishing)
    outcome = simulate(replace(POSTS_ONLY, down_until_s=120.0))
    assert outcome.cells[0].set_aside == 1
    assert left[0] == pytest.approx(90, abs=1.1)


def test_an_execution_that_lost_the_lease_renews_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """If another execution has the lease when a batch is set aside, that execution keeps it."""
    owners: list[str | None] = []

    async def stolen(cell: ModelledCell, task: SenderTask) -> Batch:
        state = cell.tables.state(task.match)
        cell.tables.states[task.match] = replace(state, owner="another", lease_until=7)
        raise GatewayError("down")

    async def finishing(cell: ModelledCell, end: RoundEnd) -> bool:
        state = cell.tables.state(end.match)
        owners.append(state.owner)
        assert state.lease_until == 7
        cell.tables.states[end.match] = replace(state, owner=None, ended_seq=1)
        return False

    monkeypatch.setattr(ModelledCell, "_invoke", stolen)
    monkeypatch.setattr(ModelledCell, "_finish", finishing)
    simulate(replace(POSTS_ONLY, down_cell=None))
    assert owners == ["another"]


def test_each_invocation_has_all_its_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that answered and goes on later enters the state anew: its failures before that do not count."""
    ends = iter(["fails", "fails", "fails", "goes on", "fails", "done"])
    invoke = ModelledCell._invoke  # noqa: SLF001

    async def flaky(cell: ModelledCell, task: SenderTask) -> Batch:
        end = next(ends)
        if end == "fails":
            raise GatewayError("down")
        return task.batch if end == "goes on" else await invoke(cell, task)

    monkeypatch.setattr(ModelledCell, "_invoke", flaky)
    outcome = simulate(replace(POSTS_ONLY, down_cell=None))
    assert (outcome.missed, outcome.cells[0].set_aside) == (0, 0)


def test_batches_that_failed_together_do_not_come_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause of the state machine is a random time up to the longest one."""
    tried: dict[int, list[float]] = {}

    async def failing(cell: ModelledCell, task: SenderTask) -> Batch:
        tried.setdefault(task.batch.number, []).append(cell._loop.time())  # noqa: SLF001
        if len(tried[task.batch.number]) == 2:
            return replace(task.batch, done=True, reached_seq=1)
        raise GatewayError("down")

    monkeypatch.setattr(ModelledCell, "_invoke", failing)
    simulate(replace(POSTS_ONLY, down_cell=None, viewers=(20_000,)))
    waited = [times[1] - times[0] for times in tried.values()]
    assert len(set(waited)) > 1
    assert all(0 <= each <= 1 for each in waited)


def test_the_tries_are_those_of_the_state_machine() -> None:
    """The pauses come from broadcast.asl.json, as docs/reliability.md lists them."""
    assert (pauses("Send"), pauses("Finish"), pauses("HandOver")) == ((1, 2, 4), (1, 2, 4, 8), (1, 2, 3, 3))
