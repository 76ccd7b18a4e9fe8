"""Runs faults against a stack: several matches at once, each under one fault after another."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from broadcaster.control.cell_state import CellStates
from client.cell_address import API_GATEWAY, VERSION, read_cells
from client.http_reader import HttpReader
from devstack import signals
from devstack.operator.api_client import ApiError, Operator
from devstack.stack.provision import client
from devstack.stack.whole_stack import running
from devstack.stack_cells import REGION, StackCell
from devstack.system import ROOT
from matches.ledger import Ledger
from trials.faults.acts import act
from trials.faults.checks import ViewerComparison, ledger_trouble, receipt_trouble
from trials.faults.fault_report import Report, Score
from trials.faults.play import MOST_EVENTS, BroadcastingCell, FaultError, Play, World
from trials.faults.proxy import FaultProxy
from trials.faults.script import LAST
from trials.faults.set_aside_reader import SetAsideReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devstack.stack.whole_stack import Stack
    from devstack.system import System
    from trials.faults.crowd import Watcher
    from trials.faults.fault_kinds import Kind
    from trials.faults.rules import Armed

SETTINGS = {
    "watchdog_seconds": 3, "watchdog_visibility": 2, "lease_seconds": 45, "sender_timeout": 40, "fanout_timeout": 50,
}  # fmt: skip
"""Short waits, so that the watchdog acts after seconds. The lease must be longer than a sender's time-out."""

ONE_CELL = (StackCell(),)
CELLS = (*ONE_CELL, StackCell("events", REGION, "appsync-events"), StackCell("iot", REGION, "iot-core"))
"""The cells of the stack for broadcasting cells: MiniStack carries the frames of both services itself."""

FIRE_SECONDS = 30.0
MOST_POSTED = 6
"""The most events that are posted under a fault that does not take effect."""

PER_MATCH = 8
"""The number of faults for one match."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run: every kind ``rounds`` times, with ``lanes`` matches at once.

    Each match has ``told + quick`` viewers at the stand-in and ``on_ministack`` viewers at MiniStack.
    """

    kinds: Sequence[Kind]
    rounds: int = 1
    lanes: int = 3
    told: int = 4
    quick: int = 2
    on_ministack: int = 2
    seed: int = 0


@contextmanager
def faulty(
    port: int, say: Callable[[str], None], cells: Sequence[StackCell] = ONE_CELL
) -> Iterator[tuple[System, Stack, FaultProxy, str]]:
    """A stack whose functions call their services through a fault proxy. The last value is the folder of clocks."""
    with tempfile.TemporaryDirectory(prefix="livescore-clocks-") as clocks, FaultProxy() as proxy:

        def through(system: System) -> System:
            changed = proxy.before(system)
            clock = {"PYTHONPATH": str(ROOT / "trials/faults/clock"), "FAULTS_CLOCKS": clocks}
            return replace(changed, overrides={name: more | clock for name, more in changed.overrides.items()})

        with running(port, SETTINGS, say, gateway="standin", cells=cells, through=through) as (system, stack):
            proxy.session = stack.ministack.pid
            yield system, stack, proxy, clocks


def run(plan: Plan, port: int, say: Callable[[str], None]) -> Report:
    """Start a stack, run the plan, and end the stack. Raises the errors of ``running``.

    Kinds for broadcasting cells have a stack of their own, which has such cells beside the one with API Gateway.
    """
    report, begun = Report(plan.seed), time.monotonic()
    for cells, broadcasting in ((ONE_CELL, False), (CELLS, True)):
        if kinds := [each for each in plan.kinds if each.broadcasting is broadcasting]:
            # A viewer of a broadcasting cell calls Lambda twice before it watches, and MiniStack runs few calls at
            # once. One match at a time: a cell that is silent for two matches keeps the events of others waiting.
            fewer = {"lanes": 1, "told": 2, "quick": 1, "on_ministack": 1} if broadcasting else {}
            _run_on(cells, replace(plan, kinds=kinds, **fewer), port, say, report)
    report.seconds = time.monotonic() - begun
    return report


