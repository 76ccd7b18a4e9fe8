"""Whether the lease outlasts the tries of the state machine: nobody else may begin a broadcast that is still going on.

The check walks the definition from each renewal of the lease to the next one, or to the end. On its way every task
needs all its tries, and a task that renews the lease succeeds with its last one. The check counts the longest pauses,
CALL for each call and START for a function that begins. It does not count a function that hangs until its time-out, nor
a sender whose looks fail: what the lease has left at the end of a way is for them. All times are in seconds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.terraform.retries import paused, tries

if TYPE_CHECKING:
    from tests.terraform.applied import Applied

CALL = 0.25
"""For a call that fails. AWS refuses one within some tens of milliseconds; no document promises a time."""

START = 5
"""For the cold start of a function until its first write: more than ten times what `livescore bench cold` measures."""

LOOK = 2.5
"""For the last look of a sender before its lap ends: a pause of 0.25 s, and 2 s at most for home (sender_store.py)."""

REPORT = 1
"""For the progress row that a sender writes at its end."""

SENDER, RECEIPT = "${sender_function}", "${receipt_function}"


@dataclass(frozen=True)
class Way:
    """Tasks one after the other, none of which has renewed the lease."""

    seconds: float = 0.0
    tasks: tuple[str, ...] = ()

    def then(self, ways: list[Way]) -> list[Way]:
        """The ways that go on with one of these; this one alone if there are none."""
        return [Way(self.seconds + each.seconds, self.tasks + each.tasks) for each in ways or [Way()]]


class Walk:
    """The longest ways through a definition. The state machine's functions are named by their placeholders."""

    def __init__(self, machine: dict[str, Any]) -> None:
        self._start: str = machine["StartAt"]
        self.states: dict[str, dict[str, Any]] = {}
        self._outside: dict[str, str] = {}
        """The Map of each state that is in one."""
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

    def tried(self, name: str) -> Way:
        """All the tries of a task."""
        return Way(paused(self.states[name]) + tries(self.states[name]) * CALL, (name,))

    def through(self, name: str) -> list[Way]:
        """The ways from the beginning of a state to the next renewal of the lease, or to the end."""
        state = self.states[name]
        if state["Type"] == "Map":
            # At least one batch of a round is not done yet, and goes to the Default of the first state.
            first = state["ItemProcessor"]["StartAt"]
            return self.through(self.states[first].get("Default", first))
        if state["Type"] != "Task":
            return self.after(name)
        tried = self.tried(name)
        if self.renews(name):
            return [tried]
        if self.calls(name, SENDER) or self.calls(name, RECEIPT):
            # One that begins renews the lease or gives it back.
            return tried.then([Way(START)]) + tried.then(self.after_failure(name))
        if state["Resource"].endswith(":states:startExecution"):
            return tried.then(self.through(self._start))
        return tried.then(self.after(name) + self.after_failure(name))

    def after(self, name: str) -> list[Way]:
        """The ways on from a state that has succeeded."""
        state = self.states[name]
        following = [state[key] for key in ("Next", "Default") if key in state]
        following += [choice["Next"] for choice in state.get("Choices", [])]
        if not following and name in self._outside:
            return self.after(self._outside[name])
        return [way for each in following for way in self.through(each)]

    def after_failure(self, name: str) -> list[Way]:
        """The ways on from a state whose last try has failed."""
        return [way for each in self.states[name].get("Catch", []) for way in self.through(each["Next"])]


@dataclass(frozen=True)
class Longest:
    """The longest way after a renewal of the lease, and what that renewal leaves of the lease."""

    since: str
    way: Way
    left: float


def lease(applied: Applied) -> list[str]:
    """No way from one renewal of the lease to the next, or to the end, is longer than what the renewal leaves."""
    if not (longest := _longest(applied)):
        return ["senders do not renew the lease RENEW_SECONDS after its last renewal"]
    return [
        f"after {each.since} the tries of {', '.join(each.way.tasks)} may take {each.way.seconds} s, "
        f"and the lease lasts {each.left} s"
        for each in longest
        if each.way.seconds > each.left
    ]


def documented(applied: Applied) -> list[str]:
    """docs/reliability.md has a row for each of these ways."""
    text = (applied.root / "docs/reliability.md").read_text()
    rows = [f"| {', '.join(each.way.tasks)} | {each.way.seconds:g} | {each.left:g} |" for each in _longest(applied)]
    return [f"docs/reliability.md has no row that ends in {row}" for row in rows if row not in text]


def _longest(applied: Applied) -> list[Longest]:
    """One for each state that renews the lease; none if senders do not renew it as they did."""
    polls = (applied.root / "broadcaster/send/polls.py").read_text()
    carousel = (applied.root / "broadcaster/send/carousel.py").read_text()
    renewed, pruning = _constant(polls, "RENEW_SECONDS"), _constant(carousel, "PRUNE_SECONDS")
    if renewed is None or pruning is None or "lease_until - now < lease_seconds - RENEW_SECONDS" not in polls:
        return []
    taken: float = applied.system["settings"]["lease_seconds"]["default"]
    walk = Walk(json.loads(applied.definition))
    ways = []
    for name in walk.states:
        if walk.renews(name):
            # The end of the lease may be computed once, before the first try.
            ways.append((f"{name} has begun", taken, walk.tried(name).then(walk.after(name))))
        elif walk.calls(name, SENDER):
            last_look = Way(LOOK + pruning + REPORT)
            ways.append((f"the last look of {name}", taken - renewed, last_look.then(walk.after(name))))
        elif walk.calls(name, RECEIPT):
            ways.append((f"{name} has kept the lease", taken, walk.after(name)))
    return [Longest(since, max(each, key=lambda way: way.seconds), left) for since, left, each in ways]


def _constant(text: str, name: str) -> float | None:
    found = re.search(rf"^{name} = ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
