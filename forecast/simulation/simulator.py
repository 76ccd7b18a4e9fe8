"""Plays one scenario in virtual time: our own senders against modelled services."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from broadcaster.control.payload import CarriedEvent
from devstack.system import System
from forecast.simulation.modelled_cell import ModelledCell
from forecast.simulation.modelled_home import ModelledHome
from forecast.simulation.modelled_tables import Home
from forecast.simulation.outcome import CellOutcome, Outcome, goal_times
from forecast.simulation.repairs import Repairs
from forecast.simulation.virtual_loop import VirtualLoop, run
from matches.match_state import MatchState
from matches.scoreboard import Board

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.simulation.scenario import Goal, Scenario

LONGEST_SECONDS = 24 * 3600.0
"""Virtual seconds after which a simulation ends in any case."""

REPAIR_SECONDS = 600.0
"""Virtual seconds after the last broadcast in which viewers may still find what they lost."""

LOGGERS = ("sender", "rows", "cells", "watchdog")
"""The loggers of our code that a simulation silences."""

GRIDS = ((100_000, 0.001), (1_000_000, 0.005), (10_000_000, 0.01))
"""Up to so many viewers: the seconds of the clock's grid; 0.02 for more."""


def grid_for(viewers: int) -> float:
    """The seconds of the clock's grid for an audience."""
    return next((grid for most, grid in GRIDS if viewers <= most), 0.02)


