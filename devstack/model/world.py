"""The whole system in one process: who acts, what they act on, and the rest that may happen between two of their steps."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
from greenlet import getcurrent

from broadcaster.carousel import Carousel, Tools
from broadcaster.connection import Stage
from broadcaster.fanout import Fanout
from broadcaster.gateway import Gateway
from broadcaster.plan import Budget
from broadcaster.receipt import Receipts, Round
from broadcaster.records import Records
from broadcaster.signing import Credentials, Endpoint
from broadcaster.starter import Starter
from broadcaster.watchdog import Watchdog
from devstack.model import seams, storage
from devstack.model.actors import CURRENT, Actor, Died, Invocation, Routine, Turn
from devstack.model.clock import Clock, Loop
from devstack.model.cloud import Queue, StepFunctions, Stream, effect, refusal
from devstack.model.execution import Execution
from devstack.model.gateway import Connections, Post
from devstack.model.reference import AGE_SECONDS, Connection, Reference, replayed
from devstack.model.viewer import Viewer
from devstack.system import REGION, System
from matches import api
from matches.events import parse_record
from matches.ledger import Ledger, score_prev, state_get
from subscriptions import routes

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = 1_766_000_000.0
"""The date at the beginning of every run, in seconds since the epoch."""

_CONTEXT = SimpleNamespace(
    function_name="model", memory_limit_in_mb=1, invoked_function_arn="model", aws_request_id="model"
)


class Sender(Invocation):
    """One invocation of a sender, with a gateway client of its own."""

    def __init__(self, world: World, number: int, task: dict[str, Any], skew: float) -> None:
        super().__init__(f"sender {number} of {task['owner']}", world.loop, skew=skew)
        self.number = number
        self.owner: str = task["owner"]
        self.gateway: Gateway | None = None
        self._world = world
        self._input = task

    def start(self, seconds: float) -> None:
        """Run, with so many seconds before it has to come to an end."""

        async def work() -> dict[str, Any]:
            world = self._world
            url = f"http://127.0.0.1:{world.connections.port}/{self.number}"
            credentials = Credentials("model", "model")
            gateway = self.gateway = await Gateway.open(
                Endpoint.parse(url, REGION), lambda: credentials, connections=2, clock=lambda: BEGIN
            )
            db = _AsyncDb(self, world)
            records = Records(db, world.system.name("matches"), world.system.name("broadcasts"), world.lease_seconds)
            tools = Tools(db, gateway, records, world.system.name("subscriptions"), rate=100_000)
            try:
                return await Carousel(tools, self._input, world.loop.time() + seconds).run()
            finally:
                await gateway.close()

        self.begin(work)

    def posts(self) -> list[Post]:
        """Its POSTs that wait to be answered."""
        return self._world.connections.of(self.number) if not self.ended else []

    def choices(self) -> int:
        return super().choices() + len(self.posts())

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:
        calls, posts = super().choices(), self.posts()
        choice %= max(1, calls + len(posts))
        if choice < calls:
            super().step(choice, turn)
            return
        self.effects += 1
        if turn is not Turn.DIE_BEFORE:
            self._world.connections.answer(posts[choice - calls], "throttled" if turn is Turn.FAIL else None)
            self._loop.settle()
        if turn in (Turn.DIE_BEFORE, Turn.DIE_AFTER):
            self.die()

    def in_flight(self) -> bool:
        """Whether bytes of its are on their way between two sockets."""
        if self.gateway is None or self.ended:
            return False
        stages = [each.stage for each in self.gateway._connections.values()]  # noqa: SLF001
        opening = Stage.OPENING in stages or Stage.HANDSHAKE in stages
        return opening or stages.count(Stage.BUSY) > len(self.posts())


class _AsyncDb:
    """DynamoDB for a sender: each call waits for its turn. Pages of subscriptions are small."""

    def __init__(self, sender: Sender, world: World) -> None:
        self._sender = sender
        self._world = world
        self.exceptions = world.raw.exceptions

    def __getattr__(self, name: str) -> Any:
        async def call(**arguments: Any) -> Any:
            turn = await self._sender.pause(name)
            if turn is Turn.FAIL:
                raise refusal(name, "ProvisionedThroughputExceededException")
            if name == "query" and arguments["TableName"] == self._world.system.name("subscriptions"):
                arguments["Limit"] = seams.SMALL
            return self._world.call(name, arguments, twice=turn is Turn.TWICE)

        return call


class World:
    """All of it. ``close`` ends it; one at a time."""

    def __init__(self, db: tuple[Any, Any]) -> None:
        """``db``: two clients of the storage, of which the first will wait for turns."""
        self.root = getcurrent()
        self.system = System(1)
        self.db, self.raw = db
        self.reference = Reference()
        self.loop = Loop(self._in_flight)
        self.loop.set_exception_handler(lambda *_: None)
        self.clock = Clock(self.loop, BEGIN, lambda: actor.skew if (actor := CURRENT.get()) is not None else 0.0)
        self.lease_seconds, self.hand_over_seconds, self.sender_seconds = 90, 160, 55.0
        self.skew = 0.0
        """Of the functions and executions that begin from now on."""
        self.actors: list[Actor] = []
        self.executions: dict[str, dict[str, Any]] = {}
        self.viewers: dict[str, Viewer] = {}
        self.delivering: dict[str, Routine] = {}
        self._beginning: list[Sender] = []  # They were invoked in the middle of somebody's turn, and begin after it.
        self.effects = 0
        self.faults = 0
        self.received = 0
        """Frames that the gateway took for a connection."""
        self._numbers = itertools.count(1)
        self._stack = ExitStack()
        storage.make_tables(self.raw, self.system)
        original = type(self.db)._make_api_call  # noqa: SLF001
        self.db._make_api_call = lambda name, given: effect(  # noqa: SLF001
            name, lambda: self._observed(name, given, lambda: original(self.db, name, given))
        )
        self.stream = Stream(self._streamed)
        self.set_aside, self.watched = Queue(), Queue()
        self.stepfunctions = StepFunctions(self.begin_execution)
        self.connections = Connections(self.loop, self._deliver)
        self._stack.callback(self.loop.close)
        self._stack.enter_context(seams.on(self.system, self.clock, self.db, self.stream))
        self.ledger = Ledger(self.system.name("matches"), self.raw)
        starter = Starter(self.stepfunctions, self.watched, "", "", 30, Budget(2, 1))  # type: ignore[arg-type]
        matches_table = self.system.name("matches")
        self.fanout = Fanout(Ledger(matches_table, self.db), starter, self.set_aside, "")  # type: ignore[arg-type]
        self.watchdog = Watchdog(matches_table, self.db, starter)
        self.receipts = Receipts(matches_table, self.system.name("broadcasts"), self.db, self.lease_seconds)

    def close(self) -> None:
        """Kill everybody and take everything back."""
        for actor in self.actors:
            actor.die()
        self.connections.close()
        self.loop.settle()
        self._stack.close()

    def number(self) -> int:
        """The next of the numbers that names are made of."""
        return next(self._numbers)

    # Who acts.

    def routine(self, name: str, work: Callable[[], Any], *, skew: float | None = None) -> Routine:
        """Somebody new, who waits for the first turn."""
        routine = Routine(name, work, skew=self.skew if skew is None else skew, root=self.root)
        self.actors.append(routine)
        return routine

    def invoke_sender(self, task: dict[str, Any]) -> Sender:
        """A new invocation of a sender."""
        sender = Sender(self, self.number(), orjson.loads(orjson.dumps(task)), self.skew)
        self.actors.append(sender)
        self._beginning.append(sender)
        return sender

    def invoke_receipt(self, event: dict[str, Any]) -> Routine:
        """A new invocation of the end of a round."""

        def work() -> dict[str, Any]:
            done = Round.parse(orjson.loads(orjson.dumps(event)))
            return {"again": self.receipts.finish(done), "batches": done.next_batches()}

        return self.routine(f"receipt of {event['owner']}", work)

    def begin_execution(self, name: str, given: dict[str, Any]) -> Routine:
        """Step Functions begins an execution."""
        self.executions[name] = given
        execution = Execution(self, name, orjson.loads(orjson.dumps(given)))
        return self.routine(execution.id, execution.run)

    def ready(self) -> list[Actor]:
        """Who stands before a side effect."""
        self.actors = [each for each in self.actors if not each.ended]
        return [each for each in self.actors if each.choices()]

    def turn(self, actor: Actor, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """Have somebody act."""
        self.effects += 1
        self.faults += turn is not Turn.GO
        if isinstance(actor, Sender) and turn is Turn.FAIL:
            self._refuse(actor)
        actor.step(choice, turn)
        while self._beginning:
            self._beginning.pop(0).start(self.sender_seconds)
            self.loop.settle()

    def _refuse(self, sender: Sender) -> None:
        for post in sender.posts():
            if (connection := self.reference.connections.get(post.connection)) is not None:
                connection.refused = True

    def fault(self, actor: Sender, choice: int, kind: str) -> None:
        """Answer one of a sender's POSTs wrongly."""
        posts = actor.posts()
        if posts:
            self._refuse(actor)
            self.faults += 1
            self.effects += 1
            self.connections.answer(posts[choice % len(posts)], kind)
            self.loop.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass; connections that have become too old are closed."""
        self.loop.advance(seconds)
        for connection in self.reference.connections.values():
            if self.loop.time() - connection.opened > AGE_SECONDS:
                connection.open = False

    def rest(self, most: int = 3_000) -> bool:
        """Let everybody act in turn until nothing is left to do at all; returns whether it came to that."""
        for _ in range(most):
            ready = self.ready()
            if ready:
                self.turn(ready[0])
            elif any(isinstance(each, Sender) for each in self.actors) and (wait := self.loop.next_timer()) is not None:
                self.pass_time(wait)
            else:
                return True
        return False

    # What they act on.

    def call(self, name: str, arguments: dict[str, Any], *, twice: bool = False) -> Any:
        """A call of DynamoDB by a sender."""
        operation = "".join(part.title() for part in name.split("_"))

        def work() -> Any:
            return self._observed(operation, arguments, lambda: getattr(self.raw, name)(**arguments))

        if twice:
            work()
        return work()

    def _observed(self, operation: str, given: dict[str, Any], work: Callable[[], Any]) -> Any:
        answer = work()
        if operation == "TransactWriteItems":
            self._saw_events(given)
        elif operation == "UpdateItem" and given["Key"].get("item") == {"S": "state"}:
            self._saw_state(given["Key"]["match_id"]["S"])
        elif operation == "PutItem" and "pk" in given["Item"]:
            item = given["Item"]
            self.reference.row_written(item["pk"]["S"], item["sk"]["S"], score_only="only" in item)
        elif operation == "BatchWriteItem":
            pruned = isinstance(CURRENT.get(), Sender)
            for request in given["RequestItems"][self.system.name("subscriptions")]:
                key = request["DeleteRequest"]["Key"]
                self.reference.row_deleted(key["pk"]["S"], key["sk"]["S"], pruned=pruned)
        return answer

    def _saw_events(self, given: dict[str, Any]) -> None:
        for write in given["TransactItems"]:
            item = write.get("Put", {}).get("Item", {})
            if "body" in item:
                event = orjson.loads(item["body"]["S"])
                self.reference.numbered(item["match_id"]["S"], event, scores=score_prev(item) is not None)

    def _saw_state(self, match: str) -> None:
        row = self.raw.get_item(**state_get(self.system.name("matches"), match))["Item"]
        actor = CURRENT.get()
        name = None if actor is None else actor.owner if isinstance(actor, Sender) else actor.name.removeprefix("receipt of ")
        self.reference.settled(match, row, name)

    def _streamed(self, match: str, data: bytes) -> None:
        self.reference.streamed.add((match, parse_record(data).event_id))

    def _deliver(self, name: str, frame: bytes) -> bool:
        connection = self.reference.connections.get(name)
        if connection is None or not connection.open:
            return False
        self.received += 1
        body = orjson.loads(frame)
        connection.sent.append((body["prev"], body["seq"]))
        for viewer in self.viewers.values():
            if viewer.connection is connection and connection.awake:
                viewer.take(frame)
        return True

    def _in_flight(self) -> bool:
        return any(isinstance(each, Sender) and each.in_flight() for each in self.actors)

    # What happens from outside.

    def create(self, match: str, audience: int) -> None:
        """An operator schedules a match."""
        body = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": audience}
        self._request("POST", "/matches", body)

    def post(self, match: str, event: dict[str, Any], *, dies_at: int | None = None) -> None:
        """An operator posts an event; the function may die before its call number ``dies_at``."""
        request = self.routine("api", lambda: self._request("POST", f"/matches/{match}/events", event))
        calls = 0
        while not request.ended:
            self.turn(request, turn=Turn.DIE_BEFORE if calls == dies_at else Turn.GO)
            calls += 1
        if request.error is None and request.result == 202:
            self.reference.accepted[match, event["event_id"]] = None
        elif request.error is not None and not isinstance(request.error, Died):
            raise request.error

    def deliver(self, match: str, count: int, *, from_done: bool = True) -> None:
        """The event source hands records to the fan-out: those that are next, or again some that were handled."""
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
        """The watchdog gets the oldest message; one that is not settled stays."""
        if not self.watched.messages:
            return
        message = self.watched.messages.pop(0)

        def ended(routine: Routine) -> None:
            if routine.error is not None or not routine.result:
                self.watched.messages.append(message)

        self.routine("watchdog", lambda: self.watchdog.settled(message["match"], message["seq"])).on_end = ended

    def connect(self, viewer: Viewer) -> Connection:
        """A viewer opens a connection; what functions do with that is nothing."""
        connection = Connection(f"viewer{self.number():04d}=", viewer.match, self.loop.time())
        self.reference.connections[connection.name] = connection
        return connection

    def leave(self, viewer: Viewer, *, noticed: bool) -> None:
        """A viewer goes; ``$disconnect`` may come or not."""
        connection = viewer.connection
        if connection is None or not connection.open:
            return
        connection.open = False
        if noticed:
            event = _socket_event(connection.name, "DISCONNECT")
            self.routine("$disconnect", lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]

    def route(self, connection: Connection, request: dict[str, Any], answered: Callable[[str | None], None]) -> None:
        """A viewer asks for something."""
        event = _socket_event(connection.name, "MESSAGE") | {"body": orjson.dumps(request).decode()}
        routine = self.routine(request["action"], lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]
        routine.on_end = lambda ended: answered(ended.result["body"] if ended.error is None else None)

    def _request(self, method: str, path: str, body: dict[str, Any]) -> int:
        event = {
            "version": "2.0", "routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": "", "headers": {},
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "model", "stage": "$default"},
            "body": orjson.dumps(body).decode(), "isBase64Encoded": False,
        }  # fmt: skip
        status: int = api.handler(event, _CONTEXT)["statusCode"]  # type: ignore[arg-type]
        return status

    # The end.

    def quiet(self, match: str) -> None:
        """No more faults: everybody awake, one more event of the score, and everything runs to its end. Then look."""
        self.skew = 0.0
        for actor in self.actors:
            actor.skew = 0.0
        self._run_out(match)
        for viewer in self.viewers.values():
            if viewer.connection is not None:
                viewer.connection.awake = True
        self._care()
        status = self.ledger.state(match).board.status
        last: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 90}
        self.post(match, {"event_id": "last", **({"kind": "kick_off"} if status == "scheduled" else last)})
        self._run_out(match)
        self._care()
        self._check(match)

    def _run_out(self, match: str) -> None:
        for _ in range(40):
            if not self.rest():
                break
            if self.stream.waiting(match):
                self.deliver(match, 100)
            elif self.watched.messages:
                self.look_after()
                self.pass_time(30.0)
            else:
                return
        state = self.ledger.state(match)
        self.reference.breaks(f"{match} does not come to rest: {replace(state, board=None)}")  # type: ignore[arg-type]

    def _care(self) -> None:
        for _ in range(5):
            if not any([viewer.care() for viewer in self.viewers.values()]):
                return
            self.rest()

    def _check(self, match: str) -> None:
        reference, state = self.reference, self.ledger.state(match)
        events = reference.ledger.get(match, [])
        kept = [event["event_id"] for event in self.ledger.history(match, 0, 500)]
        if kept != [event["event_id"] for event in events] or state.seq != len(kept):
            reference.breaks(f"{match}: the history says {kept}, at {state.seq}")
        if (state.told, state.tried) != (state.seq, state.seq):
            reference.breaks(f"{match}: {state.seq} events, but told {state.told} and tried {state.tried}")
        for key in reference.accepted:
            outcome = self.ledger.outcome(*key)
            if outcome is None or outcome.status == "pending":
                reference.breaks(f"{key} was answered 202 and is neither applied nor refused")
        replay = replayed(
            [parse_record(orjson.dumps({"v": 1, "match": match, "at": each["at"], "event": _posted(each)})) for each in events]
        )
        if state.board != replay or state.board.score != reference.score(match):
            reference.breaks(f"{match}: the board is {state.board}, a replay gives {replay}")
        for viewer in self.viewers.values():
            if viewer.there and viewer.wants:
                reference.complete(viewer.name, match, score_only=viewer.score_only)
                if viewer.follower.score != state.board.score:
                    reference.breaks(f"{viewer.name} shows {viewer.follower.score}, it is {state.board.score}")
        wanted = {
            viewer.connection.name for viewer in self.viewers.values() if viewer.there and viewer.wants and viewer.connection
        }
        rows = {item["sk"]["S"] for item in self.raw.scan(TableName=self.system.name("subscriptions"))["Items"]}
        if rows != wanted:
            reference.breaks(f"rows of {sorted(rows)}, connected are {sorted(wanted)}")
        told = sum(receipt["accepted"] for receipt in self.ledger.receipts(match))
        if told > self.received or (not self.faults and told != self.received):
            reference.breaks(f"receipts say {told} accepted, the gateway took {self.received}")


def _posted(event: dict[str, Any]) -> dict[str, Any]:
    ours = ("seq", "at", "score", "shootout", "cancels_seq", "scores")
    return {name: value for name, value in event.items() if name not in ours}


def _socket_event(connection: str, kind: str) -> dict[str, Any]:
    return {"requestContext": {"connectionId": connection, "eventType": kind, "routeKey": "model"}}
