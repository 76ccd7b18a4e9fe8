"""One viewer that lost a frame: the client's own ``Viewer``, from the loss until it has everything again.

Before the loss and after its end, a viewer is three numbers (viewers.py). When it wakes, the client's viewer opens a
connection, subscribes, and gets the answers that it has had already. Meanwhile its clock shows when that was.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from client.repair_plan import looking
from client.viewer import CARE_SECONDS, PONG_SECONDS, SILENCE_MOST_SECONDS, SILENCE_SECONDS, Viewer

if TYPE_CHECKING:
    from client.viewer_connection import Deliver
    from forecast.simulation.repairs import Repairs
    from forecast.simulation.viewers import Viewers

ASK_SECONDS = 0.05
"""Seconds from a request over the socket to its answer."""

REST_SECONDS = PONG_SECONDS + 1
"""Seconds after which a viewer that has everything sleeps again. Its sync, if it sent one, has an answer by then."""


class WokenViewer:
    """A viewer that lost a frame, or got one with a gap before it."""

    def __init__(self, repairs: Repairs, viewers: Viewers, number: int) -> None:
        self.lost_seq = 0
        """The newest event that was lost."""
        self._repairs = repairs
        self._viewers = viewers
        self._number = number
        self._lost_at: dict[int, float] = {}
        self._frames: list[bytes] = []
        """Frames that came before the viewer was awake."""
        looked_at, self._first_chance = self._present_pause()
        self._then: float | None = looked_at
        """The time that the viewer's clock shows until the viewer is awake."""
        self._connection: _Connection | None = None
        self._client = Viewer(
            "ws://simulated",
            [viewers.match],
            reader=_Reader(repairs),  # type: ignore[arg-type]
            on_event=self._show,
            chance=self._draw,
            clock=self._time,
            dial=self._dial,
        )
        self._follower = self._client.followers[viewers.match]
        self._task = repairs.loop.create_task(self._client.run())
        self._task.add_done_callback(_raise)

    @property
    def is_behind(self) -> bool:
        """Whether the viewer lacks an event that it could have."""
        return self._follower.gap or self._seq < self.lost_seq

    def lose(self, seq: int) -> None:
        """A frame up to ``seq`` was lost."""
        self.lost_seq = max(self.lost_seq, seq)
        self._lost_at.setdefault(seq, self._repairs.loop.time())

    def deliver(self, frame: bytes) -> None:
        """A frame comes."""
        if self._connection is None or self._then is not None:
            self._frames.append(frame)
        else:
            self._connection.bring(frame)
            self._rest_later()

    async def close(self) -> None:
        """End the viewer."""
        self._task.remove_done_callback(_raise)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @property
    def _seq(self) -> int:
        return self._viewers.newest[self._number - self._viewers.first]

    def _present_pause(self) -> tuple[float, float]:
        """When the viewer last read whether it missed a frame, or got one, and the chance of its pause since then.

        The viewer has repeated the reads since its last frame by the client's rule. They brought nothing.
        """
        chance, now = self._repairs.chance.random, self._repairs.loop.time()
        at, proven = self._viewers.silence(self._number)
        while True:
            first = chance()
            then = at + looking(SILENCE_SECONDS, SILENCE_MOST_SECONDS, proven, first) + CARE_SECONDS * chance()
            if then > now:
                return at, first
            at = then

    def _time(self) -> float:
        return self._repairs.loop.time() if self._then is None else self._then

    def _draw(self) -> float:
        first, self._first_chance = self._first_chance, math.nan
        return self._repairs.chance.random() if math.isnan(first) else first

    async def _dial(self, _token: str | None, deliver: Deliver) -> _Connection:
        self._connection = _Connection(self, deliver)
        if self._then is not None:
            last, longest = self._viewers.silence(self._number)
            self._connection.last_message_at = self._connection.last_frame_at = self._connection.last_use_at = last
            self._connection.longest_message_silence = self._connection.longest_frame_silence = longest
        return self._connection

    def answer(self, deliver: Deliver, request: dict[str, Any]) -> None:
        """The server answers a request: while the viewer wakes with what it has, and at once."""
        if self._then is not None:
            deliver(self._repairs.snapshot(self._viewers.match, 0, self._seq))
            return
        self._repairs.syncs += request["action"] == "sync"
        since = request.get("since", request).get("seq", 0)
        self._repairs.loop.call_later(ASK_SECONDS, self._answer, deliver, since)

    def _answer(self, deliver: Deliver, since: int) -> None:
        match = self._viewers.match
        if self._connection is not None and self._connection.open:
            self._connection.hear()
            deliver(self._repairs.snapshot(match, since, self._repairs.newest(match)))

    def awake(self) -> None:
        """The client's viewer is as it was at the moment of the loss."""
        if self._then is not None:
            self._then = None
            frames, self._frames = self._frames, []
            for each in frames:
                self.deliver(each)

    def _show(self, _match: str, event: Any, _at: int) -> None:
        """The viewer has an event."""
        seq, viewers, now = event["seq"], self._viewers, self._repairs.loop.time()
        if seq <= self._seq:
            return
        viewers.parcel(self._seq, seq).deliver(self._number, now)
        for each in [lost for lost in self._lost_at if lost <= seq]:
            self._repairs.took_s.append(now - self._lost_at.pop(each))
        self._rest_later()

    def _rest_later(self) -> None:
        if not self.is_behind:
            self._repairs.loop.call_later(REST_SECONDS, self._rest)

    def _rest(self) -> None:
        if not self.is_behind and self._connection is not None and self._repairs.let_rest(self._viewers, self._number):
            connection = self._connection
            self._viewers.heard(self._number, connection.last_message_at, connection.longest_message_silence)
            self._task.remove_done_callback(_raise)
            self._task.cancel()


class _Reader:
    """In place of ``client.http_reader.HttpReader``: each viewer reads by itself."""

    __slots__ = ("_repairs",)

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON of an answer."""
        return await self._repairs.read(path)


class _Connection:
    """In place of ``client.websocket.ViewerSocket``: a connection that works."""

    def __init__(self, owner: WokenViewer, deliver: Deliver) -> None:
        self._owner = owner
        self._deliver = deliver
        self._now = owner._time  # noqa: SLF001 - of the same file
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last_frame_at = self.last_use_at = self.last_message_at = self._now()
        self.longest_frame_silence = 0.0
        self.longest_message_silence = 0.0
        self.ends_at = math.inf
        self.open = True

    def bring(self, frame: bytes) -> None:
        """A frame comes."""
        if self.open:
            self.hear()
            self._deliver(frame)

    def hear(self) -> None:
        """A message comes, which may end the longest silence, as in ``ViewerSocket.on_ws_frame``."""
        now = self._now()
        self.longest_message_silence = max(self.longest_message_silence, now - self.last_message_at)
        self.last_message_at = now
        self._live(now)

    def _live(self, now: float) -> None:
        self.longest_frame_silence = max(self.longest_frame_silence, now - self.last_frame_at)
        self.last_frame_at = self.last_use_at = now

    def send(self, text: bytes) -> None:
        """A request leaves."""
        self.last_use_at = self._now()
        self._owner.answer(self._deliver, orjson.loads(text))

    def ping(self) -> None:
        """The server answers a ping at once."""
        self._live(self._now())

    def close(self) -> None:
        self.open = False
        if not self._closed.done():
            self._closed.set_result(None)

    abort = close

    async def closed(self) -> None:
        self._owner.awake()
        await self._closed


def _raise(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