def simulate(scenario: Scenario) -> Outcome:
    """Play a scenario of API Gateway. The same scenario gives the same outcome each time."""
    random.seed(scenario.seed)
    loop = VirtualLoop(grid_for(sum(scenario.viewers)))
    world = _World(scenario, loop)
    with _quiet():
        asyncio.set_event_loop(loop)
        try:
            return run(world.play(), loop)  # type: ignore[no-any-return]
        finally:
            asyncio.set_event_loop(None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the logs of senders, and without a garbage collector that looks at every row again and again."""
    loggers = [(logging.getLogger(name), logging.getLogger(name).level) for name in LOGGERS]
    before = gc.get_threshold()
    for logger, _ in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        for logger, level in loggers:
            logger.setLevel(level)


class _World:
    """Home and the cells."""

    def __init__(self, scenario: Scenario, loop: VirtualLoop) -> None:
        self._scenario = scenario
        self._loop = loop
        self._home = Home()
        self._names = [f"match{number}" for number in range(len(scenario.viewers))]
        self._posted: dict[tuple[str, int], float] = {}
        chance = random.Random(scenario.seed)
        self._repairs = Repairs(self._home, loop, chance)
        self._cells = [
            ModelledCell(f"cell{number}", scenario, self._home, self._repairs) for number in range(scenario.cells)
        ]
        self._functions = ModelledHome(
            self._home,
            self._repairs,
            self._cells,
            watchdog_s=int(System(1).raw["settings"]["watchdog_seconds"]["default"]),
            invoke_s=scenario.latencies.invoke_s,
        )
        self._fanout = {name: asyncio.Lock() for name in self._names}
        """The records of one match are handled one after the other."""
        expected = scenario.expected or scenario.viewers
        first = 0
        for name, viewers, audience in zip(self._names, scenario.viewers, expected, strict=True):
            self._home.states[name] = MatchState(
                name, "e", 0, Board(), "A", "B", None, "2025-12-18T15:00:00Z", audience, 0
            )
            self._home.events[name], self._home.numbered[name] = [], []
            self._home.history[name] = [self._home.states[name]]
            for number, cell in enumerate(self._cells):
                count = viewers * (number + 1) // len(self._cells) - viewers * number // len(self._cells)
                cell.admit(name, count, first)
                first += count

    async def play(self) -> Outcome:
        """Post the goals, and wait until every broadcast has ended."""
        scenario, loop = self._scenario, self._loop
        if scenario.down_cell is not None:
            down = self._cells[scenario.down_cell]
            loop.call_at(scenario.down_from_s, setattr, down.gateway, "down_until", scenario.down_until_s)
            if not scenario.down_for_posts_only:
                loop.call_at(scenario.down_from_s, setattr, down, "unreached_until", scenario.down_until_s)
        posts = [loop.create_task(self._post(goal)) for goal in scenario.goals]
        await asyncio.gather(*posts)
        while any(not self._has_ended(cell) for cell in self._cells):
            if loop.time() > LONGEST_SECONDS:
                break
            await asyncio.sleep(0.25)
        until = loop.time() + REPAIR_SECONDS
        while self._repairs.behind and loop.time() < until:
            await asyncio.sleep(1.0)
        await self._repairs.close()
        return self._outcome()

    def _has_ended(self, cell: ModelledCell) -> bool:
        return not any(self._goes_on(cell, name) for name in self._names)

    def _goes_on(self, cell: ModelledCell, match: str) -> bool:
        """Whether a broadcast of the match is running, or may begin again."""
        state = cell.tables.state(match)
        if state.ended_seq >= self._home.states[match].newest_seq:
            return False
        return state.is_running(self._loop.date()) or self._functions.watches(match, cell.name)

    async def _post(self, goal: Goal) -> None:
        """An operator's POST, up to the start of the broadcasts (docs/architecture.md, "The calls in a row")."""
        loop, latencies, name = self._loop, self._scenario.latencies, self._names[goal.match]
        await asyncio.sleep(goal.at_s)
        posted = loop.time()
        await asyncio.sleep(2 * latencies.call_s + latencies.stream_s)
        async with self._fanout[name]:
            await asyncio.sleep(2 * latencies.call_s)
            carried = self._number(name)
            self._posted[name, carried.event["seq"]] = posted
            await asyncio.sleep(2 * latencies.call_s)
            if busy_s := self._functions.broadcast(self._home.states[name], (carried,)):
                await asyncio.sleep(busy_s)

    def _number(self, name: str) -> CarriedEvent:
        loop, state = self._loop, self._home.states[name]
        seq = state.newest_seq + 1
        home, away = state.board.score
        board = replace(state.board, status="first_half", score=(home + 1, away))
        event = {
            "seq": seq, "kind": "goal", "event_id": f"{name}-{seq}", "at": int(loop.date() * 1000), "team": "home",
            "score": [home + 1, away],
        }  # fmt: skip
        carried = CarriedEvent(event, state.newest_score_seq)  # type: ignore[arg-type]
        self._home.events[name].append(carried)
        self._home.states[name] = replace(state, newest_seq=seq, newest_score_seq=seq, board=board)
        self._home.history[name].append(self._home.states[name])
        self._home.numbered[name].append(loop.time())
        return carried

    def _outcome(self) -> Outcome:
        goals, missed = [], 0
        for number, name in enumerate(self._names):
            found = [cell.rows.viewers[name] for cell in self._cells]
            arrivals = [viewers.arrivals() for viewers in found]
            newest = self._home.states[name].newest_seq
            missed += sum(viewers.missed(newest) for viewers in found)
            for seq in range(1, newest + 1):
                times = goal_times(number, self._posted[name, seq], [each.get(seq) or {} for each in arrivals])  # type: ignore[misc]
                if times is not None:
                    goals.append(times)
        return Outcome(
            viewers=sum(self._scenario.viewers),
            goals=tuple(goals),
            missed=missed,
            virtual_s=self._loop.time(),
            lost=sum(cell.gateway.lost for cell in self._cells),
            reads_over_http=self._repairs.reads,
            asked_over_the_socket=self._repairs.syncs,
            given_up=self._functions.given_up,
            repair_s=sorted(self._repairs.took_s),
            cells=tuple(_counts(cell) for cell in self._cells),
        )


def _counts(cell: ModelledCell) -> CellOutcome:
    gateway, counted, tables = cell.gateway, cell.counted, cell.tables
    return CellOutcome(
        name=cell.name,
        posts=gateway.posts,
        accepted=gateway.accepted,
        throttled=gateway.throttled,
        gone=gateway.gone,
        errors=gateway.errors,
        refused_slow=gateway.refused_slow,
        closed=gateway.closed,
        gaps=sum(each.gaps for each in cell.rows.viewers.values()),
        executions=counted.executions,
        rounds=counted.rounds,
        invocations=counted.invocations,
        sender_s=round(counted.sender_s, 1),
        set_aside=counted.set_aside,
        restarts=counted.restarts,
        reads=tables.reads,
        writes=tables.writes,
        share_reads=tables.share_reads,
        shards=max((each.shards or 0 for each in tables.states.values()), default=0),
    )
