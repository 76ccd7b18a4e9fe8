"""The actors of the model: each runs the real code up to its next side effect, and waits there for its turn.

A side effect is a call of AWS or a POST to a viewer. In a turn the call succeeds or fails. Or it takes place twice
(botocore repeats a call whose answer is lost), or its last answer is lost too. Or the process dies before or after it.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from trials.model.virtual_time import Loop


class Turn(Enum):
    """The outcome of the side effect before which an actor waits."""

    GO = auto()
    FAIL = auto()
    TWICE = auto()
    ANSWER_LOST = auto()
    DIE_BEFORE = auto()
    DIE_AFTER = auto()


class Died(BaseException):
    """The process is dead."""


class Actor:
    """A process, an invocation or an execution, from its beginning to its end or its death."""

    def __init__(self, name: str, skew: float) -> None:
        self.name = name
        self.skew = skew
        """Seconds by which its clock is wrong."""
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self.effects = 0
        """Side effects so far."""
        self.hangs = False
        """Whether it gets no turn at present."""

    def choices(self) -> int:
        """The number of side effects before which it waits; 0 while it waits for other actors or for time."""
        raise NotImplementedError

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """Let one of them happen, and run to the next."""
        raise NotImplementedError

    def die(self) -> None:
        """End at once, before any side effect."""
        raise NotImplementedError


CURRENT: ContextVar[Actor | None] = ContextVar("actor", default=None)
"""The actor whose code is running; None for the model's own code."""


class Routine(Actor):
    """Code that waits only for its calls: a function on Lambda, or an execution of the state machine."""

    def __init__(self, name: str, work: Callable[[], Any], *, skew: float = 0.0, root: Any) -> None:
        super().__init__(name, skew)
        self._work = work
        self._until: Callable[[], bool] | None = None
        self._greenlet = greenlet(self._run, parent=root)
        self.at = "begin"
        """The call before which it waits."""
        self.on_end: Callable[[Routine], None] | None = None

    def choices(self) -> int:
        """As in ``Actor``."""
        return int(not self.ended and (self._until is None or self._until()))

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:  # noqa: ARG002 - it stands before one at most
        """As in ``Actor``."""
        self.effects += 1
        self._greenlet.switch(turn)
        self._look()

    def die(self) -> None:
        """As in ``Actor``."""
        if not self.ended:
            if self._greenlet:  # It has begun.
                self._greenlet.throw(Died)
            self.ended = True
            self.error = self.error or Died()
            self._look()

    def pause(self, at: str) -> Turn:
        """Called by the actor's code: wait before a side effect for a turn. Raises Died."""
        self.at = at
        turn: Turn = self._greenlet.parent.switch()
        if turn is Turn.DIE_BEFORE:
            raise Died
        return turn

    def wait(self, until: Callable[[], bool]) -> None:
        """Called by the actor's code: wait for other actors. Raises Died."""
        self._until = until
        try:
            if self.pause("wait") is Turn.DIE_AFTER:
                raise Died
        finally:
            self._until = None

    def _run(self, turn: Turn) -> None:
        CURRENT.set(self)
        try:
            if turn in (Turn.DIE_BEFORE, Turn.DIE_AFTER):
                raise Died  # noqa: TRY301 - before it has begun
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - whoever looks decides what it means
            self.error = error
        finally:
            self.ended = True

    def _look(self) -> None:
        if self.ended and self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end(self)


def current_routine() -> Routine | None:
    """The routine whose greenlet runs, None in the model's own greenlet."""
    actor = CURRENT.get()
    return actor if isinstance(actor, Routine) and actor._greenlet is getcurrent() else None  # noqa: SLF001


class Invocation(Actor):
    """Code on the event loop that may wait before several side effects at once: a sender."""

    def __init__(self, name: str, loop: Loop, *, skew: float = 0.0) -> None:
        super().__init__(name, skew)
        self._loop = loop
        self._waiting: list[tuple[str, asyncio.Future[Turn]]] = []
        self._task: asyncio.Task[Any] | None = None

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Start, and run to the first side effects."""
        context = copy_context()
        context.run(CURRENT.set, self)
        self._task = self._loop.create_task(self._run(work), context=context)

    async def _run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            self.result = await work()
        except BaseException as error:  # noqa: BLE001 - whoever looks decides what it means
            self.error = error
        finally:
            self.ended = True

    async def pause(self, at: str) -> Turn:
        """Called by the actor's code: wait before a side effect. Raises Died if the process is dead already."""
        if self.ended:
            raise Died
        entry = (at, self._loop.create_future())
        self._waiting.append(entry)
        try:
            turn: Turn = await entry[1]
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
        return turn

    def choices(self) -> int:
        """As in ``Actor``."""
        return 0 if self.ended else len(self._waiting)

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """As in ``Actor``; an actor that dies after the side effect has run to the next."""
        self.effects += 1
        _, future = self._waiting.pop(choice % len(self._waiting))
        if turn is Turn.DIE_BEFORE:
            self.die()
            return
        future.set_result(turn)
        self._loop.settle()
        if turn is Turn.DIE_AFTER:
            self.die()

    def die(self) -> None:
        """As in ``Actor``."""
        if self.ended:
            return
        self.ended, self.error = True, Died()
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        self._loop.settle()
