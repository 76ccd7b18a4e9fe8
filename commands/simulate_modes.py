"""The ways in which ``livescore simulate`` runs, and the options that each takes. All others are refused beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commands.common import WrongOptionError
from devstack.stack_cells import API_GATEWAY

if TYPE_CHECKING:
    from collections.abc import Collection

KICK_OFF, RECONNECT = "kick-off", "reconnect"
STORMS = (KICK_OFF, RECONNECT)

OF_DOWN_CELL = ("down_from", "down_for", "down_posts_only")
"""Parameters that mean something beside ``down_cell`` only."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run. ``name`` begins the sentence of a refusal; ``takes``: the parameters of the command."""

    name: str
    takes: tuple[str, ...]


def mode_of(*, as_bench: str | None, against_plan: bool, storm: str | None, transport: str) -> Mode:
    """The mode that these options choose. Raises WrongOptionError for an unknown storm."""
    if as_bench is not None:
        return Mode("--as-bench", ("as_bench", "as_json"))
    if against_plan:
        return Mode("--against-plan", ("against_plan", "seed", "as_json"))
    if storm is not None:
        if storm not in STORMS:
            raise WrongOptionError(f"--storm is one of {', '.join(STORMS)}, not {storm}.")
        spread = ("spread",) if storm == KICK_OFF else ()
        return Mode(
            f"--storm {storm}",
            ("storm", "viewers", "matches", "cells", "transport", "quota", *spread, "seed", "as_json"),
        )
    goals = ("viewers", "goals", "gap", "matches", "cells", "transport", "seed", "as_json")
    if transport != API_GATEWAY:
        return Mode(f"--transport {transport}", (*goals, "quota", "drop_after"))
    senders = ("send_rate", "sender_rate", "account_rate", "latency", "jitter", "gone", "slow", "errors", "lost")
    return Mode("A simulation of senders", (*goals, *senders, *OF_DOWN_CELL, "down_cell"))


def check_given(mode: Mode, given: Collection[str]) -> None:
    """Raises WrongOptionError for options on the command line that the mode does not take; ``given``: parameters."""
    if wrong := [each for each in given if each not in mode.takes]:
        takes = ", ".join(map(_option, mode.takes))
        raise WrongOptionError(f"{mode.name} takes {takes} only, not {', '.join(map(_option, wrong))}.")
    if "down_cell" not in given and (late := [each for each in OF_DOWN_CELL if each in given]):
        raise WrongOptionError(f"--down-cell says which cell is down; {', '.join(map(_option, late))} needs it.")


def _option(parameter: str) -> str:
    return "--json" if parameter == "as_json" else f"--{parameter.replace('_', '-')}"
