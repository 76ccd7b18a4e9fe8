"""A viewer's side of Momento Topics: one long poll over HTTP for each channel.

(https://docs.momentohq.com/topics/api-reference/http-api) Momento's SDK for Python hides a discontinuity, so this file
uses the HTTP API. The readers' API gives the viewer a token of Momento's, which may only listen to the topics of one
competition: ``GET /listeners/momento?cell=…&competition=…`` with the viewer's token answers ``{"token", "expires"}``.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

import httpx
import orjson

from ..http_reader import ReadError
from ..websocket import LostError
from .broadcast_connection import broadcasting
from .service import Listener, Outcome, Silences

if TYPE_CHECKING:
    from ..broadcast_times import BroadcastTimes
    from ..cell_address import CellAddress
    from ..http_reader import HttpReader
    from ..viewer_connection import Dial
    from .service import Service, Signs

POLL_SECONDS = 60.0
"""A poll without an answer is sent again after so many seconds: a proxy may have lost it."""

CONNECT_SECONDS = 10.0

EMPTY_SECONDS = 1.0
"""After an answer without a message the next poll begins no earlier than so long after the last one."""

AHEAD_SECONDS = (30.0, 600.0)
"""A token of Momento's is replaced so many seconds before it ends, at least and at most: many viewers share it. A token
that ends soon is used for half of its time."""

OPEN_SEGMENT = "open"
"""The segment in the channels of matches without a competition, which every viewer may hear."""

SUBJECTS_SEGMENT = "subjects"
"""The segment in the channel of messages to single viewers."""

OTHER_PAGE = 1
"""A page of no topic: a poll that asks for it is answered at once, with a discontinuity."""

HELLO_SEGMENT = "hello"
"""Takes the place of a match and a feed in the handshake's topic."""

HELLO_SECONDS = 3.0
"""The handshake is a poll for that page. A service that has not refused it for so long may be a slow one."""

_REFUSED = (401, 403)

_WORKS = (204, 400)
"""Answers to a poll for a page that does not exist which show that the service works, beside 200: Momento documents
none for such a page."""

_Item: TypeAlias = tuple[int, int, str | None]
"""Where to go on, as sequence number and page; and the text of a message, None for a discontinuity."""


def dialer(cell: CellAddress, reader: HttpReader, times: BroadcastTimes) -> Dial:
    """The function that opens connections to a cell with the transport ``momento``, for one viewer."""

    async def open_service(token: str | None, listener: Listener) -> Service:
        service = MomentoService(cell, reader, token, listener, times.begun)
        await service.connect()
        return service

    return broadcasting(cell, open_service, reader, times)


@dataclass(slots=True)
class _Poll:
    """The polls of one feed, one after the other."""

    channel: str
    feed: str
    answer: asyncio.Future[Outcome]
    """The outcome of the first poll."""
    task: asyncio.Task[None] | None = None
    sequence: int = 0
    """The next message's number; 0 before the first message: Momento then begins with the next one."""
    page: int = 0

    def end(self) -> None:
        """Poll no longer."""
        if self.task is not None:
            self.task.cancel()