def _run_on(cells: Sequence[StackCell], plan: Plan, port: int, say: Callable[[str], None], report: Report) -> None:
    """Run the plan on a stack with these cells, and add the results to the report."""
    with faulty(port, say, cells) as (system, stack, proxy, clocks), Operator(system.api_url) as operator:

        async def whole() -> None:
            dynamodb = client(system, "dynamodb")
            queues = [system.resolve(f"queue.{name}") for name in ("set-aside", "set-aside-batches")]
            async with SetAsideReader(client(system, "sqs"), queues) as set_aside, HttpReader(system.api_url) as reader:
                world = World(
                    system=system,
                    ministack=stack.ministack,
                    proxy=proxy,
                    operator=operator,
                    reader=reader,
                    ledger=Ledger(system.name("matches"), dynamodb),
                    cell_states=CellStates(system.name("broadcasts"), dynamodb),
                    broadcasting=_broadcasting_cells(system, dynamodb),
                    set_aside=set_aside,
                    clocks=clocks,
                    one_at_a_time=asyncio.Lock(),
                )
                await Run(plan, world, stack, say, report).run()
            report.set_aside += [f"{each['kind']}: {each['reason']}"[:200] for each in set_aside.bodies]

        signals.run(whole())


def _broadcasting_cells(system: System, dynamodb: Any) -> dict[str, BroadcastingCell]:
    """The cells of the system whose service carries the frames to viewers itself, by name."""
    deployment = {"version": VERSION, "cells": {each.name: system.at(each.name).address() for each in system.cells}}
    return {
        name: BroadcastingCell(address, CellStates(system.at(name).name("broadcasts"), dynamodb))
        for name, address in read_cells(deployment).items()
        if address.transport != API_GATEWAY
    }


