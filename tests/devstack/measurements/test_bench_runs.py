"""The benches that need a stack, with few viewers: they measure the right things. `make bench` gives the figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from broadcaster.control.trace import StageName
from client.cell_address import CellAddress
from devstack.measurements.bench_runs import addresses, target_of
from devstack.measurements.path_calls import behind_a_proxy, steps_of_a_goal
from devstack.stack.ministack import free_port
from devstack.stack.whole_stack import running
from loadtest.bench import (
    NAMES,
    budget,
    burst,
    fairness,
    goal,
    million,
    page,
    programs,
    send,
    standin_posts,
    transports,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from loadtest.bench.target import Target

LIVESCORE = str(Path(sys.executable).parent / "livescore")


@pytest.fixture(scope="module")
def limited() -> Iterator[System]:
    """A stack with the settings of the budget bench, and the stand-in."""
    with running(free_port(), budget.SETTINGS, gateway="standin") as (system, _):
        yield system


@pytest.fixture(scope="module")
def target(limited: System) -> Target:
    """The same stack, as the benches know it."""
    return target_of(limited)


async def test_a_goal_is_seen_by_everybody(target: Target) -> None:
    """The goal bench counts every viewer, no viewer misses an event, and its senders' signatures are right."""
    figures = (await goal.run(target, lambda _: None, viewers=30, goals=2)).figures
    assert (figures["viewers"], figures["goals"], figures["missed"]) == (30, 2, 0)
    times = [figures[f"{which}_viewer_ms"] for which in ("first", "median", "last")]
    assert all(set(each) == {"p50", "p95", "max"} for each in times)
    assert 0 < times[0]["p50"] <= times[1]["p50"] <= times[2]["p50"]


async def test_a_goal_is_measured_on_each_transport(limited: System, target: Target) -> None:
    """The bench of the transports has a row for each cell, in which no viewer misses a goal, with our calls and bytes.

    A cell that cannot be reached has a sentence in place of its row, and the others are measured.
    """
    cells = {**addresses(limited), "away": CellAddress("fax", "ws://127.0.0.1:1/")}
    result = await transports.run(target, cells, lambda _: None, viewers=10, goals=2)
    [row] = result.rows
    assert (row["name"], row["viewers"], row["goals"], row["missed"]) == ("api-gateway", 10, 2, 0)
    assert 0 < row["first_ms"] <= row["median_ms"] <= row["last_ms"]
    assert (row["calls_per_goal"], row["bytes_per_goal"] > 10 * 50) == (10, True)
    assert result.missing == ["fax was not measured. This client does not know the transport fax."]


def test_calls_and_bytes_of_a_goal_come_from_receipts() -> None:
    """A receipt of senders counts the posts of a frame; one of a broadcasting transport counts what was published."""
    counts = {"accepted": 8, "gone": 1, "failed": 0, "throttled": 1}
    posts = [{"seq": 2, **counts}, {"seq": 3, **counts}]
    assert transports.calls_and_bytes(posts, {2: 100, 3: 200}) == (20, 3000)
    published = [{"feed": feed, "bytes": size} for feed, size in (("all", 300), ("score", 200))]
    refused = [{"feed": "all", "reason": "Throttled"}]
    assert transports.calls_and_bytes([{"seq": 2, "published": published, "refused": refused}], {}) == (3, 500)


def test_the_bench_knows_the_stages_of_a_trace() -> None:
    """The bench reports every stage of a trace, in the same order."""
    assert get_args(StageName) == goal.STAGES


def test_the_stages_of_goals_have_medians() -> None:
    """A stage that some goals lack has the median of the others, and a stage that no goal has is left out."""
    goals = [{"accepted": 10, "receipt": 90}, {"accepted": 20}, {"accepted": 60, "receipt": 100}]
    assert list(goal.medians(goals).items()) == [("accepted", 20), ("receipt", 95)]


def test_a_stage_of_several_batches_has_one_time() -> None:
    """The first batch counts for a stage before the first frame, the last batch for a stage after the last frame."""
    stages = [{"stage": stage, "at": at} for stage in ("first_post", "last_post") for at in (130, 150, 140)]
    assert goal.after(stages, 100) == {"first_post": 30, "last_post": 50}


