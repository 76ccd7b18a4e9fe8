"""Follow a match in a program: ``async for event in follow(cell, match)``."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from .dialer import SCHEMES, as_cell
from .errors import BehindError, FollowError, RefusedError, UnknownMatchError
from .http_reader import HttpReader
from .viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cell_address import CellAddress
    from .event import Event
    from .frame_types import RawFrame
    from .websocket import LostError

BACKLOG = 1000
"""The most events that wait for a slow program; web/livescore.js has the same number."""

OVER = frozenset({"full_time", "abandoned", "awarded", "called_off"})
"""Kinds of event that end a match, unless they are cancelled."""

REFUSED = (401, 403)
"""HTTP status of a handshake that API Gateway refuses: there is no valid token, or an explicit deny
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html)."""

_FINAL = {
    "unknown_match": UnknownMatchError,
    "not_entitled": RefusedError,
    "bad_request": FollowError,
    "no_subject": RefusedError,
}
"""Code of an error frame (docs/protocol.md) -> the error to raise, because the same request gets the same answer."""

_logger = logging.getLogger("livescore.client")


@dataclass(frozen=True, slots=True)
class Board:
    """The newest known state of a match. It may be ahead of the events that the loop has given."""

    match: str
    epoch: str
    """One creation of the match. Another epoch is another history: the match was reset."""
    seq: int
    """Number of the newest event."""
    status: str
    """Such as ``scheduled``, ``first_half`` or ``full_time``: docs/api.md lists them."""
    home: str
    away: str
    score: tuple[int, int]
    """Goals: home, away."""
    shootout: tuple[int, int] | None
    """Kicks that were scored in the shoot-out: home, away."""
    gap: bool
    """Events are missing, and are being read."""
    lost: int
    """Events that could not be read again, or that were before the first snapshot."""


def follow(
    cell: str | CellAddress,
    match: str,
    *,
    api: str | None = None,
    token: str | Callable[[], str] | None = None,
    score_only: bool = False,
    until_full_time: bool = False,
    on_message: Callable[[str, Any], None] | None = None,
) -> Follow:
    """Follow a match in a cell: its events so far, then each new one, each once and in order.

    ``cell`` is an address from ``cells``, or the URL of an API Gateway WebSocket. ``api`` is the base URL of the
    readers' HTTP API or of the site. Missed events are read there, which costs none of the send budget; without ``api``
    they are asked for over the socket. A cell with another transport than ``api-gateway`` needs ``api``.

    ``token`` is the viewer's token, or a function that returns one before each connection. ``score_only`` gives only
    goals, kicks of the shoot-out, phases, and cancellations of these; no cards and no substitutions. The loop goes on
    after the match unless ``until_full_time`` is true.

    ``on_message(key, body)`` gets each message to the subject of the token, while the loop runs and the connection
    works. A message that comes while the viewer is away is lost, so read over HTTP what the key stands for after each
    message, and once after the loop has begun. ``body`` is None if the message has none.

    The connection opens when the loop begins. A lost connection is opened again, for ever. The logger
    ``livescore.client`` warns of each connection that could not be opened.

    Raises ValueError for an address that can never be reached, for a transport that this client does not know, and for
    a transport that needs ``api`` without one. The loop raises UnknownMatchError, RefusedError for a
    viewer whom the server refuses (also when the connection is opened again), TokenTooLongError, BehindError for a loop
    that leaves 1,000 events waiting, and FollowError for a match id that is not valid.
    """
    address = as_cell(cell)
    _check_address("url", address.url, SCHEMES.get(address.transport, ("ws", "wss")))
    if api is not None:
        _check_address("api", api, ("http", "https"))
    return Follow(
        address,
        match,
        api=api,
        token=token,
        score_only=score_only,
        until_full_time=until_full_time,
        on_message=on_message,
    )


class Follow:
    """The events of one match. ``follow`` makes it and describes its options.

    When a loop over ``follow(…)`` ends, also by ``break`` or an exception, the connection is closed. If you keep the
    object in a variable, close it with ``async with`` or ``aclose``. A second loop over it continues where the first
    loop ended.
    """

    def __init__(
        self,
        cell: CellAddress,
        match: str,
        *,
        api: str | None,
        token: str | Callable[[], str] | None,
        score_only: bool,
        until_full_time: bool,
        on_message: Callable[[str, Any], None] | None = None,
    ) -> None:
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self.match = match
        self._until_full_time = until_full_time
        # No task refers to this object. So Python deletes it when its loop has ended, and it cancels the task.
        self._inbox = _Inbox()
        self._reader = HttpReader(api) if api is not None else None
        self._viewer = Viewer(
            cell,
            [match],
            reader=self._reader,
            only="score" if score_only else None,
            on_event=self._inbox.put,
            on_frame=partial(_raise_if_final, match),
            on_lost=partial(_raise_if_refused, match),
            on_message=on_message,
            token=token,
        )

    @property
    def board(self) -> Board | None:
        """The newest known state, None before the first snapshot."""
        known = self._viewer.followers[self.match]
        if known.epoch is None:
            return None
        return Board(
            match=self.match, epoch=known.epoch, seq=known.seq, status=known.status, home=known.home, away=known.away,
            score=known.score, shootout=known.shootout, gap=known.gap, lost=known.lost,
        )  # fmt: skip

    @property
    def live(self) -> bool:
        """Whether the connection is open and has answered the subscription, as far as this side knows."""
        return self._viewer.connected

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._task is None and not self._ended:
            self._task = asyncio.create_task(_run(self._viewer, self._reader))
            self._task.add_done_callback(self._inbox.wake)
        while not self._ended:
            if self._inbox.waiting:
                event = self._inbox.waiting.popleft()
                self._ended = self._until_full_time and event.get("kind") in OVER and "cancelled_by" not in event
                return event
            if self._task is None or self._task.done():
                break
            await self._inbox.wait()
        await self._end()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop following the match. A loop over it ends, and no task goes on."""
        self._ended = True
        self._inbox.waiting.clear()
        with suppress(Exception):
            await self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self._task is not None and not self._task.done():
            with suppress(RuntimeError):  # the event loop has been closed, and its tasks with it
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    async def _end(self) -> None:
        """Wait until the task has ended. Raises the error that ended the viewer, once."""
        task, self._task, self._ended = self._task, None, True
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class _Inbox:
    """The events that have come and wait for the loop."""

    def __init__(self) -> None:
        self.waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def put(self, _match: str, event: Event, _at: int) -> None:
        """Add an event. Raises BehindError if too many wait."""
        if len(self.waiting) >= BACKLOG:
            raise BehindError(f"{BACKLOG:,} events wait for the loop, which is too slow.")
        self.waiting.append(event)
        self._news.set()

    def wake(self, _: object) -> None:
        """End a wait although no event has come."""
        self._news.set()

    async def wait(self) -> None:
        """Wait until an event may have come."""
        self._news.clear()
        await self._news.wait()


