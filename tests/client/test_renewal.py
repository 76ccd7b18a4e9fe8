"""A viewer whose token ends connects again with the next one while the first still counts."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import pytest

from client.viewer import Viewer
from tests.support import eventually

if TYPE_CHECKING:
    from client.viewer_connection import Deliver

LEFT_SECONDS = 1000.0
"""The first token has so much time left."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.reads = 0

    def monotonic(self) -> float:
        """The time."""
        self.reads += 1
        return self.now


class Line:
    """A connection that always has just had a sign of life."""

    longest_frame_silence = longest_message_silence = math.inf
    open = True

    def __init__(self, clock: Clock, deliver: Deliver) -> None:
        self._clock, self._deliver = clock, deliver
        self.ends_at = clock.now + LEFT_SECONDS
        self.is_left = asyncio.Event()

    @property
    def last_frame_at(self) -> float:
        """Now."""
        return self._clock.now

    last_message_at = last_use_at = last_frame_at

    def send(self, _text: bytes) -> None:
        """Answer with a sign of life."""
        self._deliver({})

    def close(self) -> None:
        """The viewer leaves."""
        self.is_left.set()

    abort = ping = close

    async def closed(self) -> None:
        """Wait until the viewer leaves."""
        await self.is_left.wait()


@pytest.mark.parametrize("is_function", [True, False], ids=["a-function", "one-token"])
async def test_a_connection_is_replaced_while_its_token_counts(*, is_function: bool) -> None:
    """With a function for tokens a viewer leaves after 80 to 95 % of the token's time; with one token, at its end."""
    clock, lines = Clock(), list[Line]()

    async def dial(_token: str | None, deliver: Deliver) -> Any:
        lines.append(Line(clock, deliver))
        return lines[-1]

    begun = clock.now
    viewer = Viewer(
        "wss://cell.example",
        ["m"],
        token=(lambda: "t") if is_function else "t",
        care_seconds=0.01,
        clock=clock.monotonic,
        dial=dial,
    )
    task = asyncio.create_task(viewer.run())
    try:
        await eventually(lambda: lines)
        clock.now = begun + LEFT_SECONDS * (0.79 if is_function else 0.99)
        before = clock.reads
        await eventually(lambda: clock.reads > before + 20)
        assert not lines[0].is_left.is_set()
        clock.now = begun + LEFT_SECONDS * (0.96 if is_function else 1.01)
        await eventually(lines[0].is_left.is_set)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
