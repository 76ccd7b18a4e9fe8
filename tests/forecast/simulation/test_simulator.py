"""The simulation: our own senders in virtual time, against modelled services."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broadcaster.control import rate_share
from broadcaster.send import pacing
from broadcaster.send.errors import GatewayError
from forecast.simulation.modelled_cell import ModelledCell
from forecast.simulation.scenario import Gateway, Goal, Scenario
from forecast.simulation.simulator import grid_for, simulate

if TYPE_CHECKING:
    from broadcaster.control.payload import Batch, SenderTask

ONE = Scenario(viewers=(10_000,), goals=(Goal(0.0),), send_rate=2_000, sender_rate=500)
IDEAL = 10_000 / 2_000


def test_nobody_misses_a_goal() -> None:
    """Without faults every viewer gets the goal by one POST, in little more than viewers divided by the rate."""
    outcome = simulate(ONE)
    assert (outcome.missed, outcome.posts, outcome.goals[0].viewers) == (0, 10_000, 10_000)
    assert IDEAL < outcome.goals[0].last_s < 1.15 * IDEAL
    assert 0 < outcome.goals[0].first_s < outcome.goals[0].median_s < outcome.goals[0].last_s


def test_a_frame_arrives_before_its_answer() -> None:
    """The viewer has the frame after a part of the latency, and the sender knows of it after all of it."""
    early, late = (
        simulate(replace(ONE, viewers=(1_000,), gateway=Gateway(latency_s=0.4, delivered=part))) for part in (0.25, 1.0)
    )
    assert late.goals[0].first_s - early.goals[0].first_s == pytest.approx(0.3, abs=0.002)
    assert late.posts == early.posts == 1_000


def test_a_connection_waits_for_its_answer() -> None:
    """With answers after 2 s, the 400 connections of each of four senders take 800 POSTs a second and no more."""
    outcome = simulate(replace(ONE, viewers=(4_000,), gateway=Gateway(latency_s=2.0)))
    assert outcome.missed == 0
    assert outcome.goals[0].last_s > 4_000 / 800


def test_the_same_seed_gives_the_same_outcome() -> None:
    """A run can be repeated: nothing of it comes from the real clock or from unseeded chance."""
    noisy = replace(ONE, gateway=Gateway(jitter_s=0.01, errors=0.05), seed=7)
    assert simulate(noisy) == simulate(noisy)
    assert simulate(noisy) != simulate(replace(noisy, seed=8))


def test_the_decisions_are_the_senders_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the pace in the product's code changes the outcome."""
    monkeypatch.setattr(pacing.TokenBucket, "tokens", _half_as_many)
    assert simulate(ONE).goals[0].last_s > 1.5 * IDEAL


def _half_as_many(bucket: pacing.TokenBucket, now: float) -> int:
    bucket._tokens = min(bucket._burst, bucket._tokens + max(0.0, now - bucket._at) * bucket._rate / 2)  # noqa: SLF001
    bucket._at = now  # noqa: SLF001
    return int(bucket._tokens)  # noqa: SLF001


def test_a_goal_overtakes_the_one_before() -> None:
    """Two goals a second apart cost less than two laps, and every viewer has both."""
    outcome = simulate(replace(ONE, goals=(Goal(0.0), Goal(1.0))))
    assert (outcome.missed, [each.viewers for each in outcome.goals]) == (0, [10_000, 10_000])
    assert outcome.posts < 0.75 * 20_000


def test_two_matches_share_the_rate() -> None:
    """Each of two matches with a goal at once gets half of the rate, and nobody waits for the other to end."""
    outcome = simulate(replace(ONE, viewers=(5_000, 5_000), goals=(Goal(0.0), Goal(0.0, 1))))
    assert outcome.missed == 0
    assert all(0.9 * IDEAL < each.last_s < 1.25 * IDEAL for each in outcome.goals)


def test_a_match_that_has_ended_leaves_the_rate_to_the_others() -> None:
    """A goal of a second match after the end of the first one's broadcast gets the whole rate."""
    outcome = simulate(replace(ONE, viewers=(5_000, 10_000), goals=(Goal(0.0), Goal(10.0, 1))))
    assert outcome.goals[1].last_s < 1.15 * IDEAL


