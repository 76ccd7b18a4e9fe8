"""Runs the benches of loadtest/bench, each with the stack that it needs."""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvloop

from client.cell_address import read_cells
from devstack import signals
from devstack.builds.lambda_zips import build
from devstack.measurements.path_calls import behind_a_proxy, steps_of_a_goal
from devstack.operator.local_tokens import tokens_of
from devstack.stack.ministack import StackError, free_port
from devstack.stack.site import serving
from devstack.stack.whole_stack import Routes, enough_files, running
from devstack.stack_cells import API_GATEWAY, StackCell
from devstack.transports.registry import TRANSPORTS, settings_for
from loadtest.bench import (
    budget,
    burst,
    cold,
    crowd_routes,
    goal,
    million,
    page,
    real_crowd,
    send,
    standin_posts,
    transports,
    web,
)
from loadtest.bench.functions import Functions, WrongAnswerError
from loadtest.bench.standin_client import StandinClient
from loadtest.bench.target import Target
from loadtest.crowd_needs import cells_for
from loadtest.load_limits import allow_all_sockets, allow_sockets
from loadtest.process_figures import of_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client.cell_address import CellAddress
    from devstack.stack.whole_stack import Stack
    from devstack.system import Gateway, System
    from loadtest.bench.bench_result import Result

    Say = Callable[[str], None]

SOCKETS = {
    "gateway": standin_posts.SOCKETS, "goal": goal.VIEWERS, "budget": budget.VIEWERS, "transports": transports.VIEWERS,
}  # fmt: skip
"""Name of a bench -> the number of its sockets, for benches with many viewers."""

UNBOUNDED = {"send_rate": 1_000_000, "sender_rate": 500_000}
"""Settings for two senders whose rate only the machine limits."""


def run(name: str, say: Say, viewers: int | None = None) -> Result:
    """Run a bench. Only ``goal``, ``transports`` and ``crowd`` take another number of viewers than usual.

    Raises KeyError for an unknown name, StackError if this machine does not allow its sockets.
    """
    enough_files()
    if name in SOCKETS and (refusal := allow_sockets(viewers or SOCKETS[name])) is not None:
        raise StackError(refusal)
    allow_all_sockets()
    if viewers and name in COUNTED:
        return COUNTED[name](say, viewers)
    return BENCHES[name](say)


@contextmanager
def _target(say: Say, settings: dict[str, int], gateway: Gateway = "ministack") -> Iterator[Target]:
    with running(free_port(), settings, say, gateway=gateway) as (system, _):
        yield target_of(system)


def target_of(system: System) -> Target:
    """A running system, as the target of a bench: home, and its first cell of API Gateway."""
    system = system.each_cell(API_GATEWAY)[0]
    environment = {**system.environment("sender"), **system.credentials()}
    return Target(system.api_url, system.websocket_url, environment, tokens_of(system))


def _page(say: Say) -> Result:
    with _target(say, {}) as target:
        return page.run(target, say)


def _million(say: Say) -> Result:
    with _target(say, {}) as target:
        return million.run(target, say)


def _goal(say: Say, viewers: int = goal.VIEWERS) -> Result:
    with running(free_port(), UNBOUNDED, say, gateway="standin") as (system, _):
        target = target_of(system)
        StandinClient(target.websocket_url).limit(account_rate=1e6, account_burst=1e6, connects_per_second=1e6)
        result = signals.run(goal.run(target, say, viewers), uvloop.new_event_loop)
        say("goal: counting the calls in a row")
        with behind_a_proxy(system) as proxy:
            result.figures["calls_in_a_row"] = len(steps_of_a_goal(system, proxy, "bench-goal-calls"))
    return result


