"""Leads a run from phase to phase, collects the reports of all processes, and writes the result."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from loadtest.shapes import SHAPES, Phase, Plan
from loadtest.swarm_results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_SECONDS = 0.2
SAY_SECONDS = 1.0
PROGRESS = "· "
"""The prefix of lines for people."""


def plan_of(options: Any) -> Plan:
    """The plan for the options of the load test."""
    return Plan(SHAPES[options.shape], options.viewers, options.goals, options.join_rate)


def say(text: str) -> None:
    """Print a line for people; ``livescore loadtest`` shows it."""
    print(PROGRESS + text, flush=True)  # noqa: T201


class Director:
    """One run. ``send(message, data)`` reaches every process with viewers; call ``step`` until the run is ``over``."""

    def __init__(self, options: Any, send: Callable[[str, Any], None]) -> None:
        self._options = options
        self._send = send
        self.plan = plan_of(options)
        self.results = Results()
        self.phase: Phase = "joining"
        self._posted = 0
        self._seqs: dict[str, int] | None = None
        self._trouble: str | None = None
        self._cut = False
        self._begun = time.time()
        self._since = self._said_at = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.phase == "over"

    @property
    def crowd(self) -> tuple[int, float]:
        """The wanted number of viewers now, and the number that come or go each second until then."""
        return self.plan.crowd(self.phase, self._posted)

    def heard(self, posted: int, seqs: dict[str, int] | None) -> None:
        """Note the number of posted goals. ``seqs`` has each match's last event after all were numbered."""
        self._posted, self._seqs = posted, seqs

    def take(self, swarm: str, report: dict[str, Any]) -> None:
        """Add a report of a swarm. Reports after the end of the run are ignored: their viewers are leaving."""
        if not self.over:
            self.results.take(swarm, report)

    def give_up(self, why: str) -> None:
        """End the run early."""
        self._trouble = why
        self._enter("over")

    def step(self) -> None:
        """Go on to the next phase if its condition is met."""
        status, plan = self.results.status, self.plan
        late = plan.late(self.phase, time.monotonic() - self._since, self._options.pace)
        if late is not None:
            self.give_up(late)
        elif self.phase == "joining":
            wanted = plan.crowd("joining", 0)[0]
            self._say(f"{min(status.ready, wanted)} of {wanted} viewers are watching")
            if status.ready >= wanted:
                self._enter("playing", "play")
        elif self.phase == "playing":
            told = sum(self.results.goal_to_glass.values())
            self._say(f"{self._posted} of {plan.goals} goals posted, {told} deliveries, {status.watching} watching")
            if plan.cuts(self._posted) and not self._cut:
                self._cut = True
                self._send("cut", None)
            if self._seqs is not None:
                self._enter("settling", "settle", self._seqs)
        elif self.phase == "settling" and status.settled:
            back = f"; {status.away} are not back yet" if plan.shape.cut_after is not None else ""
            self._say(f"{status.missed} events are awaited by the {status.stayed} viewers that stay{back}")
            if status.missed == 0 and status.ready >= plan.viewers and status.away == 0:
                self._enter("over")

    def finish(self) -> int:
        """End the run, print and write the result; returns the exit status."""
        self.phase = "over"
        options = vars(self._options)
        names = ("shape", "viewers", "goals", "matches", "pace", "join_rate", "api", "websocket", "cell", "site")
        about = {
            **{name: options[name] for name in names},
            "begun": round(self._begun),
            "seconds": round(time.time() - self._begun),
            "trouble": self._trouble,
            "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
            "python": sys.version.split()[0],
        }
        result = self.results.to_dict(about, posted=self._posted, wanted=self.plan.goals)
        if options["results"]:
            Path(options["results"]).write_bytes(orjson.dumps(result))
        glass = ", ".join(f"{name} {ms}" for name, ms in result["goal_to_glass_ms"].items())
        say(f"goal to glass in ms: {glass}; missed: {result['missed']}")
        if self._trouble:
            say(f"The run was cut short: {self._trouble}.")
        if result["bottleneck"]:
            say(result["bottleneck"])
        return 0 if result["passed"] else 1

    def _enter(self, phase: Phase, message: str | None = None, data: Any = None) -> None:
        self.phase, self._since, self._said_at = phase, time.monotonic(), 0.0
        if message is not None:
            self._send(message, data)

    def _say(self, text: str) -> None:
        if time.monotonic() - self._said_at >= SAY_SECONDS:
            self._said_at = time.monotonic()
            say(text)
