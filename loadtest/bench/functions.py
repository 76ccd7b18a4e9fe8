"""Starts a function in a new process that has only the code of its zip, and calls it once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.bench.programs import Cores, on_core
from runtime.errors import ProgramError

START_SECONDS = 60.0
STARTING = Path(__file__).with_name("starting.py")
INHERITED = ("PATH", "HOME", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Functions:
    """The unpacked code, and each function's handler and environment, with credentials."""

    code: Path
    handlers: dict[str, str]
    environments: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Started:
    """One start: the answer, the measurements, and the JSON lines of the log."""

    answer: Any
    figures: dict[str, float]
    log: list[dict[str, Any]]


class WrongAnswerError(ProgramError):
    """The first call of a function failed, so its time means nothing."""


def start(functions: Functions, name: str, event: dict[str, Any], **environment: str) -> Started:
    """Start a function on one core, call it with an event, and end it.

    Raises WrongAnswerError, with the end of its output, if it fails.
    """
    inherited = {each: os.environ[each] for each in INHERITED if each in os.environ}
    command = [sys.executable, "-I", "-S", str(STARTING), str(functions.code), functions.handlers[name]]
    with on_core(Cores.here().sender):
        done = subprocess.run(
            command, env={**inherited, **functions.environments[name], **environment}, input=json.dumps(event),
            text=True, capture_output=True, check=False, timeout=START_SECONDS,
        )  # fmt: skip
    if done.returncode:
        raise WrongAnswerError(f"the first call of {name} failed: {done.stderr.strip()[-600:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return Started(figures.pop("answer"), figures, lines)