def _transports(say: Say, viewers: int = transports.VIEWERS) -> Result:
    """A stack with a cell of each transport that devstack can run, each named after its transport."""
    cells = [StackCell(name, transport=name) for name in TRANSPORTS]
    with running(free_port(), settings_for(cells, viewers), say, cells=cells) as (system, _):
        return signals.run(transports.run(target_of(system), addresses(system), say, viewers), uvloop.new_event_loop)


def _crowd(say: Say, viewers: int = real_crowd.VIEWERS) -> Result:
    number = cells_for(viewers)
    if (refusal := real_crowd.refusal(viewers, number)) is not None:
        raise StackError(refusal)
    routes = Routes(f"{crowd_routes.__name__}.handler", crowd_routes.THREADS, throttled=False)
    cells = [StackCell(), *(StackCell(f"crowd-{each}") for each in range(2, number + 1))]
    with running(free_port(), UNBOUNDED, say, gateway="standin", routes=routes, cells=cells) as (system, stack):
        found = crowd_cells(system, stack)
        return signals.run(real_crowd.run(target_of(system), found, say, viewers), uvloop.new_event_loop)


def crowd_cells(system: System, stack: Stack) -> list[real_crowd.CrowdCell]:
    """The cells of a running system as the bench of the crowd needs them; their stand-ins have no limit of a rate."""
    stand_ins = {each.port: each.pid for each in (stack.standin, *stack.stand_ins) if each is not None}
    found = []
    for at in system.each_cell(API_GATEWAY):
        url = at.websocket_url
        StandinClient(url).limit(account_rate=1e6, account_burst=1e6, connects_per_second=1e6)
        senders = partial(of_function, stack.ministack.pid, at.name("sender"))
        found.append(real_crowd.CrowdCell(url, stand_ins[urlsplit(url).port or 0], senders))
    return found


def addresses(system: System) -> dict[str, CellAddress]:
    """The address of each cell of a running system, by its name."""
    described = {each.cell.name: each.address() for each in system.each_cell() if each.cell}
    return read_cells({"version": 1, "cells": described})


def _burst(say: Say) -> Result:
    with running(free_port(), {}, say, gateway="standin") as (system, _):
        return signals.run(burst.run(target_of(system), system.resolve("stream"), say), uvloop.new_event_loop)


def _budget(say: Say) -> Result:
    with _target(say, budget.SETTINGS, "standin") as target:
        return signals.run(budget.run(target, say), uvloop.new_event_loop)


def _cold(say: Say) -> Result:
    with running(free_port(), {}, say) as (system, stack), functions_of(system) as functions:
        try:
            return cold.run(target_of(system), functions, tokens_of(system, "viewer"), say)
        except WrongAnswerError as error:
            raise StackError(f"{error} MiniStack's log is {stack.ministack.log}") from error


def _web(say: Say) -> Result:
    with (
        running(free_port(), {}, say, gateway="standin") as (system, _),
        serving(system, free_port()) as site,
    ):
        return signals.run(web.run(target_of(system), site, say), uvloop.new_event_loop)


@contextmanager
def functions_of(system: System) -> Iterator[Functions]:
    """The functions of a running system. Their zip stays unpacked in a temporary folder during the block."""
    described = system.raw["functions"]
    with tempfile.TemporaryDirectory(prefix="livescore-functions-") as folder:
        with zipfile.ZipFile(build()) as archive:
            archive.extractall(folder)
        yield Functions(
            Path(folder),
            {name: about["handler"] for name, about in described.items()},
            {name: {**system.environment(name), **system.credentials()} for name in described},
        )


BENCHES: dict[str, Callable[[Say], Result]] = {
    "send": send.run, "page": _page, "million": _million, "gateway": standin_posts.run, "goal": _goal,
    "burst": _burst, "budget": _budget, "cold": _cold, "web": _web, "transports": _transports,
    "crowd": _crowd,
}  # fmt: skip

COUNTED: dict[str, Callable[[Say, int], Result]] = {"goal": _goal, "transports": _transports, "crowd": _crowd}
"""The benches that take a number of viewers."""
