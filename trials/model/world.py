"""The whole system in one process: its cells, its parts, and the events from outside."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from api import handler as api
from broadcaster.home import watchdog
from broadcaster.home.cells import Cells
from broadcaster.home.fanout import Fanout
from broadcaster.home.watchdog_queue import WatchdogQueue
from devstack.inline import Inline
from devstack.system import System
from matches.events import parse_record
from matches.ledger import Ledger
from runtime.cell_calls import CellCalls
from subscriptions import routes
from trials.model import channel_cell, seams, storage
from trials.model.actors import Died, Routine, Turn
from trials.model.channel_cell import ChannelCell
from trials.model.cloud import Queue, Stream, effect
from trials.model.gateway_cell import GatewayCell
from trials.model.model_sender import ModelSender
from trials.model.observer import Observer
from trials.model.reference import AGE_SECONDS, Connection, Reference
from trials.model.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trials.model.model_viewer import ModelViewer

GATEWAY: Final = GatewayCell.name
CHANNELS: Final = channel_cell.NAME
"""The names of the two cells of which a world may have one or both."""

_CONTEXT = SimpleNamespace(
    function_name="model", memory_limit_in_mb=1, invoked_function_arn="model", aws_request_id="model"
)


class World(Stage):
    """The whole system. Only one may exist at a time; ``close`` ends it."""

    def __init__(self, db: tuple[Any, Any], cells: Sequence[str] = (GATEWAY,)) -> None:
        """``db``: two clients of the storage; the calls of the first one wait for turns.

        ``cells``: in the order in which home calls them.
        """
        super().__init__()
        self.system = System(1)
        self.db, self.raw = db
        self.reference = Reference()
        self.viewers: dict[str, ModelViewer] = {}
        self.delivering: dict[str, Routine] = {}
        self.kept_answers: dict[str, tuple[float, dict[str, Any]]] = {}
        """The answers of the API that caches keep: path -> when it was asked for, and the answer."""
        self._stack = ExitStack()
        self._stack.callback(self.loop.close)
        self.channels = ChannelCell(self)
        storage.make_tables(self.raw, self.system, self.channels.table)
        self._observer = Observer(self)
        original = type(self.db)._make_api_call  # noqa: SLF001
        self.db._make_api_call = lambda name, given: effect(  # noqa: SLF001
            name, lambda: self._observer.observed(name, given, lambda: original(self.db, name, given))
        )
        self.stream = Stream(self._streamed)
        self.set_aside, self.watched = Queue(), Queue()
        self._stack.enter_context(seams.on(self.system, self.clock, self.db, self.stream, self.set_aside))
        self.gateway = GatewayCell(self)
        self.ledger = Ledger(self.system.name("matches"), self.raw)
        known: dict[str, GatewayCell | ChannelCell] = {GATEWAY: self.gateway, CHANNELS: self.channels}
        self.cells = {name: known[name] for name in cells}
        """The cells of this world."""
        home = Cells(
            {name: each.cell() for name, each in self.cells.items()},
            WatchdogQueue(self.watched, "", 30),  # type: ignore[arg-type]
            Inline(),
            self.clock.monotonic,
            date=self.clock.time,
            calls=CellCalls(len(self.cells), self.clock.monotonic, gives_up=False),
        )
        ledger = Ledger(self.system.name("matches"), self.db)
        self.fanout = Fanout(ledger, home, self.set_aside, "")  # type: ignore[arg-type]
        self._stack.enter_context(seams.watching(home, ledger))

    def close(self) -> None:
        """Kill all actors and undo the patches."""
        for viewer in self.viewers.values():
            viewer.leave(noticed=False)
        for actor in self.actors:
            actor.die()
        self.gateway.connections.close()
        self.loop.settle()
        self._stack.close()

    def pass_time(self, seconds: float) -> None:
        """Let time pass; connections that have become too old are closed."""
        super().pass_time(seconds)
        for connection in self.reference.connections.values():
            if self.loop.time() - connection.opened > AGE_SECONDS:
                connection.open = False

    def call(self, name: str, arguments: dict[str, Any], *, twice: bool = False) -> Any:
        """A call of DynamoDB by a sender."""
        operation = "".join(part.title() for part in name.split("_"))

        def work() -> Any:
            return self._observer.observed(operation, arguments, lambda: getattr(self.raw, name)(**arguments))

        if twice:
            work()
        return work()

    def _streamed(self, match: str, data: bytes) -> None:
        self.reference.streamed.add((match, parse_record(data).event_id))

    def _in_flight(self) -> bool:
        return any(isinstance(each, ModelSender) and each.in_flight() for each in self.actors)

    def _waits_for_time(self) -> bool:
        if any(isinstance(each, ModelSender) and not each.hangs for each in self.actors):
            return True
        return self.loop.next_timer() is not None and any(each.busy for each in self.viewers.values())

    # Events from outside.

    def create(self, match: str, audience: int) -> None:
        """An operator creates a match."""
        body = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": audience}
        self._request("POST", "/matches", body)

    def post(self, match: str, event: dict[str, Any], *, dies_at: int | None = None) -> None:
        """An operator posts an event; the function may die before its call number ``dies_at``."""
        request = self.routine("api", lambda: self._request("POST", f"/matches/{match}/events", event))
        calls = 0
        while not request.ended:
            self.turn(request, turn=Turn.DIE_BEFORE if calls == dies_at else Turn.GO)
            calls += 1
        if request.error is None and request.result["statusCode"] == 202:
            taken = orjson.loads(request.result["body"])
            self.reference.accepted[match, taken["event_id"], taken["request"]] = None
        elif request.error is not None and not isinstance(request.error, Died):
            raise request.error

    def deliver(self, match: str, count: int, *, from_done: bool = True) -> None:
        """The event source gives records to the fan-out: the next ones, or handled ones again."""
        records, done = self.stream.records.get(match, []), self.stream.done.get(match, 0)
        first = done if from_done else max(0, done - count)
        batch = records[first : first + count]
        if not batch or (from_done and match in self.delivering):
            return

        def ended(routine: Routine) -> None:
            if from_done:
                del self.delivering[match]
                if routine.error is None:
                    self.stream.done[match] = first + len(batch)

        routine = self.routine(f"fan-out of {match}", lambda: self.fanout.handle(batch))
        routine.on_end = ended
        if from_done:
            self.delivering[match] = routine

    def look_after(self) -> None:
        """The watchdog gets the oldest message. A message that it has not done with comes again."""
        if not self.watched.messages:
            return
        message = self.watched.messages.pop(0)
        event = {"Records": [{"messageId": "model", "body": orjson.dumps(message).decode()}]}

        def ended(routine: Routine) -> None:
            if routine.error is not None or routine.result["batchItemFailures"]:
                self.watched.messages.append(message)

        self.routine("watchdog", lambda: watchdog.handler(event, _CONTEXT)).on_end = ended  # type: ignore[arg-type]

    def disconnect(self, connection: Connection) -> None:
        """API Gateway notices that a connection has ended."""
        event = _socket_event(connection.name, "DISCONNECT")
        self.routine("$disconnect", lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]

    def route(self, connection: Connection, request: dict[str, Any], answered: Callable[[str | None], None]) -> None:
        """A viewer sends a request."""
        event = _socket_event(connection.name, "MESSAGE") | {"body": orjson.dumps(request).decode()}
        routine = self.routine(request["action"], lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]
        routine.on_end = lambda ended: answered(ended.result["body"] if ended.error is None else None)

    def read(self, path: str, answered: Callable[[dict[str, Any] | None], None]) -> None:
        """A viewer reads from the API; ``answered`` gets the body, None if there is none."""
        routine = self.routine("GET", lambda: self._request("GET", path))

        def ended(routine: Routine) -> None:
            is_read = routine.error is None and routine.result["statusCode"] == HTTPStatus.OK
            answered(orjson.loads(routine.result["body"]) if is_read else None)

        routine.on_end = ended

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        path, _, query = path.partition("?")
        claims = {"sub": "operator", "scope": seams.SCOPE, "competitions": "*"}
        context = {
            "http": {"method": method, "path": path}, "requestId": "model", "stage": "$default",
            "authorizer": {"jwt": {"claims": claims}},
        }  # fmt: skip
        event = {
            "version": "2.0", "routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": query, "headers": {},
            "queryStringParameters": dict(parse_qsl(query)),
            "requestContext": context,
            "body": None if body is None else orjson.dumps(body).decode(), "isBase64Encoded": False,
        }  # fmt: skip
        return api.handler(event, _CONTEXT)  # type: ignore[arg-type]


def _socket_event(connection: str, kind: str) -> dict[str, Any]:
    return {"requestContext": {"connectionId": connection, "eventType": kind, "routeKey": "model"}}
