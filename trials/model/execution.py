"""An execution of broadcast.asl.json in the model.

The conditions and updates of its calls are read from the file. The way from state to state is written again here, and a
test compares it with the file. Payloads are those of broadcaster.control.payload.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.payload import Batch, ExecutionInput, RoundAnswer, RoundEnd, SenderTask
from devstack.system import ROOT
from runtime.refusals import AWS_ERRORS
from trials.model.actors import Died, current_routine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trials.model.world import World

TRIES = {"Send": 4, "SetAside": 3, "RenewLease": 3, "Finish": 5, "HandOver": 5}
"""The first try and MaxAttempts of a Retry's last entry, which is for every error. Here Lambda always has capacity."""


@cache
def definition() -> dict[str, Any]:
    """The state machine's states by name, those of the Map included."""
    states: dict[str, Any] = json.loads((ROOT / "broadcaster/control/broadcast.asl.json").read_text())["States"]
    return {**states, **states["Round"]["ItemProcessor"]["States"]}


class Execution:
    """One execution; ``run`` is its routine's work."""

    def __init__(self, world: World, name: str, given: ExecutionInput) -> None:
        self.world = world
        self.id = f"execution:{name}"
        self.match = given.match
        self.due_seq = given.due_seq
        self.batches = given.batches
        self.previous_owner = given.previous_owner
        self.broadcast = given.broadcast
        self.round = given.round
        self.due_at = given.due_at
        self.events = given.events
        self._started_at = 0
        self._hand_over_at = 0.0

    def run(self) -> None:
        """From Begin to the end. Raises the last error of a task whose tries have all failed."""
        world = self.world
        self._started_at = int(world.clock.time() * 1000)
        self._hand_over_at = world.clock.time() + world.gateway.hand_over_seconds
        another_round = True
        while another_round:
            batches = self._run_round()
            if any(not each.done for each in batches):
                self.batches = tuple(batches)
                self._hand_over()
                return
            answer = self._finish(batches)
            # The model damages no batch.
            self.batches = tuple(each for each in answer.batches if isinstance(each, Batch))
            self.events = ()
            self.round, another_round = self.round + 1, answer.another_round
            if another_round and world.clock.time() > self._hand_over_at:
                self._hand_over()
                return

    def _run_round(self) -> list[Batch]:
        mine = current_routine()
        skew = mine.skew if mine is not None else 0.0
        parts = [
            self.world.routine(f"{self.id} batch {each.number}", partial(self._send_batch, each), skew=skew)
            for each in self.batches
        ]
        self._wait(lambda: all(part.ended for part in parts))
        for part in parts:
            if part.error is not None:
                raise part.error
        return [part.result for part in parts]

    def _send_batch(self, batch: Batch) -> Batch:
        if batch.done:
            return batch
        failures = 0
        while True:
            sender = self.world.gateway.invoke_sender(self._task(batch))
            self._wait(lambda sender=sender: sender.ended)
            if sender.error is None:
                batch, failures = sender.result, 0
                if batch.done or self.world.clock.time() > self._hand_over_at:
                    return batch
                continue
            failures += 1
            if failures == TRIES["Send"]:
                self._set_aside()
                self._renew_lease()
                return replace(batch, done=True, reached_seq=None, cursor=None, set_aside=True)

    def _task(self, batch: Batch) -> SenderTask:
        return SenderTask(
            self.match, self.due_seq, self.id, self.previous_owner, self.broadcast, self.round, batch, self.events
        )

    def _set_aside(self) -> None:
        for _ in range(TRIES["SetAside"]):
            with suppress(*AWS_ERRORS):
                self.world.set_aside.send_message(QueueUrl="", MessageBody=json.dumps({"kind": "batch"}))
                return

    def _renew_lease(self) -> None:
        arguments = definition()["RenewLease"]["Arguments"]
        until = int(self.world.clock.time()) + self.world.gateway.lease_seconds
        for _ in range(TRIES["RenewLease"]):
            with suppress(*AWS_ERRORS):
                with suppress(self.world.db.exceptions.ConditionalCheckFailedException):
                    self.world.db.update_item(
                        TableName=self.world.system.name("broadcasts"),
                        Key=cell_state_key(self.match),
                        UpdateExpression=arguments["UpdateExpression"],
                        ConditionExpression=arguments["ConditionExpression"],
                        ExpressionAttributeValues={
                            ":until": {"N": str(until)},
                            ":owner": {"S": self.id},
                            ":previous": {"S": self.previous_owner},
                        },
                    )
                return

    def _finish(self, batches: Sequence[Batch]) -> RoundAnswer:
        end = RoundEnd(
            self.match, self.id, self.broadcast, self.round, self.due_seq, self.due_at, self._started_at, tuple(batches)
        )
        for _ in range(TRIES["Finish"]):
            part = self.world.gateway.invoke_receipt(end)
            self._wait(lambda part=part: part.ended)
            if part.error is None:
                return RoundAnswer.parse(part.result)
        raise Died

    def _hand_over(self) -> None:
        given = ExecutionInput(self.match, self.due_seq, self.due_at, self.id, self.broadcast, self.round, self.batches)
        for left in reversed(range(TRIES["HandOver"])):
            try:
                name = f"{self.broadcast}-after-{self.world.number()}"
                self.world.gateway.stepfunctions.start_execution(
                    stateMachineArn="", name=name, input=json.dumps(given.dump())
                )
            except AWS_ERRORS:
                if not left:
                    raise
            else:
                return

    @staticmethod
    def _wait(until: Any) -> None:
        routine = current_routine()
        assert routine is not None  # noqa: S101 - an execution is run by one
        routine.wait(until)
