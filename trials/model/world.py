"""The whole system in one process: its actors, its parts, and the events from outside."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
from greenlet import getcurrent

from api import handler as api
from broadcaster.control.cell_state import CellStates, cell_state_get
from broadcaster.control.payload import ExecutionInput, RoundEnd, SenderTask
from broadcaster.control.plan import Budget
from broadcaster.control.progress import round_name
from broadcaster.control.receipt import Receipts
from broadcaster.home.cells import Cell, Cells
from broadcaster.home.fanout import Fanout
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.transports.api_gateway import ApiGateway
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.system import REGION, System
from matches.events import parse_record
from matches.ledger import Ledger
from matches.match_rows import score_prev
from subscriptions import routes
from subscriptions.store import Row
from subscriptions.viewer_counts import ViewerCounts
from trials.model import seams, storage
from trials.model.actors import CURRENT, Actor, Died, Routine, Turn
from trials.model.cloud import Queue, StepFunctions, Stream, effect
from trials.model.connections_api import Connections
from trials.model.execution import Execution
from trials.model.model_sender import ModelSender
from trials.model.reference import AGE_SECONDS, Connection, Reference
from trials.model.virtual_time import BEGIN, Clock, Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from trials.model.connections_api import Post
    from trials.model.model_viewer import ModelViewer

_CONTEXT = SimpleNamespace(
    function_name="model", memory_limit_in_mb=1, invoked_function_arn="model", aws_request_id="model"
)


class World:
    """The whole system. Only one may exist at a time; ``close`` ends it."""

    def __init__(self, db: tuple[Any, Any]) -> None:
        """``db``: two clients of the storage; the calls of the first one wait for turns."""
        self.root = getcurrent()
        self.system = System(1)
        self.db, self.raw = db
        self.reference = Reference()
        self.loop = Loop(self._in_flight)
        self.loop.set_exception_handler(lambda *_: None)
        self.clock = Clock(self.loop, BEGIN, lambda: actor.skew if (actor := CURRENT.get()) is not None else 0.0)
        self.lease_seconds, self.hand_over_seconds, self.sender_seconds = 90, 100, 55.0
        self.failing_batch: int | None = None
        """Senders of this batch die when they begin."""
        self.skew = 0.0
        """The skew of functions and executions that begin from now on, in seconds."""
        self.actors: list[Actor] = []
        self.executions: dict[str, dict[str, Any]] = {}
        self.viewers: dict[str, ModelViewer] = {}
        self.delivering: dict[str, Routine] = {}
        self._beginning: list[ModelSender] = []  # Senders that were invoked during an actor's turn, and begin after it.
        self.effects = 0
        self.faults = 0
        self.accepted: dict[str, Counter[str]] = {}
        """By round of a broadcast: the frames that the gateway accepted from it, counted by execution."""
        self._tasks: dict[int, SenderTask] = {}  # By number of a sender: the task of its invocation.
        self._transactions: set[str] = set()
        """The tokens of the transactions that were done."""
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
        broadcasts = self.system.name("broadcasts")
        self.cell_states = CellStates(broadcasts, self.raw)
        states, threads = CellStates(broadcasts, self.db), _Inline()
        starter = ApiGateway(states, self.stepfunctions, "", Budget(2, 1), 20, threads)  # type: ignore[arg-type]
        described = CellDescription(REGION, REGION, DEFAULT)
        watch = WatchdogQueue(self.watched, "", 30)  # type: ignore[arg-type]
        self.cells = Cells(
            {REGION: Cell(described, states, starter)},
            watch,
            threads,
            self.clock.monotonic,
        )
        ledger = Ledger(self.system.name("matches"), self.db)
        self.fanout = Fanout(ledger, self.cells, self.set_aside, "")  # type: ignore[arg-type]
        viewers = ViewerCounts(ledger.table, self.db)
        self.receipts = Receipts(
            ledger,
            broadcasts,
            self.db,
            viewers,
            cell=REGION,
            lease_seconds=self.lease_seconds,
            rows_per_shard=seams.SMALL,
        )

    @property
    def received(self) -> int:
        """Frames that the gateway accepted for a connection."""
        return sum(executions.total() for executions in self.accepted.values())

    def close(self) -> None:
        """Kill all actors and undo the patches."""
        for actor in self.actors:
            actor.die()
        self.connections.close()
        self.loop.settle()
        self._stack.close()

    def number(self) -> int:
        """The next number for a name."""
        return next(self._numbers)

    # The actors.

    def routine(self, name: str, work: Callable[[], Any], *, skew: float | None = None) -> Routine:
        """A new routine, which waits for its first turn."""
        routine = Routine(name, work, skew=self.skew if skew is None else skew, root=self.root)
        self.actors.append(routine)
        return routine

    def invoke_sender(self, task: SenderTask) -> ModelSender:
        """A new invocation of a sender."""
        sender = ModelSender(self, self.number(), SenderTask.parse(_through_json(task.dump())), self.skew)
        self._tasks[sender.number] = task
        self.actors.append(sender)
        self._beginning.append(sender)
        return sender

    def invoke_receipt(self, end: RoundEnd) -> Routine:
        """A new invocation of the receipt."""

        def work() -> dict[str, Any]:
            parsed = RoundEnd.parse(_through_json(end.dump()))
            return parsed.answer(another_round=self.receipts.finish(parsed)).dump()

        return self.routine(f"receipt of {end.owner}", work)

    def begin_execution(self, name: str, given: dict[str, Any]) -> Routine:
        """Step Functions begins an execution."""
        self.executions[name] = given
        execution = Execution(self, name, ExecutionInput.parse(_through_json(given)))
        self.reference.predecessors[execution.id] = execution.previous_owner
        return self.routine(execution.id, execution.run)

    def ready(self) -> list[Actor]:
        """The actors that wait before a side effect."""
        self.actors = [each for each in self.actors if not each.ended]
        return [each for each in self.actors if each.choices() and not each.hangs]

    def turn(self, actor: Actor, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """Give an actor a turn."""
        self.effects += 1
        self.faults += turn is not Turn.GO
        if isinstance(actor, ModelSender) and turn is Turn.FAIL:
            self._refuse(actor)
        actor.step(choice, turn)
        while self._beginning:
            sender = self._beginning.pop(0)
            if sender.batch == self.failing_batch:
                self.faults += 1
                sender.die()
            else:
                sender.start(self.sender_seconds)
                self.loop.settle()

    def _refuse(self, sender: ModelSender) -> None:
        for post in sender.posts():
            if (connection := self.reference.connections.get(post.connection)) is not None:
                connection.refused = True

    def fault(self, actor: ModelSender, choice: int, kind: str) -> None:
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
        """Give turns until no actor has anything to do; returns whether that was reached."""
        for _ in range(most):
            ready = self.ready()
            if ready:
                self.turn(ready[0])
            elif any(isinstance(each, ModelSender) and not each.hangs for each in self.actors):
                self.pass_time(self.loop.next_timer() or 0.0)
            else:
                return True
        return False

    # The parts on which actors act.

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
        elif operation == "UpdateItem" and given["Key"].get("sk") == {"S": "state"}:
            self._saw_state(given["Key"]["pk"]["S"].removeprefix("match#"))
        elif operation == "PutItem" and given["TableName"] == self.system.name("subscriptions"):
            item = given["Item"]
            if Row(item["pk"]["S"], item["sk"]["S"]).match:  # The other rows are notes that a connection has closed.
                self.reference.row_written(item["pk"]["S"], item["sk"]["S"], score_only="only" in item)
        elif operation == "BatchWriteItem":
            pruned = isinstance(CURRENT.get(), ModelSender)
            for request in given["RequestItems"][self.system.name("subscriptions")]:
                key = request["DeleteRequest"]["Key"]
                self.reference.row_deleted(key["pk"]["S"], key["sk"]["S"], pruned=pruned)
        elif operation == "DeleteItem" and given["TableName"] == self.system.name("subscriptions"):
            self.reference.row_deleted(given["Key"]["pk"]["S"], given["Key"]["sk"]["S"], pruned=False)
        return answer

    def _saw_events(self, given: dict[str, Any]) -> None:
        # DynamoDB does a transaction once, and answers a repetition with the same token as it answered the first
        # (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
        if given["ClientRequestToken"] in self._transactions:
            return
        self._transactions.add(given["ClientRequestToken"])
        for write in given["TransactItems"]:
            item = write.get("Put", {}).get("Item", {})
            if "body" in item:
                event = orjson.loads(item["body"]["S"])
                self.reference.numbered(item["match_id"]["S"], event, scores=score_prev(item) is not None)

    def _saw_state(self, match: str) -> None:
        row = self.raw.get_item(**cell_state_get(self.system.name("broadcasts"), match))["Item"]
        actor = CURRENT.get()
        name = (
            None
            if actor is None
            else actor.owner
            if isinstance(actor, ModelSender)
            else actor.name.removeprefix("receipt of ")
        )
        self.reference.settled(match, row, name)

    def _streamed(self, match: str, data: bytes) -> None:
        self.reference.streamed.add((match, parse_record(data).event_id))

    def _deliver(self, post: Post) -> bool:
        connection = self.reference.connections.get(post.connection)
        if connection is None or not connection.open:
            return False
        task = self._tasks[post.caller]
        self.accepted.setdefault(round_name(task.broadcast, task.round), Counter())[task.owner] += 1
        body = orjson.loads(post.frame)
        connection.sent.append((body["prev"], body["seq"]))
        for viewer in self.viewers.values():
            if viewer.connection is connection and connection.awake:
                viewer.take(post.frame)
        return True

    def _in_flight(self) -> bool:
        return any(isinstance(each, ModelSender) and each.in_flight() for each in self.actors)

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
        """The watchdog gets the oldest message, which stays until a broadcast of its event has ended."""
        if not self.watched.messages:
            return
        message = self.watched.messages.pop(0)

        def ended(routine: Routine) -> None:
            if routine.error is not None or not routine.result:
                self.watched.messages.append(message)

        def check() -> bool:
            match, seq, cell, epoch = (message[name] for name in ("match", "seq", "cell", "epoch"))
            return self.cells.check(match, seq, cell, epoch, lambda: self.fanout.ledger.state(match)) == "ended"

        self.routine("watchdog", check).on_end = ended

    def connect(self, viewer: ModelViewer) -> Connection:
        """A viewer opens a connection; no function does anything for that."""
        connection = Connection(f"viewer{self.number():04d}=", viewer.match, self.loop.time())
        self.reference.connections[connection.name] = connection
        return connection

    def leave(self, viewer: ModelViewer, *, noticed: bool) -> None:
        """A viewer leaves; ``$disconnect`` may come or not."""
        connection = viewer.connection
        if connection is None or not connection.open:
            return
        connection.open = False
        if noticed:
            event = _socket_event(connection.name, "DISCONNECT")
            self.routine("$disconnect", lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]

    def route(self, connection: Connection, request: dict[str, Any], answered: Callable[[str | None], None]) -> None:
        """A viewer sends a request."""
        event = _socket_event(connection.name, "MESSAGE") | {"body": orjson.dumps(request).decode()}
        routine = self.routine(request["action"], lambda: routes.handler(event, _CONTEXT))  # type: ignore[arg-type]
        routine.on_end = lambda ended: answered(ended.result["body"] if ended.error is None else None)

    def _request(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        claims = {"sub": "operator", "scope": seams.SCOPE, "competitions": "*"}
        context = {
            "http": {"method": method, "path": path}, "requestId": "model", "stage": "$default",
            "authorizer": {"jwt": {"claims": claims}},
        }  # fmt: skip
        event = {
            "version": "2.0", "routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": "", "headers": {},
            "requestContext": context,
            "body": orjson.dumps(body).decode(), "isBase64Encoded": False,
        }  # fmt: skip
        return api.handler(event, _CONTEXT)  # type: ignore[arg-type]


class _Inline(Executor):
    """Runs each call at once, because the model knows no threads: one of two calls beside each other comes first."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the call, and return its result or its error."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a thread would keep it
            future.set_exception(error)
        return future


def _socket_event(connection: str, kind: str) -> dict[str, Any]:
    return {"requestContext": {"connectionId": connection, "eventType": kind, "routeKey": "model"}}


def _through_json(payload: Any) -> Any:
    """A payload after its way through JSON."""
    return orjson.loads(orjson.dumps(payload))
