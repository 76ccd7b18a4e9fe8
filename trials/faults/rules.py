"""Pure: the rules of faults: which calls of a function they hit, how, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devstack.stack.call_proxy import Call


class Do(Enum):
    """The effect of a rule on a call.

    - KILL_BEFORE, KILL_AFTER: the calling process gets SIGKILL before the call is passed on, or after that and
      before its answer.
    - REFUSE: answered with an error, not passed on.
    - RESET_BEFORE, RESET_AFTER: the TCP connection is reset before the call is passed on, or instead of its answer.
    - HANG: there is never an answer, as on a half-open connection.
    - SLOW: passed on after ``seconds``.
    - SWALLOW: answered as a success, and not passed on.
    - TWICE: passed on twice.
    - HOLD: answered as a success, and passed on after the next such call for the match, or after ``seconds`` if given.
    - UNPROCESSED: half of a BatchWriteItem is done, the rest comes back as UnprocessedItems.
    - STALE: an eventually consistent read gets an earlier answer; a consistent read is not changed.
    - GARBLE: passed on, and the answer is not HTTP.
    """

    KILL_BEFORE = auto()
    KILL_AFTER = auto()
    REFUSE = auto()
    RESET_BEFORE = auto()
    RESET_AFTER = auto()
    HANG = auto()
    SLOW = auto()
    SWALLOW = auto()
    TWICE = auto()
    HOLD = auto()
    UNPROCESSED = auto()
    STALE = auto()
    GARBLE = auto()


KILLS = frozenset({Do.KILL_BEFORE, Do.KILL_AFTER})


@dataclass(frozen=True, slots=True)
class Rule:
    """``do`` this to calls of ``operation`` by ``function`` whose body has every text of ``has``.

    The first ``skip`` calls pass, and the next ``times`` are hit. REFUSE answers ``error`` and ``status``. ``anyone``:
    hit calls of other matches too.
    """

    function: str
    operation: str
    do: Do
    has: tuple[str, ...] = ()
    skip: int = 0
    times: int = 1
    error: str = "InternalServerError"
    status: int = 500
    seconds: float = 0.0
    anyone: bool = False

    def matches(self, call: Call) -> bool:
        """Whether the rule matches the call."""
        return (
            call.function == self.function
            and call.operation == self.operation
            and all(each.encode() in call.body for each in self.has)
        )


@dataclass(slots=True)
class Armed:
    """A rule that waits for the calls of one match."""

    rule: Rule
    match: str
    seen: int = 0
    fired: int = 0

    def wants(self, call: Call) -> bool:
        """Whether the rule may hit this call."""
        return (
            self.fired < self.rule.times
            and self.rule.matches(call)
            and (self.rule.anyone or self.match.encode() in call.body)
        )

    def hit(self) -> bool:
        """Count a call that the rule may hit; returns whether it hits."""
        self.seen += 1
        if self.seen <= self.rule.skip:
            return False
        self.fired += 1
        return True


@dataclass(slots=True)
class Book:
    """The rules that are armed. Thread-safe."""

    _armed: list[Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, rule: Rule, match: str) -> Armed:
        """Apply the rule to the calls of a match from now on."""
        armed = Armed(rule, match)
        with self._lock:
            self._armed.append(armed)
        return armed

    def disarm(self, match: str) -> None:
        """Remove all rules of the match."""
        with self._lock:
            self._armed = [each for each in self._armed if each.match != match]

    def may_kill(self, call: Call) -> bool:
        """Whether a rule may kill the caller of this call."""
        with self._lock:
            return any(each.rule.do in KILLS and each.wants(call) for each in self._armed)

    def take(self, call: Call, *, killable: bool) -> Armed | None:
        """The armed rule that hits this call, if any. A process that is not ``killable`` is never killed."""
        with self._lock:
            for armed in self._armed:
                if armed.wants(call) and (killable or armed.rule.do not in KILLS) and armed.hit():
                    return armed
        return None
