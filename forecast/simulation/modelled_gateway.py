"""@connections as a model, behind our own gateway client: sockets and epoll of ``broadcaster.send.wire``, in memory.

A request is a pair of the connection's id and the frame, because nothing is signed here. The answers are the bytes of
the stand-in's.
"""

from __future__ import annotations

import errno
import select
from collections import deque
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.send.wire import Wire
from loadtest.standin import http_answers
from loadtest.standin.gateway_limits import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from forecast.simulation.repairs import Repairs
    from forecast.simulation.scenario import Gateway as GatewaySettings
    from forecast.simulation.viewers import Viewers

_ERROR = http_answers.answer(500, {"message": "Internal Server Error"})
_NUMBERS = count(1_000)


class ModelledGateway:
    """The @connections of one cell: the account's bucket, the latency, and what becomes of each POST."""

    def __init__(self, settings: GatewaySettings, open_s: float, repairs: Repairs) -> None:
        """``open_s``: seconds to open a connection. ``repairs`` has the loop and the chance of the simulation."""
        self.repairs = repairs
        self.settings = settings
        self.open_s = open_s
        self.loop = loop = repairs.loop
        self.chance = repairs.chance
        self.bucket = Bucket(settings.rate, settings.burst, loop.time())
        self.viewers: dict[str, Viewers] = {}
        """By match."""
        self.posts = 0
        self.accepted = 0
        self.throttled = 0
        self.gone = 0
        self.errors = 0
        self.refused_slow = 0
        self.closed = 0
        self.lost = 0
        self.down_until = 0.0
        """Until then no connection opens, and no POST is answered."""

    def wire(self) -> Wire:
        """The system calls of one sender's process."""
        epoll = _Epoll(self)
        return Wire(epoll=lambda: epoll, socket=lambda *_: _Socket(epoll))

    def make_signer(self, endpoint: Any, frame: bytes, *about: Any, method: str = "POST") -> Callable[[str], Any]:
        """In place of ``broadcaster.send.signing.prepare``."""
        del endpoint, about
        if method == "DELETE":
            return lambda connection: (connection, None)
        read = orjson.loads(frame)
        parcel = self.viewers[read["match"]].parcel(read["prev"], read["seq"])
        parcel.frame = frame
        return lambda connection: (connection, parcel)


