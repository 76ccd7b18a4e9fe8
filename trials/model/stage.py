"""The stage of the model: its actors, whose turn it is, and its time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from trials.model.actors import CURRENT, Actor, Routine, Turn
from trials.model.virtual_time import BEGIN, Clock, Loop

if TYPE_CHECKING:
    from collections.abc import Callable


class Stage:
    """All actors, and a clock that stands still between turns."""

    def __init__(self) -> None:
        self.root = getcurrent()
        self.loop = Loop(self._in_flight)
        self.loop.set_exception_handler(lambda *_: None)
        self.clock = Clock(self.loop, BEGIN, lambda: actor.skew if (actor := CURRENT.get()) is not None else 0.0)
        self.skew = 0.0
        """The skew of functions and executions that begin from now on, in seconds."""
        self.actors: list[Actor] = []
        self.after_turn: list[Callable[[], None]] = []
        """The work that an actor's turn has left for the model's own greenlet."""
        self.effects = 0
        self.faults = 0
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """The next number for a name."""
        return next(self._numbers)

    def routine(self, name: str, work: Callable[[], Any], *, skew: float | None = None) -> Routine:
        """A new routine, which waits for its first turn."""
        routine = Routine(name, work, skew=self.skew if skew is None else skew, root=self.root)
        self.actors.append(routine)
        return routine

    def ready(self) -> list[Actor]:
        """The actors that wait before a side effect."""
        self.actors = [each for each in self.actors if not each.ended]
        return [each for each in self.actors if each.choices() and not each.hangs]

    def turn(self, actor: Actor, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """Give an actor a turn."""
        self.effects += 1
        self.faults += turn is not Turn.GO
        actor.step(choice, turn)
        while self.after_turn:
            self.after_turn.pop(0)()

    def in_loop(self, work: Callable[[], None]) -> None:
        """Do something on the event loop, and let its tasks run until they wait."""
        if self.loop.is_running():
            work()
        else:
            self.loop.call_soon(work)
            self.loop.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.advance(seconds)

    def rest(self, most: int = 3_000) -> bool:
        """Give turns until no actor has anything to do; returns whether that was reached."""
        for _ in range(most):
            ready = self.ready()
            if ready:
                self.turn(ready[0])
            elif self._waits_for_time():
                self.pass_time(self.loop.next_timer() or 0.0)
            else:
                return True
        return False

    def _waits_for_time(self) -> bool:
        """Whether somebody will go on when time passes."""
        raise NotImplementedError

    def _in_flight(self) -> bool:
        """Whether bytes are on their way between two sockets of the model."""
        raise NotImplementedError
