"""No option of simulate and plan is ignored: beside each mode it changes the answer, or a sentence refuses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from commands.cli import app
from commands.plan_match import plan
from commands.simulate import simulate
from forecast.asking import transports

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = CliRunner()

MODES = {
    "senders": ("--viewers", "9000", "--goals", "1", "--jitter", "5", "--errors", "0.02", "--cells", "2"),
    "service": ("--transport", "iot-core", "--viewers", "100000"),
    "kick-off": ("--storm", "kick-off", "--viewers", "20000"),
    "reconnect": ("--storm", "reconnect", "--viewers", "20000"),
    "storm on a service": ("--storm", "reconnect", "--viewers", "20000", "--transport", "appsync-events"),
}
ALONE = {
    "as-bench": (("--as-bench", "budget"), {"as_bench", "as_json"}),
    "against-plan": (("--against-plan",), {"against_plan", "seed", "as_json"}),
}
"""Modes that take minutes, and the options that they take: here only their refusals are tried."""

SIMULATE = {
    "viewers": "8000", "goals": "3", "gap": "1", "matches": "2", "cells": "3", "send_rate": "2000",
    "sender_rate": "7500", "account_rate": "1000", "latency": "80", "jitter": "20", "gone": "0.1", "slow": "0.1",
    "errors": "0.1", "lost": "0.1", "down_cell": "1", "down_from": "0.5", "down_for": "30", "down_posts_only": None,
    "seed": "7", "transport": "momento", "storm": "reconnect", "spread": "3", "as_bench": "budget",
    "against_plan": None, "quota": "iot_outbound=1000", "drop_after": "1", "as_json": None,
}  # fmt: skip
"""By parameter: a value that differs from the default, and from those of the modes; None: a flag."""

BESIDE = {
    ("senders", "gap"): ("--goals", "2"), ("senders", "down_from"): ("--down-cell", "0"),
    ("senders", "down_for"): ("--down-cell", "0"), ("senders", "down_posts_only"): ("--down-cell", "0"),
    ("service", "seed"): ("--drop-after", "2"),
    ("service", "drop_after"): ("--gap", "2"),
}  # fmt: skip
"""Options without which a parameter has nothing to change."""

OTHERS = {
    ("kick-off", "quota"): "connections=100", ("reconnect", "quota"): "connections=100",
    ("storm on a service", "quota"): "appsync_connects=9", ("reconnect", "storm"): "kick-off",
    ("storm on a service", "storm"): "kick-off",
}  # fmt: skip
"""Values that mean something in one mode, or differ from its own."""

PLAN = {
    "viewers": "70000", "events": "9", "hours": "3", "matches": "3", "cells": "2", "region": "eu-south-1",
    "transport": "momento", "within": "0.5", "page": "none", "keepalives": "--keepalives-billed",
    "momento_price": "1", "as_json": None,
}  # fmt: skip


def parameters(function: Callable[..., None]) -> list[str]:
    """The parameters of a command, as Typer knows them."""
    program = typer.Typer(add_completion=False)
    program.command()(function)
    return [each.name for each in typer.main.get_command(program).params if each.name not in ("help", None)]


def option(name: str, value: str | None) -> list[str]:
    """The option of a parameter, with its value."""
    if value is not None and value.startswith("--"):
        return [value]
    text = "--json" if name == "as_json" else f"--{name.replace('_', '-')}"
    return [text] if value is None else [text, value]


def answer(*arguments: str) -> dict[str, Any] | str:
    """The figures, or the sentence of a refusal."""
    result = RUN.invoke(app, list(arguments))
    if result.exit_code == 2:
        return " ".join((result.stdout + result.stderr).split())
    found: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in found.items() if name not in ("wall_s", "rss_mb")}


def test_every_option_is_tried() -> None:
    """A new option of either command needs a value here."""
    assert sorted(parameters(simulate)) == sorted(SIMULATE)
    assert sorted(parameters(plan)) == sorted([*PLAN, "quota", "plot"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [each for each in SIMULATE if each != "as_json"])
def test_simulate_ignores_no_option(mode: str, name: str) -> None:
    """Beside each mode an option changes the figures, or one sentence names it."""
    base = ("simulate", *MODES[mode], *BESIDE.get((mode, name), ()), "--json")
    given = option(name, OTHERS.get((mode, name), SIMULATE[name]))
    found = answer(*base, *given)
    if isinstance(found, str):
        assert given[0] in found
    else:
        assert found != answer(*base)


@pytest.mark.parametrize("mode", ALONE)
@pytest.mark.parametrize("name", SIMULATE)
def test_a_comparison_refuses_what_it_does_not_take(mode: str, name: str) -> None:
    """A run that takes minutes refuses the options of other modes before it begins."""
    base, takes = ALONE[mode]
    if name not in takes:
        given = option(name, SIMULATE[name])
        found = answer("simulate", *base, *given)
        assert isinstance(found, str)
        assert given[0] in found


def test_a_default_that_is_named_is_an_option_too() -> None:
    """An option that is given with its default value is refused as well: the caller thinks that it does something."""
    assert "only, not --goals." in answer("simulate", "--storm", "reconnect", "--goals", "2")
    assert "--down-cell says which cell is down; --down-for needs it." in answer("simulate", "--down-for", "60")


@pytest.mark.parametrize("transport", ["all", *transports()])
@pytest.mark.parametrize("name", [each for each in PLAN if each not in ("as_json", "transport")])
def test_plan_ignores_no_option(transport: str, name: str) -> None:
    """For each transport an option changes the answer, or one sentence names it."""
    base = ("plan", "--viewers", "100000", "--transport", transport, "--json")
    given = option(name, PLAN[name])
    found = answer(*base, *given)
    if isinstance(found, str):
        assert given[0] in found
    else:
        assert found != answer(*base)