def test_a_batch_that_was_set_aside_gets_its_goal_with_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round with a failed batch tells nothing for good, so the next frame has both goals and leaves no gap."""
    invoke = ModelledCell._invoke  # noqa: SLF001

    async def fails_at_first(cell: ModelledCell, task: SenderTask) -> Batch:
        if (task.batch.number, task.due_seq) == (0, 1):
            raise GatewayError("down")
        return await invoke(cell, task)

    monkeypatch.setattr(ModelledCell, "_invoke", fails_at_first)
    outcome = simulate(replace(ONE, goals=(Goal(0.0), Goal(20.0))))
    [cell] = outcome.cells
    assert (cell.set_aside, outcome.missed, cell.gaps) == (1, 0, 0)
    assert outcome.goals[0].last_s > 20


def test_dead_rows_cost_one_post_each() -> None:
    """A viewer that has left costs one POST and its row; a later goal does not meet it."""
    outcome = simulate(replace(ONE, goals=(Goal(0.0), Goal(30.0)), gateway=Gateway(gone=0.1)))
    [cell] = outcome.cells
    assert (cell.gone, cell.accepted, outcome.missed) == (1_000, 18_000, 0)


def test_slow_viewers_are_closed_and_delay_nobody() -> None:
    """Viewers that read nothing are closed in their third broadcast; the others wait little longer for them."""
    outcome = simulate(replace(ONE, goals=tuple(Goal(30.0 * number) for number in range(4)), gateway=Gateway(slow=0.1)))
    [cell] = outcome.cells
    assert (cell.closed, outcome.missed) == (1_000, 0)
    assert outcome.goals[0].last_s < 1.25 * 0.9 * IDEAL


def test_a_slow_viewer_of_a_second_match_is_closed_too() -> None:
    """The connection that is closed belongs to the match whose viewer is slow."""
    goals = tuple(Goal(30.0 * number, match) for number in range(4) for match in range(2))
    outcome = simulate(replace(ONE, viewers=(2_000, 2_000), goals=goals, gateway=Gateway(slow=0.1)))
    assert (outcome.cells[0].closed, outcome.missed) == (400, 0)


def test_errors_of_the_gateway_are_tried_again() -> None:
    """An answer 500 costs another POST and no viewer."""
    outcome = simulate(replace(ONE, gateway=Gateway(errors=0.05)))
    [cell] = outcome.cells
    assert (outcome.missed, cell.errors > 300, outcome.posts) == (0, True, 10_000 + cell.errors)
    assert cell.accepted == 10_000


def test_a_throttle_below_the_rate_is_obeyed() -> None:
    """If the account passes less than the setting says, the senders slow down, and every viewer has the goal."""
    outcome = simulate(replace(ONE, gateway=Gateway(rate=1_000, burst=200)))
    [cell] = outcome.cells
    assert (outcome.missed, cell.accepted) == (0, 10_000)
    assert 0 < cell.throttled < outcome.posts / 2


def test_a_throttled_frame_reaches_nobody() -> None:
    """An account that passes 100 POSTs a second tells no more viewers than that, however many POSTs it refuses."""
    outcome = simulate(replace(ONE, viewers=(500,), gateway=Gateway(rate=100, burst=1)))
    assert (outcome.missed, outcome.cells[0].accepted, outcome.cells[0].throttled > 500) == (0, 500, True)
    assert outcome.goals[0].median_s > 250 / 100
    assert outcome.goals[0].last_s > 500 / 100


def test_a_long_broadcast_is_handed_over() -> None:
    """A broadcast of more than 100 seconds goes on in another execution, at the row where the first one stood."""
    outcome = simulate(replace(ONE, viewers=(60_000,), send_rate=300, sender_rate=300))
    [cell] = outcome.cells
    assert (outcome.missed, outcome.posts, cell.executions, cell.restarts) == (0, 60_000, 2, 0)


def test_a_round_that_ended_late_is_followed_in_another_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 100 s an execution begins no other round, although all of its batches are done."""

    async def slow(cell: ModelledCell, task: SenderTask) -> Batch:
        state = cell.tables.state(task.match)
        cell.tables.states[task.match] = replace(state, owner=task.owner, lease_until=state.lease_until + 200)
        await asyncio.sleep(110)
        return replace(task.batch, done=True, reached_seq=task.round)

    monkeypatch.setattr(ModelledCell, "_invoke", slow)
    [cell] = simulate(replace(ONE, goals=(Goal(0.0), Goal(50.0)))).cells
    assert (cell.executions, cell.rounds, cell.restarts) == (2, 2, 0)


