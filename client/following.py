"""Follow a match in a program: ``async for event in follow(url, match)``."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from .errors import BehindError, FollowError, RefusedError, UnknownMatchError
from .http_reader import HttpReader
from .viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .websocket import LostError

BACKLOG = 1000
"""Events that wait for a program that is slow, at most; as many as in web/livescore.js."""

OVER = frozenset({"full_time", "abandoned", "awarded", "called_off"})
"""Kinds of event after which a match is not played on, unless they are taken back."""

REFUSED = (401, 403)
"""Status of a handshake whose viewer API Gateway does not let in: no valid token, or an explicit deny
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html)."""

_FINAL = {"unknown_match": UnknownMatchError, "not_entitled": RefusedError, "bad_request": FollowError}
"""By the code of an error frame (docs/protocol.md): what is raised, because the same question has the same answer."""

_logger = logging.getLogger("livescore.client")


@dataclass(frozen=True, slots=True)
class Board:
    """The newest known state of a match. It may be ahead of the events that the loop has had."""

    match: str
    epoch: str
    """Another epoch is another history: the match was reset."""
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
    """An event was missed, and is being read."""
    lost: int
    """Events that could not be brought back, or lie before the first snapshot."""


def follow(
    url: str,
    match: str,
    *,
    api: str | None = None,
    token: str | Callable[[], str] | None = None,
    score_only: bool = False,
    until_full_time: bool = False,
) -> Follow:
    """Follow a match at a WebSocket's address: its events so far, then each new one, each once and in order.

    With ``api``, the base URL of the readers' HTTP API or of the site, events that were missed are read there, which
    costs the sender nothing; without it the socket is asked. ``token`` is the viewer's, or a function that gives one
    before each connection. ``score_only`` leaves out what changes no score: goals, kicks of the shoot-out and phases
    come, cards and substitutions do not. The loop goes on after the match unless ``until_full_time`` is true.

    Nothing is connected before the loop begins. A lost connection is opened again for ever; the logger
    ``livescore.client`` warns of each that could not be opened.

    Raises ValueError for an address that can never be reached. The loop raises UnknownMatchError, RefusedError for a
    viewer who is not let in (when the connection is opened again, too), TokenTooLongError, BehindError for a loop that
    has left 1,000 events waiting, and FollowError for a match id that can be none.
    """
    _check_address("url", url, ("ws", "wss"))
    if api is not None:
        _check_address("api", api, ("http", "https"))
    return Follow(url, match, api=api, token=token, score_only=score_only, until_full_time=until_full_time)


class Follow:
    """The events of one match; ``follow`` makes it, and its options are described there.

    A loop over ``follow(…)`` that ends, by ``break`` or an exception too, takes everything with it. If you keep the
    object in a variable, close it: by ``async with``, or ``aclose``. A second loop over it goes on where the first
    ended.
    """

    def __init__(
        self,
        url: str,
        match: str,
        *,
        api: str | None,
        token: str | Callable[[], str] | None,
        score_only: bool,
        until_full_time: bool,
    ) -> None:
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self.match = match
        self._until_full_time = until_full_time
        # Nothing that runs refers to this object: so it goes when its loop has ended, and takes the task with it.
        self._inbox = _Inbox()
        self._reader = HttpReader(api) if api is not None else None
        self._viewer = Viewer(
            url,
            [match],
            reader=self._reader,
            only="score" if score_only else None,
            on_event=self._inbox.put,
            on_frame=partial(_raise_if_final, match),
            on_lost=partial(_raise_if_refused, match),
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
        """Whether the connection is open and has brought something, as far as this end knows."""
        return self._viewer.live

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
        """Follow the match no longer; a loop over it ends. Nothing is left running."""
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
            with suppress(RuntimeError):  # the loop has been closed, and its tasks with it
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    async def _end(self) -> None:
        """Wait until nothing runs any more; raises what ended the viewer, once."""
        task, self._task, self._ended = self._task, None, True
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class _Inbox:
    """The events that have come and that the loop has not had."""

    def __init__(self) -> None:
        self.waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def put(self, _match: str, event: dict[str, Any], _at: int) -> None:
        """Take an event. Raises BehindError when too many wait."""
        if len(self.waiting) >= BACKLOG:
            raise BehindError(f"{BACKLOG:,} events wait to be taken, and more are not kept: the loop is too slow.")
        self.waiting.append(cast("Event", event))
        self._news.set()

    def wake(self, _: object) -> None:
        """End a wait although nothing has come."""
        self._news.set()

    async def wait(self) -> None:
        """Wait until something may have come."""
        self._news.clear()
        await self._news.wait()


async def _run(viewer: Viewer, reader: HttpReader | None) -> None:
    try:
        await viewer.run()
    finally:
        if reader is not None:
            await reader.close()


def _raise_if_final(match: str, frame: dict[str, Any]) -> None:
    """Raises what an error frame about this match stands for, if the same question would get the same answer."""
    if frame.get("type") == "error" and frame.get("match") in (match, None):
        kind = _FINAL.get(str(frame.get("code")))
        if kind is not None:
            raise kind(f"{match}: {frame.get('message')}")


def _raise_if_refused(match: str, lost: LostError) -> None:
    """Raises RefusedError if a connection could not be opened because of the viewer, and logs any other reason."""
    if lost.status in REFUSED:
        raise RefusedError(f"{match}: the server refuses the viewer's token, or wants one (status {lost.status}).")
    # Not the error's text: it may hold the address, and so the token.
    reason = f"status {lost.status}" if lost.status else type(lost.__cause__ or lost).__name__
    _logger.warning("connection_failed match=%s reason=%s", match, reason)


def _check_address(name: str, url: str, schemes: tuple[str, str]) -> None:
    """Raises ValueError with a sentence that does not hold the address, which may hold a token."""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{name} must begin with {schemes[0]}:// or {schemes[1]}:// and a host.")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} must have no query: give a token as token.")
