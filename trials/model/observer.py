"""Tells the reference what the calls of DynamoDB have done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.control.cell_state import cell_state_get
from matches.match_rows import score_prev
from subscriptions.store import Row
from trials.model.actors import CURRENT
from trials.model.model_sender import ModelSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from trials.model.world import World


class Observer:
    """Looks at each call, whoever has made it, after it was done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._transactions: set[str] = set()
        """The tokens of the transactions that were done."""

    def observed(self, operation: str, given: dict[str, Any], work: Callable[[], Any]) -> Any:
        """Do a call; returns its answer."""
        answer = work()
        reference, subscriptions = self._world.reference, self._world.system.name("subscriptions")
        if operation == "TransactWriteItems":
            self._saw_events(given)
        elif operation == "UpdateItem" and given["Key"].get("sk") == {"S": "state"}:
            self._saw_state(given["TableName"], given["Key"]["pk"]["S"].removeprefix("match#"))
        elif operation == "PutItem" and given["TableName"] == subscriptions:
            item = given["Item"]
            if Row(item["pk"]["S"], item["sk"]["S"]).match:  # The other rows are notes that a connection has closed.
                reference.row_written(item["pk"]["S"], item["sk"]["S"], score_only="only" in item)
        elif operation == "BatchWriteItem":
            pruned = isinstance(CURRENT.get(), ModelSender)
            for request in given["RequestItems"][subscriptions]:
                key = request["DeleteRequest"]["Key"]
                reference.row_deleted(key["pk"]["S"], key["sk"]["S"], pruned=pruned)
        elif operation == "DeleteItem" and given["TableName"] == subscriptions:
            reference.row_deleted(given["Key"]["pk"]["S"], given["Key"]["sk"]["S"], pruned=False)
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
                scores = score_prev(item) is not None
                self._world.reference.numbered(item["match_id"]["S"], event, scores=scores)

    def _saw_state(self, table: str, match: str) -> None:
        row = self._world.raw.get_item(**cell_state_get(table, match))["Item"]
        if table == self._world.channels.table:
            self._world.reference.told_by_channels(match, row)
            return
        actor = CURRENT.get()
        name = (
            None
            if actor is None
            else actor.owner
            if isinstance(actor, ModelSender)
            else actor.name.removeprefix("receipt of ")
        )
        self._world.reference.settled(match, row, name)