class MomentoService:
    """The polls of one viewer. There is no connection: it counts as lost when a poll fails."""

    closes_when_refused = False

    def __init__(
        self, cell: CellAddress, reader: HttpReader, token: str | None, listener: Listener, begun_seconds: float
    ) -> None:
        self._begun_seconds = begun_seconds
        self._cell = cell
        self._reader = reader
        self._token = token
        self._listener = listener
        self._tokens: dict[str, tuple[str, float]] = {}
        self._polls: dict[tuple[str, str], _Poll] = {}
        self._pings: set[asyncio.Task[None]] = set()
        self._signs = Silences()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx.Timeout(CONNECT_SECONDS, read=POLL_SECONDS)
        self._http = httpx.AsyncClient(verify=_tls(), limits=limits, timeout=timeout, trust_env=False)

    async def connect(self) -> None:
        """Ask the readers' API for a first token: whether the viewer is let in; and the cell: whether it works.

        A viewer that found out only at its first match would connect to a dead cell without a pause. Raises LostError.
        """
        try:
            await self._shake_hands()
        except BaseException:
            await self._http.aclose()
            raise
        self._listener.ready()

    async def _shake_hands(self) -> None:
        try:
            await self._fetch_token(OPEN_SEGMENT)
        except ReadError as error:
            raise LostError("The API gives no token of Momento's.", error.status) from error
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                await self._touch(f"{self._cell.namespace}/{OPEN_SEGMENT}", HELLO_SEGMENT)
        except TimeoutError:
            pass
        except (httpx.HTTPError, ReadError) as error:
            raise LostError("The cell of Momento does not work.") from error

    @property
    def signs(self) -> Signs:
        """The signs of life."""
        return self._signs

    @property
    def last_use_at(self) -> float:
        """When the service last answered."""
        return self._signs.last_frame_at

    @property
    def open(self) -> bool:
        """Whether no poll has failed."""
        return not self._end.done()

    async def subscribe(self, channel: str, feed: str) -> Outcome:
        """Begin to poll, or go on. Refused is a competition that the viewer's token does not cover."""
        poll = self._polls.get((channel, feed))
        if poll is None:
            poll = self._polls[channel, feed] = _Poll(channel, feed, asyncio.get_running_loop().create_future())
            self._begin(poll)
        outcome = await asyncio.shield(poll.answer)
        if outcome != "joined":
            self.unsubscribe(channel, feed)
        return outcome

    def unsubscribe(self, channel: str, feed: str) -> None:
        """Poll no longer."""
        if (poll := self._polls.pop((channel, feed), None)) is not None:
            poll.end()

    async def probe(self) -> None:
        """Send all polls anew, because a poll that waits on a dead connection says nothing.

        A poll for a page that does not exist is answered at once, and so is the sign of life.
        """
        for poll in list(self._polls.values()):
            poll.end()
            self._begin(poll)
            if not poll.sequence:
                self._listener.doubt(poll.channel)
        for poll in list(self._polls.values())[:1]:
            await self._touch(poll.channel, poll.feed)

    def ping(self) -> None:
        """Ask for a sign of life."""
        task = asyncio.get_running_loop().create_task(self.probe())
        self._pings.add(task)
        task.add_done_callback(self._pinged)

    def close(self) -> None:
        """End all polls."""
        self.abort()

    def abort(self) -> None:
        """End all polls."""
        for poll in self._polls.values():
            poll.end()
        for ping in self._pings:
            ping.cancel()
        self._polls.clear()
        if not self._end.done():
            self._end.set_result(None)

    async def closed(self) -> None:
        """Wait for the end. Raises the error of a callback, if that was the reason."""
        try:
            await asyncio.shield(self._end)
        finally:
            await self._http.aclose()

    def _begin(self, poll: _Poll) -> None:
        poll.task = asyncio.get_running_loop().create_task(self._follow(poll))
        poll.task.add_done_callback(self._ended)

    async def _follow(self, poll: _Poll) -> None:
        """Poll until the end."""
        begun = None
        try:
            await self._token_for(poll.channel)
            begun = asyncio.get_running_loop().call_later(self._begun_seconds, _settle, poll.answer, "joined")
            while True:
                asked = time.monotonic()
                try:
                    items = await self._ask(poll.channel, poll.feed, poll.sequence, poll.page)
                    self._take(items, poll)
                    _settle(poll.answer, "joined")
                    if items:
                        continue
                    # Something that answers for Momento, such as a proxy, is not asked without a pause.
                    await asyncio.sleep(EMPTY_SECONDS - (time.monotonic() - asked))
                except httpx.ReadTimeout:
                    pass
                if not poll.sequence:
                    # Nothing says where to go on: what came between the two polls is only at the API.
                    self._listener.doubt(poll.channel)
        except (httpx.HTTPError, ReadError) as error:
            if not poll.answer.done():
                status = error.status if isinstance(error, ReadError) else None
                poll.answer.set_result("refused" if status in _REFUSED else "failed")
            else:
                self.abort()
        finally:
            if begun is not None:
                begun.cancel()

    async def _touch(self, channel: str, feed: str) -> None:
        """Poll for a page that does not exist. Raises ReadError and httpx.HTTPError if the service does not work."""
        try:
            await self._ask(channel, feed, 1, OTHER_PAGE)
        except ReadError as error:
            if error.status not in _WORKS:
                raise
            self._signs.end()

    async def _ask(self, channel: str, feed: str, sequence: int, page: int) -> list[_Item]:
        """The items of one poll. Raises ReadError and httpx.HTTPError."""
        topic = f"{channel}/{feed}".replace("/", ":")
        path = f"{self._cell.url}/topics/{quote(self._cell.cache, safe='')}/{quote(topic, safe='')}"
        token = await self._token_for(channel)
        query = {"sequence_number": sequence, "sequence_page": page}
        answer = await self._http.get(path, params=query, headers={"Authorization": token})
        if answer.status_code != httpx.codes.OK:
            raise ReadError(f"status {answer.status_code}", answer.status_code)
        self._signs.end()
        try:
            # An answer without items would be asked for again at once, and so without end.
            items = [_item(each) for each in orjson.loads(answer.content)["items"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ReadError("no answer of Momento's") from None
        return [each for each in items if each is not None]

    def _take(self, items: list[_Item], poll: _Poll) -> None:
        for sequence, page, text in items:
            poll.sequence, poll.page = sequence, page
            if text is None:
                self._listener.doubt(poll.channel)
            else:
                self._listener.frame(text)

    async def _token_for(self, channel: str) -> str:
        """A token for the topics of a channel's competition. Raises ReadError."""
        segment = channel.split("/")[1]
        token, until = self._tokens.get(segment, ("", 0.0))
        return token if time.time() < until else await self._fetch_token(segment)

    async def _fetch_token(self, segment: str) -> str:
        wanted = {"subject": "me"} if segment == SUBJECTS_SEGMENT else {"competition": segment}
        path = f"/listeners/momento?{urlencode({'cell': self._cell.name, **wanted})}"
        given = await self._reader.get(path, self._token)
        token, expires = given.get("token"), given.get("expires")
        # A header takes no other characters.
        if not isinstance(token, str) or not token.isascii() or not isinstance(expires, (int, float)):
            raise ReadError("no token of Momento's")
        least, most = AHEAD_SECONDS
        ahead = max(least, min(random.uniform(least, most), (expires - time.time()) / 2))
        self._tokens[segment] = (token, expires - ahead)
        return token

    def _ended(self, poll: asyncio.Task[None]) -> None:
        """The error of a callback ends the connection."""
        if not poll.cancelled() and (error := poll.exception()) is not None and not self._end.done():
            self._end.set_exception(error)

    def _pinged(self, task: asyncio.Task[None]) -> None:
        """A ping that failed is a connection without a sign of life: the viewer leaves it."""
        self._pings.discard(task)
        if not task.cancelled():
            task.exception()


def _item(stated: Any) -> _Item | None:
    """An item of a poll, None if it has neither a message nor a discontinuity.

    Raises KeyError, TypeError, ValueError and AttributeError for one of another form than Momento documents.
    """
    if (gap := stated.get("discontinuity")) is not None:
        return int(gap["new_topic_sequence"]), int(gap["new_sequence_page"]), None
    if (item := stated.get("item")) is None:
        return None
    text = item["value"].get("text")
    return int(item["topic_sequence_number"]) + 1, int(item["sequence_page"]), text if isinstance(text, str) else ""


def _settle(answer: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)


@cache
def _tls() -> ssl.SSLContext:
    """One context for all viewers of the process: making one reads the certificates of the system."""
    return ssl.create_default_context()
