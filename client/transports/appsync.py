"""The half that the two real-time protocols of AppSync share: JSON messages whose answers name a subscription's id."""

from __future__ import annotations

import asyncio
import base64
import itertools
from typing import TYPE_CHECKING, Any

import orjson

from ..websocket import LostError, ViewerSocket, dial
from .broadcast_connection import broadcasting
from .service import ANONYMOUS, REFUSED_STATUS, Listener, Outcome

if TYPE_CHECKING:
    from ..broadcast_times import BroadcastTimes
    from ..cell_address import CellAddress
    from ..http_reader import HttpReader
    from ..viewer_connection import Dial
    from .service import Service, Signs


class AppSyncService:
    """One viewer's connection. A subclass has the words of its protocol."""

    protocol: str
    closes_when_refused = False

    def __init__(self, cell: CellAddress, token: str | None, listener: Listener) -> None:
        self.authorization = {"host": cell.host, "Authorization": token or ANONYMOUS}
        """AppSync takes the token in the handshake, and again with each subscription."""
        self._url = cell.url
        self._listener = listener
        self._socket: ViewerSocket
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Outcome]] = {}
        self._keys: dict[tuple[str, str], str] = {}
        """Channel and feed -> id of the subscription."""
        self._probed: asyncio.Future[None] | None = None

    @classmethod
    def dialer(cls, cell: CellAddress, reader: HttpReader, times: BroadcastTimes) -> Dial:
        """The function that opens connections to a cell of this protocol, for one viewer."""

        async def open_service(token: str | None, listener: Listener) -> Service:
            service = cls(cell, token, listener)
            await service.connect()
            return service

        return broadcasting(cell, open_service, reader, times)

    async def connect(self) -> None:
        """Open the connection. Raises LostError."""
        protocols = f"{self.protocol}, header-{_base64url(self.authorization)}"
        self._socket = await dial(self._url, self._heard, {"Sec-WebSocket-Protocol": protocols})
        self.say({"type": "connection_init"})

    @property
    def signs(self) -> Signs:
        """The signs of life. AppSync sends a keep-alive once a minute."""
        return self._socket

    @property
    def last_use_at(self) -> float:
        """When the connection was last used."""
        return self._socket.last_use_at

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return self._socket.open

    async def subscribe(self, channel: str, feed: str) -> Outcome:
        """Hear a feed of a channel."""
        key = str(next(self._ids))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._asked[key] = answer
        self._join(key, channel, feed)
        try:
            outcome = await answer
        except asyncio.CancelledError:
            self._leave(key)
            raise
        finally:
            del self._asked[key]
        if outcome == "joined":
            self._keys[channel, feed] = key
        return outcome

    def unsubscribe(self, channel: str, feed: str) -> None:
        """Hear a feed no longer."""
        if (key := self._keys.pop((channel, feed), None)) is not None:
            self._leave(key)

    async def probe(self) -> None:
        """Leave a subscription that does not exist: AppSync answers with an error."""
        if self._probed is None or self._probed.done():
            self._probed = asyncio.get_running_loop().create_future()
            self._leave("probe")
        await asyncio.shield(self._probed)

    def ping(self) -> None:
        """Ask for a sign of life; a server must answer this (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2)."""
        self._socket.ping()

    def close(self) -> None:
        """Say goodbye and close."""
        self._socket.close()

    def abort(self) -> None:
        """Break the connection."""
        self._socket.abort()

    async def closed(self) -> None:
        """Wait for the end of the connection. Raises LostError if AppSync has refused the viewer."""
        await self._socket.closed()

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._socket.send(orjson.dumps(message))

    def let_in(self) -> None:
        """The service has accepted the viewer."""
        self._listener.ready()

    def turn_away(self, errors: Any) -> None:
        """The service has refused the viewer, or cannot serve it now. Raises LostError, which ends the connection."""
        raise LostError("AppSync refuses the connection.", REFUSED_STATUS if is_refusal(errors) else None)

    def answered(self, key: Any, outcome: Outcome) -> None:
        """The service has answered a subscription. A ``key`` that is no text is nobody's."""
        answer = self._asked.get(key) if isinstance(key, str) else None
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def frame(self, text: Any) -> None:
        """A channel has brought a frame."""
        if isinstance(text, str):
            self._listener.frame(text)

    def skipped(self, key: Any) -> None:
        """The service could not bring a frame to a subscription."""
        for (channel, _), mine in self._keys.items():
            if mine == key:
                self._listener.doubt(channel)

    def _heard(self, text: bytes | memoryview) -> None:
        if self._probed is not None and not self._probed.done():
            # Any message of the service is a sign of life.
            self._probed.set_result(None)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if isinstance(message, dict):
            self._take(message)

    def _join(self, key: str, channel: str, feed: str) -> None:
        raise NotImplementedError

    def _leave(self, key: str) -> None:
        raise NotImplementedError

    def _take(self, message: dict[str, Any]) -> None:
        raise NotImplementedError


def is_refusal(errors: Any) -> bool:
    """Whether errors of AppSync say that the viewer may not do this."""
    try:
        text = orjson.dumps(errors).lower()
    except orjson.JSONEncodeError:
        return False  # orjson reads deeper values than it writes.
    return any(each in text for each in (b"unauthorized", b"forbidden", b"not_entitled"))


def _base64url(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")