def test_cells_tell_their_viewers_side_by_side() -> None:
    """Two cells need half of the time of one."""
    alone, beside = simulate(ONE), simulate(replace(ONE, cells=2))
    assert beside.goals[0].last_s < 0.6 * alone.goals[0].last_s
    assert [cell.posts for cell in beside.cells] == [5_000, 5_000]


def test_a_cell_that_is_down_gets_the_goal_when_it_answers_again() -> None:
    """The watchdog brings the goal to the cell, and the other cell does not wait."""
    outcome = simulate(replace(ONE, cells=2, down_cell=1, down_from_s=0.0, down_until_s=90.0))
    assert outcome.missed == 0
    assert outcome.goals[0].median_s < IDEAL
    assert 90 < outcome.goals[0].last_s < 90 + 60 + IDEAL
    assert [cell.restarts for cell in outcome.cells] == [0, 1]


def test_a_gateway_that_is_down_for_long_is_told_by_the_watchdog() -> None:
    """In the middle of a broadcast the gateway goes down: batches are set aside, and the watchdog starts it again."""
    outcome = simulate(replace(ONE, viewers=(20_000,), down_cell=0, down_from_s=1.0, down_until_s=150.0))
    [cell] = outcome.cells
    assert outcome.missed == 0
    assert cell.set_aside > 0
    assert cell.restarts > 0


def test_an_unexpected_audience_gets_shards_after_one_goal() -> None:
    """A match whose operator expected nobody tells everyone, and then has shards for all of them."""
    outcome = simulate(replace(ONE, viewers=(40_000,), expected=(1,)))
    assert (outcome.missed, outcome.cells[0].shards) == (0, 8)


@pytest.mark.parametrize(("viewers", "grid"), [(1, 0.001), (100_001, 0.005), (10_000_000, 0.01), (10_000_001, 0.02)])
def test_the_grid_grows_with_the_audience(viewers: int, grid: float) -> None:
    """A wide grid is fast, and its error stays small beside the time that such an audience takes."""
    assert grid_for(viewers) == grid


def test_a_lost_frame_is_found_and_read() -> None:
    """Viewers whose frame does not arrive read the goal over HTTP, by the client's own follower and repairer."""
    outcome = simulate(replace(ONE, gateway=Gateway(lost=0.01), goals=(Goal(0.0), Goal(20.0))))
    assert outcome.missed == 0
    assert 100 < outcome.lost < 300
    assert outcome.reads_over_http + outcome.asked_over_the_socket >= outcome.lost / 2
    assert outcome.repair_s[-1] < 200


def test_an_error_of_the_code_ends_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in a callback is raised; it does not pass as a viewer that missed a goal."""
    monkeypatch.setattr(pacing.TokenBucket, "spend", _fails)
    with pytest.raises(ZeroDivisionError):
        simulate(ONE)


def _fails(*_: object) -> None:
    raise ZeroDivisionError


def test_the_shares_of_the_rate_are_the_products_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the division of the rate shows: if each match takes all of it, the account throttles them."""
    two = replace(ONE, viewers=(5_000, 5_000), goals=(Goal(0.0), Goal(0.0, 1)), gateway=Gateway(2_000, 500))
    assert simulate(two).cells[0].throttled == 0
    monkeypatch.setattr(rate_share, "_fair", lambda _needs, rate: rate)
    assert simulate(two).cells[0].throttled > 500
