"""An execution of broadcast.asl.json as the model walks it.

The conditions and updates of its calls are read from the file; the way from state to state is written here again, and a
test compares the two.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broadcaster.control import rate_share
from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.progress import round_name
from devstack.system import ROOT
from trials.model.actors import Died, current_routine

if TYPE_CHECKING:
    from trials.model.world import World

TRIES = {"TakeLease": 5, "Announce": 3, "Send": 4, "SetAside": 3, "KeepLease": 3, "Finish": 5, "HandOver": 5}
"""MaxAttempts of a Retry's last entry, which is for every error, and the first try. Nothing here is short of Lambda."""


@cache
def definition() -> dict[str, Any]:
    """The state machine's states by name, those of the Map included."""
    states: dict[str, Any] = json.loads((ROOT / "broadcaster/control/broadcast.asl.json").read_text())["States"]
    return {**states, **states["Round"]["ItemProcessor"]["States"]}


class Execution:
    """One execution; ``run`` is its routine's work."""

    def __init__(self, world: World, name: str, given: dict[str, Any]) -> None:
        self.world = world
        self.id = f"execution:{name}"
        self.match: str = given["match"]
        self.seq: int = given["seq"]
        self.batches: list[dict[str, Any]] = given["batches"]
        self.before: str | None = given.get("before")
        self.broadcast: str = given.get("broadcast", name)
        self.round: int = given.get("round", 1)
        self._hand_over_at = 0.0

    def run(self) -> None:
        """From TakeLease to the end. Raises what is left of an error after all tries: the execution has failed."""
        world = self.world
        if not self._take_lease():
            if self.before is not None:
                owner, lost = self.before, {"done": True, "lost": True, "reached": None}
                self._finish([{**each, **lost} for each in self.batches], owner)
            return
        self._hand_over_at = world.clock.time() + world.hand_over_seconds
        again = True
        while again:
            self._announce()
            results = self._round()
            if any(not each["done"] for each in results):
                self.batches = results
                self._hand_over()
                return
            answer = self._finish(results, self.id)
            self.batches, self.round, again = answer["batches"], self.round + 1, answer["again"]
            if again and world.clock.time() > self._hand_over_at:
                self._hand_over()
                return

    def _take_lease(self) -> bool:
        said = definition()["TakeLease"]["Arguments"]
        now = int(self.world.clock.time())
        for left in reversed(range(TRIES["TakeLease"])):
            try:
                self.world.db.update_item(
                    TableName=self.world.system.name("broadcasts"),
                    Key=cell_state_key(self.match),
                    UpdateExpression=said["UpdateExpression"],
                    ConditionExpression=said["ConditionExpression"],
                    ExpressionAttributeValues={
                        ":owner": {"S": self.id},
                        ":before": {"S": self.before or "nobody"},
                        ":now": {"N": str(now)},
                        ":until": {"N": str(now + self.world.lease_seconds)},
                        ":seq": {"N": str(self.seq)},
                        ":round": {"S": round_name(self.broadcast, self.round)},
                    },
                )
            except self.world.db.exceptions.ConditionalCheckFailedException:
                return False
            except ClientError:
                if not left:
                    raise
            else:
                return True
        return False

    def _announce(self) -> None:
        until = int(self.world.clock.time()) + self.world.lease_seconds
        senders = sum(not each.get("done", False) for each in self.batches)
        for _ in range(TRIES["Announce"]):
            with suppress(ClientError):
                self.world.db.put_item(
                    TableName=self.world.system.name("broadcasts"),
                    Item={
                        **rate_share.rate_share_key(self.match), "owner": {"S": self.id},
                        "batches": {"N": str(senders)}, "ttl": {"N": str(until)},
                    },
                )  # fmt: skip
                return

    def _round(self) -> list[dict[str, Any]]:
        about = {"match": self.match, "owner": self.id, "broadcast": self.broadcast, "round": self.round}
        mine = current_routine()
        skew = mine.skew if mine is not None else 0.0
        parts = [
            self.world.routine(f"{self.id} batch {each['batch']}", partial(self._batch, each), skew=skew)
            for each in [{**each, **about} for each in self.batches]
        ]
        self._wait(lambda: all(part.ended for part in parts))
        for part in parts:
            if part.error is not None:
                raise part.error
        return [part.result for part in parts]

    def _batch(self, task: dict[str, Any]) -> dict[str, Any]:
        if task.get("done"):
            return task
        failures = 0
        while True:
            sender = self.world.invoke_sender(task)
            self._wait(lambda sender=sender: sender.ended)
            if sender.error is None:
                task, failures = sender.result, 0
                if task["done"] or self.world.clock.time() > self._hand_over_at:
                    return task
                continue
            failures += 1
            if failures == TRIES["Send"]:
                self._set_aside()
                self._keep_lease()
                return {**task, "done": True, "lost": False, "reached": None, "set_aside": True}

    def _set_aside(self) -> None:
        for _ in range(TRIES["SetAside"]):
            with suppress(ClientError):
                self.world.set_aside.send_message(QueueUrl="", MessageBody=json.dumps({"kind": "batch"}))
                return

    def _keep_lease(self) -> None:
        said = definition()["KeepLease"]["Arguments"]
        until = int(self.world.clock.time()) + self.world.lease_seconds
        for _ in range(TRIES["KeepLease"]):
            with suppress(ClientError):
                with suppress(self.world.db.exceptions.ConditionalCheckFailedException):
                    self.world.db.update_item(
                        TableName=self.world.system.name("broadcasts"),
                        Key=cell_state_key(self.match),
                        UpdateExpression=said["UpdateExpression"],
                        ConditionExpression=said["ConditionExpression"],
                        ExpressionAttributeValues={":until": {"N": str(until)}, ":owner": {"S": self.id}},
                    )
                return

    def _finish(self, results: list[dict[str, Any]], owner: str) -> dict[str, Any]:
        event = {
            "v": 1, "match": self.match, "owner": owner, "broadcast": self.broadcast, "round": self.round,
            "seq": self.seq, "results": results,
        }  # fmt: skip
        for _ in range(TRIES["Finish"]):
            part = self.world.invoke_receipt(event)
            self._wait(lambda part=part: part.ended)
            if part.error is None:
                answer: dict[str, Any] = part.result
                return answer
        raise Died

    def _hand_over(self) -> None:
        given = {
            "v": 1, "match": self.match, "seq": self.seq, "before": self.id, "broadcast": self.broadcast,
            "round": self.round, "batches": self.batches,
        }  # fmt: skip
        for left in reversed(range(TRIES["HandOver"])):
            try:
                name = f"{self.broadcast}-after-{self.world.number()}"
                self.world.stepfunctions.start_execution(stateMachineArn="", name=name, input=json.dumps(given))
            except ClientError:
                if not left:
                    raise
            else:
                return

    @staticmethod
    def _wait(until: Any) -> None:
        routine = current_routine()
        assert routine is not None  # noqa: S101 - an execution is run by one
        routine.wait(until)
