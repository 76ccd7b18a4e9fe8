"""The viewers of a match. Each records the events that it showed, and the events that it had to repair."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from client.broadcast_times import BroadcastTimes
from client.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.cell_address import CellAddress
    from client.event import Event
    from client.http_reader import HttpReader

ENTER_SECONDS = 60.0
QUICK_SECONDS = 2.0
"""Seconds without a frame after which a quick viewer asks over HTTP whether it missed one."""

PATIENT_SECONDS = 600.0
"""The same for other viewers: so long that they never ask, so the run detects a broadcast that misses them."""


LOOKS_LATE = BroadcastTimes(second_read=(PATIENT_SECONDS, PATIENT_SECONDS))
"""The second read of a viewer after it has subscribed comes so late that it hides no frame that a fault has lost."""


@dataclass(frozen=True, slots=True)
class Repair:
    """An event that a viewer repaired; ``at`` in milliseconds since 1970."""

    event_id: str
    at: int


class Watcher:
    """One viewer on a real socket. A ``quick`` viewer asks after a short silence; the others rely on broadcasts."""

    def __init__(
        self,
        cell: str | CellAddress,
        match: str,
        reader: HttpReader,
        *,
        quick: bool = False,
        only: Literal["score"] | None = None,
        broadcast_times: BroadcastTimes = LOOKS_LATE,
    ) -> None:
        """``cell`` is the URL of a WebSocket of API Gateway, or the address of a broadcasting cell."""
        self.match = match
        self.has_row = isinstance(cell, str)
        """Whether the table of subscriptions has a row for it."""
        self.quick = quick
        self.only = only
        """``score`` for a follower of the score, who need not have any other event."""
        self.seen: list[tuple[int, str]] = []
        """Seq and id of every event, in the order they were shown."""
        self.repairs: list[Repair] = []
        self.snapshots = 0
        """The number of snapshots that it received."""
        self._frame: dict[str, Any] = {}
        self.viewer = Viewer(
            cell,
            [match],
            reader=reader,
            only=only,
            on_event=self._on_event,
            on_frame=self._on_frame,
            care_seconds=0.5 if quick else 2.0,
            silence_seconds=QUICK_SECONDS if quick else PATIENT_SECONDS,
            broadcast_times=broadcast_times,
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        """The seq of the newest event that it has shown; 0 before the first."""
        return self.seen[-1][0] if self.seen else 0

    async def enter(self) -> None:
        """Connect, subscribe, and stay until ``leave``. Raises TimeoutError."""
        self._task = asyncio.create_task(self.viewer.run())
        await asyncio.wait_for(self.viewer.subscribed.wait(), ENTER_SECONDS)

    async def leave(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _on_frame(self, frame: dict[str, Any]) -> None:
        self._frame = frame
        self.snapshots += frame.get("type") == "snapshot"

    def _on_event(self, _match: str, event: Event, at: int) -> None:
        frame, seq = self._frame, event["seq"]
        self.seen.append((seq, event["event_id"]))
        if not self.viewer.subscribed.is_set():
            return  # The event is older than the subscription.
        # An event of an update frame came by broadcast, even if the frame waited for a snapshot. Others were repaired.
        if not (frame.get("type") == "update" and frame["prev"] < seq <= frame["seq"]):
            self.repairs.append(Repair(event["event_id"], at))


async def enter(watchers: Iterable[Watcher]) -> None:
    """Connect all viewers. Raises TimeoutError."""
    await asyncio.gather(*(each.enter() for each in watchers))


async def leave(watchers: Iterable[Watcher]) -> None:
    """Disconnect all viewers."""
    await asyncio.gather(*(each.leave() for each in watchers))
