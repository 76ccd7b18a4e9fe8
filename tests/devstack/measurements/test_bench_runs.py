"""The benches that need a stack, with few viewers: they measure the right things. `make bench` gives the figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.operator.local_tokens import tokens_of
from devstack.stack.ministack import free_port
from devstack.stack.whole_stack import running
from loadtest.bench import NAMES, budget, fairness, goal, million, page, programs, send, standin_posts
from loadtest.bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVESCORE = str(Path(sys.executable).parent / "livescore")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """A stack with the settings of the budget bench, and the stand-in."""
    with running(free_port(), budget.SETTINGS, gateway="standin") as (system, _):
        environment = {**system.environment("sender"), **system.credentials()}
        yield Target(system.api_url, system.websocket_url, environment, tokens_of(system))


async def test_a_goal_is_seen_by_everybody(target: Target) -> None:
    """The goal bench counts every viewer, no viewer misses an event, and its senders' signatures are right."""
    figures = (await goal.run(target, lambda _: None, viewers=30, goals=2)).figures
    assert (figures["viewers"], figures["goals"], figures["missed"]) == (30, 2, 0)
    assert set(figures["last_viewer_ms"]) == {"p50", "p95", "max"}


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
        (["all", "--plot", "/nonexistent"], "is no folder that exists"),
    ],
)
def test_bad_input_is_a_sentence(arguments: list[str], sentence: str) -> None:
    """A wrong name or folder is reported before anything is measured."""
    ran = subprocess.run([LIVESCORE, "bench", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert sentence in " ".join(ran.stderr.replace("│", " ").split())
