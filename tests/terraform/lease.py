"""The lease outlasts the tries of the state machine: no second execution begins a broadcast that is still going on.

The starter acquires the lease for a short time. If nothing goes wrong, that time lasts until a sender's first poll.
Lambda may keep all senders of a broadcast waiting for longer. They have sent nothing yet, so a newer event or the
watchdog's check may begin a second broadcast. Then the senders of the first one stop at their first poll. The first
poll of a sender that gets the lease makes the lease full. From then on the lease outlasts all tries.

The check follows the definition from each renewal of the lease to the next renewal, or to the end. On such a path every
task needs all its tries, and a task that renews the lease succeeds with its last try. The check adds up the longest
pauses, CALL for each call and START for a function that begins. It leaves out a function that hangs until its time-out,
and a sender whose polls fail: the rest of the lease is for them. All times are in seconds.
"""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.terraform.retries import paused, tries

if TYPE_CHECKING:
    from tests.terraform.applied import Applied

CALL = 0.25
"""A call that fails. AWS refuses a call within some tens of milliseconds; no document promises a time."""

START = 5
"""The cold start of a function until its first write: more than ten times what `livescore bench cold` measures."""

POLL = 2.5
"""The last poll of a sender before its lap ends: a pause of 0.25 s, and at most 2 s for home (sender_store.py)."""

REPORT = 1
"""The progress row that a sender writes at its end."""

SENDER, RECEIPT = "${sender_function}", "${receipt_function}"


@dataclass(frozen=True)
class Path:
    """Tasks one after the other, none of which has renewed the lease."""

    seconds: float = 0.0
    tasks: tuple[str, ...] = ()

    def followed_by(self, paths: list[Path]) -> list[Path]:
        """This path with each of the others behind it; this path alone if there are none."""
        return [Path(self.seconds + each.seconds, self.tasks + each.tasks) for each in paths or [Path()]]


class Paths:
    """The longest paths through a definition. The state machine's functions are named by their placeholders."""

    def __init__(self, machine: dict[str, Any]) -> None:
        self._start: str = machine["StartAt"]
        self.states: dict[str, dict[str, Any]] = {}
        self._outside: dict[str, str] = {}
        """By the name of a state in a Map: the Map."""
        self._read(machine)

    def _read(self, machine: dict[str, Any], outside: str | None = None) -> None:
        for name, state in machine["States"].items():
            self.states[name] = state
            if outside is not None:
                self._outside[name] = outside
            if "ItemProcessor" in state:
                self._read(state["ItemProcessor"], name)

    def renews(self, name: str) -> bool:
        """Whether a state sets the end of the lease."""
        return "lease_until = :until" in str(self.states[name].get("Arguments", {}).get("UpdateExpression"))

    def calls(self, name: str, function: str) -> bool:
        """Whether a state invokes a function."""
        return bool(self.states[name].get("Arguments", {}).get("FunctionName") == function)

    def all_tries(self, name: str) -> Path:
        """All the tries of a task."""
        return Path(paused(self.states[name]) + tries(self.states[name]) * CALL, (name,))

    def through(self, name: str, passed: frozenset[str] = frozenset()) -> list[Path]:
        """The paths from the beginning of a state to the next renewal of the lease, or to the end.

        A path ends before a task that it has ``passed``: a round comes to a second hand-over only if a sender has run,
        and a sender that runs renews the lease.
        """
        state = self.states[name]
        if state["Type"] == "Map":
            # At least one batch of a round is not done yet, and goes to the Default of the first state.
            first = state["ItemProcessor"]["StartAt"]
            return self.through(self.states[first].get("Default", first), passed)
        if state["Type"] != "Task":
            return self.after(name, passed)
        if name in passed:
            return []
        passed |= {name}
        path = self.all_tries(name)
        if self.renews(name):
            return [path]
        if self.calls(name, SENDER) or self.calls(name, RECEIPT):
            # A function that begins renews or releases the lease.
            return path.followed_by([Path(START)]) + path.followed_by(self.after_failure(name, passed))
        if state["Resource"].endswith(":states:startExecution"):
            return path.followed_by(self.through(self._start, passed))
        return path.followed_by(self.after(name, passed) + self.after_failure(name, passed))

    def after(self, name: str, passed: frozenset[str] = frozenset()) -> list[Path]:
        """The paths from a state that has succeeded."""
        state = self.states[name]
        following = [state[key] for key in ("Next", "Default") if key in state]
        following += [choice["Next"] for choice in state.get("Choices", [])]
        if not following and name in self._outside:
            return self.after(self._outside[name], passed)
        return [path for each in following for path in self.through(each, passed)]

    def after_failure(self, name: str, passed: frozenset[str]) -> list[Path]:
        """The paths from a state whose last try has failed."""
        return [path for each in self.states[name].get("Catch", []) for path in self.through(each["Next"], passed)]