@dataclass(slots=True)
class Run:
    """One run of a plan in a world."""

    plan: Plan
    world: World
    stack: Stack
    say: Callable[[str], None]
    report: Report
    _done: int = 0
    _matches: int = 0

    async def run(self) -> None:
        """Play every match under its faults, ``lanes`` matches at once."""
        waiting = matches_of(self.plan)

        async def lane() -> None:
            while waiting:
                self.stack.check()
                self._matches += 1
                await self._match(f"faults-{self._matches:04d}", waiting.pop(0))

        async with asyncio.TaskGroup() as lanes:
            for _ in range(self.plan.lanes):
                lanes.create_task(lane())

    async def _match(self, match: str, kinds: list[Kind]) -> None:
        play = Play(self.world, match)
        try:
            await play.begin(self.plan.told, self.plan.quick, self.plan.on_ministack)
            if not kinds[0].opening:
                await self._clean(play, play.script.next())
            for kind in kinds:
                await self._inject(play, kind)
            await self._finish(play)
        except (FaultError, ApiError, TimeoutError) as error:
            self._trouble(match, str(error) or type(error).__name__)
            await self._tally(play)
        else:
            await self._tally(play)
        finally:
            self.world.proxy.book.disarm(match)
            await play.end()

    async def _inject(self, play: Play, kind: Kind) -> None:
        """One fault: arm it, post events, and check that it took effect and that every event still arrives."""
        book = self.world.proxy.book
        score = self.report.kinds.setdefault(kind.name, Score())
        begun = time.monotonic()
        try:
            armed = [book.arm(rule, play.match) for rule in kind.rules]
            async with act(kind.act)(play):
                posted = await self._post_until_fired(play, kind, armed)
            seq = await play.settled()
            await play.ended(seq)
            await play.reached(seq, _expected(play, kind))
            score.ms.append(int((time.monotonic() - begun) * 1000))
            repaired = sum(each.event_id in posted for watcher in play.watchers for each in watcher.repairs)
            score.injected += 1
            score.repaired += repaired
        except (FaultError, ApiError, TimeoutError) as error:
            self._trouble(f"{play.match} {kind.name}", str(error) or type(error).__name__)
        finally:
            book.disarm(play.match)
        # Followers of the score notice a frame that was lost at the next goal.
        await self._clean(play, play.script.goal() if kind.arrival == "repaired" else play.script.next())
        self._done += 1
        count = len(self.plan.kinds) * self.plan.rounds
        self.say(f"{self._done} of {count} faults: {kind.name} ({time.monotonic() - begun:.1f} s)")

    async def _post_until_fired(self, play: Play, kind: Kind, armed: list[Armed]) -> list[str]:
        """Post events until the fault has taken effect. Raises FaultError."""
        posted = await self._post(play, kind)
        while not await _fired(armed):
            # The calling process could not be found, so it was not killed. Try again with another event.
            if len(posted) >= MOST_POSTED:
                raise FaultError(_silent(armed))
            posted += await self._post(play, kind)
        return posted

    async def _post(self, play: Play, kind: Kind) -> list[str]:
        return [await play.post(play.script.next()) for _ in range(kind.events)]

    async def _clean(self, play: Play, event: dict[str, Any]) -> None:
        """Post an event without a fault: it reaches all viewers, and the receipts follow."""
        await play.post(event)
        seq = await play.settled()
        await play.reached(seq)
        await play.told(seq)

    async def _finish(self, play: Play) -> None:
        """Play to full time. First post an event that the rules of the game must refuse."""
        await play.post({"kind": "kick_off", "event_id": f"{play.match}-again"})
        for kind in LAST:
            await self._clean(play, play.script.phase(kind))

    async def _tally(self, play: Play) -> None:
        """Compare viewers, receipts and rows with the ledger."""
        match, ledger = play.match, self.world.ledger
        history = await asyncio.to_thread(ledger.history, match, 0, MOST_EVENTS)
        outcomes = {each: await asyncio.to_thread(ledger.outcome, match, each) for each in play.accepted}
        trouble = ledger_trouble(
            history, {each: outcome.status if outcome else None for each, outcome in outcomes.items()}
        )
        receipts = await asyncio.to_thread(ledger.receipts, match)
        for name, states in self.world.states.items():
            told = (await asyncio.to_thread(states.read, match)).told_seq
            of_cell = [each for each in receipts if each["cell"] == name]
            trouble += [f"{name}: {each}" for each in receipt_trouble(of_cell, told, slack=play.slack)]
        if (wrong := await play.pruned()) is not None:
            trouble.append(wrong)
        happened, scores = [(event["seq"], event["event_id"]) for event in history], await play.score_events()
        for watcher in (*play.watchers, *play.passing):
            shown = ViewerComparison.compare(watcher.seen, happened, scores if watcher.only else None)
            self.report.lost += shown.lost
            self.report.duplicated += shown.duplicated
            if shown.lost or shown.duplicated:
                trouble.append(f"a viewer lacks {shown.lost} events and has {shown.duplicated} too many")
            self.report.repairs_ms += [
                each.at - play.posted[each.event_id] for each in watcher.repairs if each.event_id in play.posted
            ]
        self.report.events += len(history)
        self.report.refused += sum(outcome is not None and outcome.status == "refused" for outcome in outcomes.values())
        self.report.reposted += play.reposted
        self.report.viewers += len(play.watchers) + len(play.passing)
        for each in trouble:
            self._trouble(match, each)

    def _trouble(self, where: str, what: str) -> None:
        self.report.trouble.append(f"{where}: {what}")
        self.say(f"{where}: {what}")


async def _fired(armed: list[Armed]) -> bool:
    """Whether every rule has hit a call within ``FIRE_SECONDS``."""
    until = time.monotonic() + FIRE_SECONDS
    while not all(each.fired for each in armed):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def _silent(armed: list[Armed]) -> str:
    """A sentence about a rule that hit no call. Such a fault proves nothing, so the run fails."""
    rule = next(each.rule for each in armed if not each.fired)
    return f"the fault did not happen: {rule.do.name} of {rule.function}'s {rule.operation}"


def _expected(play: Play, kind: Kind) -> list[Watcher]:
    """The viewers that must have the events before the run goes on: all viewers, or only the quick ones."""
    return [each for each in play.watchers if each.quick or kind.arrival == "told"]


def matches_of(plan: Plan) -> list[list[Kind]]:
    """The faults of each match, in an order that the seed determines. A kind for the opening of a match comes first."""
    chance = random.Random(plan.seed)
    matches: list[list[Kind]] = []
    for _ in range(plan.rounds):
        others = [kind for kind in plan.kinds if not kind.opening]
        openings = [[kind] for kind in plan.kinds if kind.opening]
        chance.shuffle(others)
        count = max(len(openings), -(-len(plan.kinds) // PER_MATCH), min(plan.lanes, len(plan.kinds)))
        played = openings + [[] for _ in range(count - len(openings))]
        for kind in others:
            min(played, key=len).append(kind)
        matches += [kinds for kinds in played if kinds]
    return matches
