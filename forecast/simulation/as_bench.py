"""The cases of ``bench budget``, simulated, beside what the bench measured on this machine.

The machine's own times come from a goal that warms up and that no case counts: the first viewer's time gives the way to
the senders. Everything else of the machine is constant here: MiniStack's calls and pages, and the stand-in's answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from forecast.latencies import Latencies
from forecast.simulation.scenario import Gateway, Goal, Scenario
from forecast.simulation.simulator import simulate
from loadtest.bench.budget import GAP_SECONDS, SENDERS
from loadtest.bench.fairness import FEW_VIEWERS, KICK_OFFS, SLOW_SHARE
from loadtest.bench.rate_limited_matches import BURST, LATENCY_MS, RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.simulation.outcome import Outcome

MOST_SECONDS, MOST_POSTS = 0.05, 0.03
"""The most by which a simulated case may differ from the measured one, as shares."""

CALL_S, STREAM_S, INVOKE_S, OPEN_S = 0.006, 0.006, 0.015, 0.002
"""MiniStack's calls, its event source, a warm function, and a connection on loopback."""

PAGE_S = 1.0
"""A page of 16,384 rows: MiniStack reads 60,000 rows a second, for four senders at once."""

REST_S = 30.0
"""Seconds between two goals that have nothing to do with each other."""


def on_this_machine(first_viewer_s: float, viewers: int) -> Latencies:
    """The latencies of this machine, by the time of the first viewer of a goal that warmed up."""
    page_rows = min(viewers / SENDERS / 4, 16_384)
    rest = 7 * CALL_S + STREAM_S + INVOKE_S + page_rows / 16_384 * PAGE_S
    return Latencies(
        call_s=CALL_S,
        stream_s=STREAM_S,
        start_s=max(0.0, first_viewer_s - rest),
        invoke_s=INVOKE_S,
        open_s=OPEN_S,
        post_s=LATENCY_MS / 1000,
        page_s=PAGE_S,
    )


def cases(viewers: int, latencies: Latencies) -> dict[str, Scenario]:
    """The scenario of each case, by its name in the bench's result."""
    half = viewers // 2
    base = Scenario(
        viewers=(viewers,),
        goals=(Goal(0.0),),
        send_rate=RATE,
        sender_rate=RATE // SENDERS,
        gateway=Gateway(rate=RATE, burst=BURST, latency_s=LATENCY_MS / 1000, delivered=0.0),
        latencies=latencies,
        expected=(None,),
    )
    warm = replace(base, goals=(Goal(0.0), Goal(REST_S)))
    return {
        "one goal": warm,
        "two goals a second apart": replace(base, goals=(Goal(0.0), Goal(REST_S), Goal(REST_S + GAP_SECONDS))),
        "two matches at once": replace(
            base, viewers=(half, half), expected=(None, None),
            goals=(Goal(0.0), Goal(0.0, 1), Goal(REST_S), Goal(REST_S, 1)),
        ),
        "a tenth of the viewers never reads": replace(base, gateway=replace(base.gateway, slow=SLOW_SHARE)),
        "sixty matches at once": replace(
            base,
            viewers=(viewers, *[FEW_VIEWERS] * (KICK_OFFS - 1)),
            expected=(None,) * KICK_OFFS,
            goals=tuple(Goal(0.0, number) for number in range(KICK_OFFS)),
        ),
    }  # fmt: skip


def figures(name: str, outcome: Outcome, alone: Outcome) -> dict[str, Any]:
    """The last viewer's seconds and the POSTs of a case, as the bench counts them; ``alone``: the case of one goal."""
    goals, posts = outcome.goals, outcome.posts
    if name == "one goal":
        return {"last_viewer_s": goals[1].last_s, "posts": posts // 2}
    if name == "two goals a second apart":
        return {"last_viewer_s": round(goals[2].last_s + GAP_SECONDS, 3), "posts": posts - alone.posts // 2}
    if name == "two matches at once":
        return {"last_viewer_s": max(goals[1].last_s, goals[3].last_s), "posts": posts // 2}
    if name == "sixty matches at once":
        return {"last_viewer_s": goals[0].last_s, "posts": posts}
    return {"last_viewer_s": goals[0].last_s, "posts": posts}


def compare(measured: Sequence[dict[str, Any]], first_viewer_s: float, viewers: int) -> list[dict[str, Any]]:
    """Each measured case beside its simulation, with the differences as shares."""
    scenarios = cases(viewers, on_this_machine(first_viewer_s, viewers))
    alone = simulate(scenarios["one goal"])
    found = []
    for case in measured:
        name = case["name"]
        outcome = alone if name == "one goal" else simulate(scenarios[name])
        simulated = figures(name, outcome, alone)
        real = {key: case[key] for key in ("last_viewer_s", "posts")}
        differs = {key: round(simulated[key] / real[key] - 1, 4) for key in real}
        found.append({"name": name, "measured": real, "simulated": simulated, "differs": differs})
    return found


def agrees(case: dict[str, Any]) -> bool:
    """Whether a case differs by no more than 5 % in seconds and 3 % in POSTs."""
    differs = case["differs"]
    return bool(abs(differs["last_viewer_s"]) <= MOST_SECONDS and abs(differs["posts"]) <= MOST_POSTS)
