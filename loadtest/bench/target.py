"""The running system that a bench measures."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from broadcaster.control.cell_state import CellStates, cell_state_key
from broadcaster.control.payload import Batch, SenderTask
from broadcaster.control.progress import round_name
from loadtest.bearer import Bearer
from matches.events import EVENT, AcceptedEvent
from matches.ledger import Ledger
from matches.schedule import NewMatch
from runtime.bulk_rows import ROWS_PER_DELETE
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import partition, row_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loadtest.token_sources import TokenSource

THREADS = 4


@dataclass(frozen=True, slots=True)
class Target:
    """The addresses of the system. ``environment`` is that of the sender's function, with credentials."""

    api_url: str
    websocket_url: str
    environment: dict[str, str]
    tokens: TokenSource
    """The operator's tokens."""

    def api(self) -> httpx.AsyncClient:
        """A client of the operators' API."""
        return httpx.AsyncClient(base_url=self.api_url, timeout=30, auth=Bearer(self.tokens))

    def client(self, service: str) -> Any:
        """A boto3 client of the system."""
        env = self.environment
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_DEFAULT_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )

    def ledger(self) -> Ledger:
        """The ledger of the system."""
        return Ledger(self.environment["MATCHES_TABLE"], self.client("dynamodb"))

    def numbered(self, match: str, audience: int) -> None:
        """A match with one event in the ledger, which is due in the cell and which nobody has broadcast."""
        ledger = self.ledger()
        about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": audience}
        ledger.create(NewMatch.model_validate(about))
        ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "kick-off"})))
        cell_states = CellStates(self.environment["BROADCASTS_TABLE"], self.client("dynamodb"))
        cell_states.mark_due(match, 1, ledger.state(match).epoch)

    def lease(self, match: str, owner: str) -> None:
        """Give the lease of a match to ``owner`` for ten minutes."""
        self.client("dynamodb").update_item(
            TableName=self.environment["BROADCASTS_TABLE"],
            Key=cell_state_key(match),
            UpdateExpression="SET lease_owner = :owner, lease_until = :until, round_name = :round",
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":until": {"N": str(int(time.time()) + 600)},
                ":round": {"S": round_name(owner, 1)},
            },
        )

    @staticmethod
    def sender_task(match: str, owner: str, shards: int) -> dict[str, Any]:
        """The first input of the one sender of a broadcast that has the lease."""
        return SenderTask(match, 1, owner, owner, owner, 1, Batch(0, 0, shards, shards, 1)).dump()

    def plant(self, match: str, audience: int, connections: Iterable[str], say: Callable[[int], None]) -> None:
        """Write a row for each connection; ``say`` gets the number so far."""
        client, table = self.client("dynamodb"), self.environment["SUBSCRIPTIONS_TABLE"]
        shards, until = initial_shards(audience), {"N": str(int(time.time()) + 7200)}

        def put(batch: list[str]) -> None:
            items = [{**row_key(partition(match, shard_of(each, shards)), each), "ttl": until} for each in batch]
            waiting: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
            while waiting:
                waiting = client.batch_write_item(RequestItems=waiting).get("UnprocessedItems")

        everyone = list(connections)
        batches = [everyone[at : at + ROWS_PER_DELETE] for at in range(0, len(everyone), ROWS_PER_DELETE)]
        with ThreadPoolExecutor(THREADS) as pool:
            for number, _ in enumerate(pool.map(put, batches), 1):
                if number % 400 == 0:
                    say(number * ROWS_PER_DELETE)
