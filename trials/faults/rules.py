"""Pure: rules of faults. A rule defines which calls of a function are hit, how, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devstack.stack.call_proxy import Call


class Do(Enum):
    """The effect of a rule on a call.

    - KILL_BEFORE, KILL_AFTER: the calling process gets SIGKILL before the call is passed on, or after it was passed on
      and before its answer.
    - REFUSE: the call is answered with an error, and not passed on.
    - RESET_BEFORE, RESET_AFTER: the TCP connection is reset before the call is passed on, or instead of its answer.
    - HANG: the call is never answered, as on a half-open connection.
    - SLOW: the call is passed on after ``seconds``.
    - SWALLOW: the call is answered as a success, and not passed on.
    - TWICE: the call is passed on twice.
    - HOLD: the call is answered as a success, and passed on after the next such call for the match; with ``seconds``,
      after that time.
    - UNPROCESSED: half of a BatchWriteItem is passed on, the rest is returned as UnprocessedItems.
    - STALE: an eventually consistent read gets an older answer; a consistent read is passed on.
    - GARBLE: the call is passed on, and its answer is not HTTP.
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
    """A rule that does ``do`` to calls of ``operation`` by ``function`` whose body contains every text of ``has``.

    The first ``skip`` calls pass, and the next ``times`` calls are hit. REFUSE answers with ``error`` and ``status``.
    With ``anyone``, the rule also hits calls for other matches.
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
    """A rule that is armed for one match, with its counts of calls."""

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
    """All armed rules. Thread-safe."""

    _armed: list[Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, rule: Rule, match: str) -> Armed:
        """Apply the rule to the calls for a match from now on."""
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