@dataclass(frozen=True)
class Longest:
    """The longest path after a renewal of the lease."""

    since: str
    path: Path
    left: float
    """Seconds that the renewal leaves of the lease."""


def lease(applied: Applied) -> list[str]:
    """No path from one renewal of the lease to the next, or to the end, is longer than the rest of the lease."""
    if not (longest := _longest(applied)):
        return ["senders do not renew the lease RENEW_SECONDS after its last renewal"]
    return [
        f"after {each.since} the tries of {', '.join(each.path.tasks)} may take {each.path.seconds} s, "
        f"and the lease lasts {each.left} s"
        for each in longest
        if each.path.seconds > each.left
    ]


def starts_that_died(applied: Applied) -> list[str]:
    """The watchdog's first check finds the lease of a starter that died run out.

    The cell's row may be written so much later than the message as the other cells wait for one cell: a cell that is
    slower counts as silent, and gets another message.
    """
    calls = (applied.root / "runtime/cell_calls.py").read_text()
    waited = (_constant(calls, "PATIENCE_SECONDS") or 0) + (_constant(calls, "COLD_SECONDS") or 0)
    first_check = applied.system["settings"]["watchdog_seconds"]["default"]
    ends = waited + _start_seconds(applied)
    if ends < first_check:
        return []
    return [f"a starter's lease may end {ends} s after the watchdog's message, which is checked after {first_check} s"]


def documented(applied: Applied) -> list[str]:
    """docs/reliability.md has a row for each of these paths."""
    text = (applied.root / "docs/reliability.md").read_text()
    rows = [f"| {', '.join(each.path.tasks)} | {each.path.seconds:g} | {each.left:g} |" for each in _longest(applied)]
    return [f"docs/reliability.md has no row that ends in {row}" for row in rows if row not in text]


def _longest(applied: Applied) -> list[Longest]:
    """One for each state that renews the lease; none if senders do not renew it in time."""
    polls = (applied.root / "broadcaster/send/polls.py").read_text()
    carousel = (applied.root / "broadcaster/send/carousel.py").read_text()
    renewed, pruning = _constant(polls, "RENEW_SECONDS"), _constant(carousel, "PRUNE_SECONDS")
    if renewed is None or pruning is None or "lease_until - now < lease_seconds - RENEW_SECONDS" not in polls:
        return []
    whole: float = applied.system["settings"]["lease_seconds"]["default"]
    paths = Paths(json.loads(applied.definition))
    # The starter waits for the watchdog's message. Then it starts the execution, which invokes a sender.
    message = _constant((applied.root / "broadcaster/control/starter.py").read_text(), "MESSAGE_SECONDS") or 0
    first_poll = Path(message + 2 * CALL + START, ("StartExecution", "Send"))
    found = [("the starter's write", _start_seconds(applied), [first_poll])]
    for name in paths.states:
        if paths.renews(name):
            # The end of the lease may be computed once, before the first try.
            found.append((f"{name} has begun", whole, paths.all_tries(name).followed_by(paths.after(name))))
        elif paths.calls(name, SENDER):
            last_poll = Path(POLL + pruning + REPORT)
            found.append((f"the last poll of {name}", whole - renewed, last_poll.followed_by(paths.after(name))))
        elif paths.calls(name, RECEIPT):
            found.append((f"{name} has renewed the lease", whole, paths.after(name)))
    return [Longest(since, max(each, key=lambda path: path.seconds), left) for since, left, each in found]


def _start_seconds(applied: Applied) -> float:
    """The length of the lease as the starter acquires it."""
    names = runpy.run_path(str(applied.root / "broadcaster/control/lease.py"))
    seconds: float = names["start_seconds"](applied.system["settings"]["watchdog_seconds"]["default"])
    return seconds


def _constant(text: str, name: str) -> float | None:
    found = re.search(rf"^{name} = ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
