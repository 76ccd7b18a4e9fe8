"""The model's cell of API Gateway: its starter, executions, senders, receipts, and the connections of its viewers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.control.cell_state import CellStates
from broadcaster.control.payload import ExecutionInput, RoundEnd, SenderTask
from broadcaster.control.plan import Budget
from broadcaster.control.progress import round_name
from broadcaster.control.receipt import Receipts
from broadcaster.home.cells import Cell
from broadcaster.transports.api_gateway import ApiGateway
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.inline import Inline
from devstack.system import REGION
from matches.ledger import Ledger
from subscriptions.viewer_counts import ViewerCounts
from trials.model import seams
from trials.model.cloud import StepFunctions
from trials.model.connections_api import Connections
from trials.model.execution import Execution
from trials.model.model_sender import ModelSender

if TYPE_CHECKING:
    from trials.model.actors import Routine
    from trials.model.connections_api import Post
    from trials.model.world import World


class GatewayCell:
    """The cell, its parts, and what they have done."""

    name = REGION

    def __init__(self, world: World) -> None:
        self.world = world
        self.lease_seconds, self.hand_over_seconds, self.sender_seconds = 90, 100, 55.0
        self.failing_batch: int | None = None
        """Senders of this batch die when they begin."""
        self.executions: dict[str, dict[str, Any]] = {}
        self.accepted: dict[str, Counter[str]] = {}
        """By round of a broadcast: the frames that the gateway accepted from it, counted by execution."""
        self.connections = Connections(world.loop, self._deliver)
        self.stepfunctions = StepFunctions(self.begin_execution)
        self.table = world.system.name("broadcasts")
        self.states = CellStates(self.table, world.raw)
        """For looks at the cell's rows, which no turn decides."""
        self._tasks: dict[int, SenderTask] = {}  # By number of a sender: the task of its invocation.
        ledger = Ledger(world.system.name("matches"), world.db)
        self._receipts = Receipts(
            ledger,
            self.table,
            world.db,
            ViewerCounts(ledger.table, world.db),
            cell=self.name,
            lease_seconds=self.lease_seconds,
            rows_per_shard=seams.SMALL,
        )

    @property
    def received(self) -> int:
        """Frames that the gateway accepted for a connection."""
        return sum(executions.total() for executions in self.accepted.values())

    def cell(self) -> Cell:
        """The cell as home calls it."""
        states = CellStates(self.table, self.world.db)
        starter = ApiGateway(states, self.stepfunctions, "", Budget(2, 1), 20, Inline())  # type: ignore[arg-type]
        return Cell(CellDescription(self.name, REGION, DEFAULT), states, starter)

    def begin_execution(self, name: str, given: dict[str, Any]) -> Routine:
        """Step Functions begins an execution."""
        self.executions[name] = given
        execution = Execution(self.world, name, ExecutionInput.parse(_through_json(given)))
        self.world.reference.predecessors[execution.id] = execution.previous_owner
        return self.world.routine(execution.id, execution.run)

    def invoke_sender(self, task: SenderTask) -> ModelSender:
        """A new invocation of a sender, which begins after the turn of the actor that has invoked it."""
        world = self.world
        sender = ModelSender(world, world.number(), SenderTask.parse(_through_json(task.dump())), world.skew)
        self._tasks[sender.number] = task
        world.actors.append(sender)
        world.after_turn.append(lambda: self._begin(sender))
        return sender

    def invoke_receipt(self, end: RoundEnd) -> Routine:
        """A new invocation of the receipt."""

        def work() -> dict[str, Any]:
            parsed = RoundEnd.parse(_through_json(end.dump()))
            return parsed.answer(another_round=self._receipts.finish(parsed)).dump()

        return self.world.routine(f"receipt of {end.owner}", work)

    def refuse(self, sender: ModelSender) -> None:
        """Note that POSTs of a sender may fail: one failed POST does not hold back ``told_seq``."""
        for post in sender.posts():
            if (connection := self.world.reference.connections.get(post.connection)) is not None:
                connection.refused = True

    def fault(self, sender: ModelSender, choice: int, kind: str) -> None:
        """Answer one of a sender's POSTs wrongly."""
        posts = sender.posts()
        if posts:
            self.refuse(sender)
            self.world.faults += 1
            self.world.effects += 1
            self.connections.answer(posts[choice % len(posts)], kind)
            self.world.loop.settle()

    def _begin(self, sender: ModelSender) -> None:
        if sender.batch == self.failing_batch:
            self.world.faults += 1
            sender.die()
        else:
            sender.start(self.sender_seconds)
            self.world.loop.settle()

    def _deliver(self, post: Post) -> bool:
        connection = self.world.reference.connections.get(post.connection)
        if connection is None or not connection.open:
            return False
        task = self._tasks[post.caller]
        self.accepted.setdefault(round_name(task.broadcast, task.round), Counter())[task.owner] += 1
        body = orjson.loads(post.frame)
        connection.sent.append((body["prev"], body["seq"]))
        for viewer in self.world.viewers.values():
            if viewer.connection is connection and connection.awake:
                viewer.take(body)
        return True


def _through_json(payload: Any) -> Any:
    """A payload after its way through JSON."""
    return orjson.loads(orjson.dumps(payload))
