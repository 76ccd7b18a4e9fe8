"""The function behind the routes of the stand-ins of ``bench crowd``: it writes the rows of many viewers together.

The product's function asks DynamoDB six times for each subscribe. A hundred thousand of them take MiniStack and boto3 a
quarter of an hour on two cores. Joining is no part of the bench, so this function keeps the order of the product (first
the row, then a consistent read of the match), but for up to ROWS viewers at once. It leaves out the index, the note of
closed connections and the count of viewers. All other requests go to the product's function.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from concurrent.futures import Future
from functools import cache
from typing import Any

import boto3
import orjson

from matches.ledger import Ledger
from matches.recent_events import RecentEvents
from matches.snapshot import snapshot
from runtime.bulk_rows import ROWS_PER_DELETE as ROWS
from subscriptions import routes
from subscriptions.protocol import dumps
from subscriptions.shard_counts import ShardCounts
from subscriptions.shards import shard_of
from subscriptions.store import ROW_SECONDS, partition, row_key

MATCH = "bench-crowd"
THREADS = 64
"""Threads of the stand-in: each holds one subscribe that waits for its rows."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Serve a subscribe to MATCH together with others, and every other event as the product does."""
    about = event["requestContext"]
    connection: str = about["connectionId"]
    if about["eventType"] == "MESSAGE":
        request = orjson.loads(event.get("body") or "{}")
        if request.get("action") == "subscribe" and request.get("match") == MATCH:
            return {"statusCode": 200, "body": _writer().subscribe(connection)}
    if about["eventType"] == "DISCONNECT" and connection in _writer().connections:
        # The whole system ends with the crowd: nothing reads the rows any more.
        return {"statusCode": 200}
    return routes.handler(event, context)


class _Writer:
    """Writes waiting rows, up to ROWS in one request, and reads the match after each request."""

    def __init__(self) -> None:
        db: Any = boto3.client("dynamodb")
        self._db, self._table = db, os.environ["SUBSCRIPTIONS_TABLE"]
        self._ledger = Ledger(os.environ["MATCHES_TABLE"], db)
        self._recent = RecentEvents(self._ledger)
        self._shards = ShardCounts(os.environ["BROADCASTS_TABLE"], db)
        self._waiting: queue.SimpleQueue[tuple[str, Future[str]]] = queue.SimpleQueue()
        self.connections: set[str] = set()
        threading.Thread(target=self._run, name="crowd-rows", daemon=True).start()

    def subscribe(self, connection: str) -> str:
        """Write the row of a connection; returns its snapshot. Raises the errors of the request."""
        answer: Future[str] = Future()
        self.connections.add(connection)
        self._waiting.put((connection, answer))
        return answer.result()

    def _run(self) -> None:
        while True:
            waiting = [self._waiting.get()]
            while len(waiting) < ROWS and not self._waiting.empty():
                waiting.append(self._waiting.get())
            try:
                text = self._write([connection for connection, _ in waiting])
            except Exception as error:  # noqa: BLE001  # Each waiting subscribe raises it.
                for _, answer in waiting:
                    answer.set_exception(error)
            else:
                for _, answer in waiting:
                    answer.set_result(text)

    def _write(self, connections: list[str]) -> str:
        shards = self._shards.number(self._ledger.state(MATCH))
        until = {"N": str(int(time.time()) + ROW_SECONDS)}
        items = [{**row_key(partition(MATCH, shard_of(each, shards)), each), "ttl": until} for each in connections]
        waiting: Any = {self._table: [{"PutRequest": {"Item": item}} for item in items]}
        while waiting:
            waiting = self._db.batch_write_item(RequestItems=waiting).get("UnprocessedItems")
        state = self._ledger.state(MATCH)
        return dumps(snapshot(state, self._recent.up_to(state), None, viewers=None))


_making = threading.Lock()


def _writer() -> _Writer:
    with _making:
        return _made()


@cache
def _made() -> _Writer:
    return _Writer()