async def _run(viewer: Viewer, reader: HttpReader | None) -> None:
    try:
        await viewer.run()
    finally:
        if reader is not None:
            await reader.close()


def _raise_if_final(match: str, frame: RawFrame) -> None:
    """Raises the error that an error frame about this match means, if the same request would get the same answer."""
    if frame.get("type") == "error" and frame.get("match") in (match, None):
        kind = _FINAL.get(str(frame.get("code")))
        if kind is not None:
            raise kind(f"{match}: {frame.get('message')}")


def _raise_if_refused(match: str, lost: LostError) -> None:
    """Raises RefusedError if the server refused the viewer. Logs every other reason."""
    if lost.status in REFUSED:
        raise RefusedError(f"{match}: the server refuses the viewer's token, or needs one (status {lost.status}).")
    # The error's text is not logged: it may hold the address, and so the token.
    reason = f"status {lost.status}" if lost.status else type(lost.__cause__ or lost).__name__
    _logger.warning("connection_failed match=%s reason=%s", match, reason)


def _check_address(name: str, url: str, schemes: tuple[str, str]) -> None:
    """Raises ValueError. Its sentence does not repeat the address, which may hold a token."""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{name} must begin with {schemes[0]}:// or {schemes[1]}:// and a host.")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} must have no query. Give the token as `token`.")