def test_the_calls_in_a_row_are_counted_in_a_running_system(limited: System) -> None:
    """A proxy that is put before the services of a running system counts a goal's calls, from the API's to the POST."""
    with behind_a_proxy(limited) as proxy:
        found = steps_of_a_goal(limited, proxy, "bench-calls")
    assert (found[0].function, found[-1].operations) == ("api", ("Post",))
    assert {each.function for each in found} == {"api", "fanout", "state machine", "sender"}


async def test_a_goal_behind_a_burst_is_measured_until_its_viewer_has_it(limited: System, target: Target) -> None:
    """The burst bench numbers every event of the burst and the goals, and gives the figures of the goal."""
    figures = (await burst.run(target, limited.resolve("stream"), lambda _: None, events=120, runs=1)).figures
    assert figures["events"] == 120
    assert figures["other_goal_ms"] >= figures["other_goal_numbered_ms"] > 0
    assert min(figures["goal_alone_ms"], figures["numbering_ms"]) > 0
    assert target.ledger().state(burst.BURST).newest_seq == 121


async def test_the_budget_is_kept_and_nobody_is_missed(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cases of the budget bench tell every viewer, close slow viewers, and give all figures."""
    monkeypatch.setattr(fairness, "KICK_OFFS", 6)
    figures = (await budget.run(target, lambda _: None, viewers=40, runs=1)).figures
    assert (figures["missed"], figures["slow_closed_share"]) == (0, 1.0)
    wanted = {"ideal_s", "last_viewer_s", "ratio", "throttled_share", "posts_saved", "two_goals_rounds",
              "two_matches_ratio", "slow_ratio", "crowd_ratio"}  # fmt: skip
    assert wanted <= set(figures)


def test_both_contenders_find_the_same_rows(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page bench compares like with like: each contender must return every row of the page."""
    monkeypatch.setattr(page, "ROWS", 300)
    monkeypatch.setattr(page, "RUNS", 1)
    result = page.run(target, lambda _: None)
    assert {(row["name"], row["transport"]) for row in result.rows} == {
        (name, what) for name in ("ours", "boto3") for what in ("decode", "query")
    }
    assert set(result.ratios) == {"boto3_decode", "boto3_query"}


def test_exactly_the_gone_are_pruned(target: Target) -> None:
    """The million bench sends to every row, and counts no wrongly pruned row."""
    if programs.lacking("nginx"):
        pytest.skip("nginx is missing")
    result = million.run(target, lambda _: None, sizes=(2_000,))
    [row] = result.rows
    assert (row["accepted"], row["pruned"], row["pruned_wrong"]) == (1_980, 20, 0)


def test_every_post_becomes_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench of the stand-in counts frames that have arrived, not answers."""
    monkeypatch.setattr(standin_posts, "SECONDS", 0.2)
    result = standin_posts.run(lambda _: None, sockets=20, runs=1)
    assert result.figures["undelivered"] == 0
    assert result.rows[0]["per_second"] > 0


def test_all_senders_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our gateway, aioboto3, boto3 and wrk are measured over both transports."""
    if programs.lacking("nginx", "wrk"):
        pytest.skip("nginx or wrk is missing")
    monkeypatch.setattr(send, "SECONDS", 1)
    result = send.run(lambda _: None, runs=1)
    assert {(row["name"], row["transport"]) for row in result.rows} == {
        (name, transport) for name in ("ours", "aioboto3", "boto3", "wrk") for transport in ("http", "tls")
    }
    assert {"aioboto3_http", "wrk_http", "aioboto3_tls", "wrk_tls"} <= set(result.ratios)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], f"not one of {', '.join(NAMES)}"),
        (["page", "--json", "/nonexistent/page.json"], "is in no folder that exists"),
        (["page", "--json", "/"], "cannot be written"),
        (["page", "--plot", "page.txt"], "neither in .svg nor in .png"),
        (["web", "--viewers", "1"], "has its own number of viewers"),
        (["page", "--viewers", "1"], "has its own number of viewers"),
        (["all", "--plot", "/nonexistent"], "is no folder that exists"),
    ],
)
def test_bad_input_is_a_sentence(arguments: list[str], sentence: str) -> None:
    """A wrong name or folder is reported before anything is measured."""
    ran = subprocess.run([LIVESCORE, "bench", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert sentence in " ".join(ran.stderr.replace("│", " ").split())