class _Epoll:
    """The sockets of one process that are ready. It calls the loop when there are some."""

    def __init__(self, gateway: ModelledGateway) -> None:
        self.gateway = gateway
        self.loop = gateway.loop
        self.number = next(_NUMBERS)
        self.sockets: dict[int, _Socket] = {}
        self._ready: dict[int, int] = {}
        self._due: dict[int, deque[tuple[_Socket, Any]]] = {}
        """By step of the clock's grid: the sockets that become ready then, and the bytes of their answers."""
        settings = gateway.settings
        self._delay = max(1, round(settings.latency_s / self.loop.grid))
        self._jitter = settings.jitter_s
        self._deliver_s = settings.latency_s * settings.delivered
        self._post = gateway.bucket.take
        self._plain = not (settings.slow or settings.errors or settings.lost)

    def fileno(self) -> int:
        return self.number

    def register(self, fd: int, mask: int) -> None:
        """A connection is being opened: its socket becomes ready when it is open."""
        del mask
        if self.loop.time() < self.gateway.down_until:
            return
        self._later(max(1, round(self.gateway.open_s / self.loop.grid)), self.sockets[fd], None)

    def modify(self, fd: int, mask: int) -> None:
        """The connection wants to know of something else."""
        if not mask & select.EPOLLOUT and self.sockets[fd].answer is None:
            self._ready.pop(fd, None)

    def close(self) -> None:
        self.sockets.clear()
        self._ready.clear()
        self._due.clear()

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        """The sockets that are ready, ``most`` at most."""
        del timeout
        ready = self._ready
        return list(ready.items()) if len(ready) <= most else list(islice(ready.items(), most))

    def send(self, sock: _Socket, request: tuple[str, Any]) -> int:
        """A request leaves: what becomes of it is decided now, and its answer comes later."""
        gateway, loop = self.gateway, self.loop
        now = loop.time()
        connection, parcel = request
        gateway.posts += 1
        if now < gateway.down_until:
            return 2  # It is never answered.
        if not self._post(now):
            gateway.throttled += 1
            answer = http_answers.THROTTLED
        elif parcel is None:
            gateway.closed += 1
            answer = http_answers.NO_CONTENT
            next(each for each in gateway.viewers.values() if each.has(int(connection))).close(connection)
        elif self._plain and not parcel.viewers.gone:
            gateway.repairs.bring(parcel, int(connection), self._deliver_s)
            gateway.accepted += 1
            answer = http_answers.OK
        else:
            answer = self._judged(int(connection), parcel)
        delay = self._delay
        if self._jitter:
            delay = max(1, round((gateway.settings.latency_s + gateway.chance.gauss(0, self._jitter)) / loop.grid))
        self._later(delay, sock, answer)
        return 2

    def _judged(self, viewer: int, parcel: Any) -> bytes:
        gateway, viewers = self.gateway, parcel.viewers
        if viewers.is_gone(viewer):
            gateway.gone += 1
            return http_answers.GONE
        if viewers.is_slow(viewer):
            gateway.refused_slow += 1
            return http_answers.BUFFER_FULL
        if gateway.settings.errors and gateway.chance.random() < gateway.settings.errors:
            gateway.errors += 1
            return _ERROR
        if gateway.settings.lost and gateway.chance.random() < gateway.settings.lost:
            gateway.lost += 1
            gateway.repairs.lose(parcel, viewer)
        else:
            gateway.repairs.bring(parcel, viewer, self._deliver_s)
        gateway.accepted += 1
        return http_answers.OK

    def _later(self, delay: int, sock: _Socket, answer: bytes | None) -> None:
        loop = self.loop
        step = loop.step + delay
        due = self._due.get(step)
        if due is None:
            due = self._due[step] = deque()
            loop.call_at(step * loop.grid, self._fire, step)
        due.append((sock, answer))

    def _fire(self, step: int) -> None:
        ready = self._ready
        for sock, answer in self._due.pop(step, ()):
            if sock.open:
                sock.answer = answer
                ready[sock.fd] = 1 if answer is not None else select.EPOLLOUT
        self._call()

    def _call(self) -> None:
        before = len(self._ready)
        self.loop.ready(self.number)
        if self._ready and len(self._ready) < before:
            self.loop.call_soon(self._call)

    def taken(self, fd: int) -> None:
        """The bytes of a socket were read."""
        self._ready.pop(fd, None)


class _Socket:
    """A socket to the modelled gateway."""

    __slots__ = ("_epoll", "answer", "fd", "open")

    def __init__(self, epoll: _Epoll) -> None:
        self._epoll = epoll
        self.fd = next(_NUMBERS)
        self.open = True
        self.answer: bytes | None = None
        epoll.sockets[self.fd] = self

    def fileno(self) -> int:
        return self.fd

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def setsockopt(self, *option: int) -> None:
        """It has no options."""

    def getsockopt(self, *option: int) -> int:
        """No error has come."""
        del option
        return 0

    def connect_ex(self, where: Any) -> int:
        del where
        return errno.EINPROGRESS

    def send(self, request: Any) -> int:
        return self._epoll.send(self, request)

    def recv(self, size: int) -> bytes:
        del size
        answer, self.answer = self.answer, None
        self._epoll.taken(self.fd)
        if answer is None:
            raise BlockingIOError
        return answer

    def close(self) -> None:
        self.open = False
        self._epoll.taken(self.fd)
        self._epoll.sockets.pop(self.fd, None)
