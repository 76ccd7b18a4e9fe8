"""What a sender reads and writes in DynamoDB beside the subscriptions: the match, its lease, the live broadcasts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster import live
from broadcaster.frames import Frames, build
from broadcaster.lease import CONFLICT_PAUSES, renewal
from matches.ledger import MatchState, events_query, parse_event, parse_state, row_key, score_prev, state_get
from matches.snapshot import EVENTS_PER_FRAME

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRESS_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the world: the match, who has its lease until when, and all live broadcasts."""

    state: MatchState
    owner: str | None
    lease_until: int
    broadcasts: list[live.Broadcast]


@dataclass(frozen=True, slots=True)
class Records:
    """The tables, through an aiobotocore client. Raises botocore's ClientError and BotoCoreError."""

    db: Any
    matches: str
    broadcasts: str
    lease_seconds: int

    async def look(self, match: str) -> Look:
        """Read the match and the live broadcasts, consistently."""
        found, live_rows = await asyncio.gather(
            self.db.get_item(**state_get(self.matches, match)), self.db.query(**live.live_query(self.broadcasts))
        )
        item = found["Item"]
        return Look(
            state=parse_state(item),
            owner=item["lease_owner"]["S"] if "lease_owner" in item else None,
            lease_until=int(item["lease_until"]["N"]) if "lease_until" in item else 0,
            broadcasts=live.parse(live_rows["Items"]),
        )

    async def frames(self, state: MatchState) -> Frames | None:
        """The frames that bring the viewers of a match to where ``state`` stands; None if there is nothing to tell."""
        query = events_query(self.matches, state.match, state.told, EVENTS_PER_FRAME, newest=True)
        items = (await self.db.query(**query))["Items"]
        return build(state, [(parse_event(item), score_prev(item)) for item in reversed(items)])

    async def renew(self, match: str, owner: str) -> bool:
        """Keep the lease and the place among the live broadcasts; returns False if the lease is another's by now."""
        until = int(time.time()) + self.lease_seconds
        if not await self._update_state(renewal(self.matches, match, owner, until)):
            return False
        await self._update_live(live.renewal(self.broadcasts, match, owner, until))
        return True

    async def ended(self, match: str, owner: str, batch: int, *, is_ended: bool) -> live.Broadcast | None:
        """Say that a batch has ended, or goes on after all; returns the broadcast, None if it is not live any more."""
        return await self._update_live(live.ended(self.broadcasts, match, owner, batch, is_ended=is_ended))

    async def report(self, task: Mapping[str, Any], seq: int, counts: Mapping[str, int]) -> None:
        """Overwrite this batch's row; the receipt is the sum of these rows."""
        body = {"batch": task["batch"], "seq": seq, **counts}
        await self.db.put_item(
            TableName=self.matches,
            Item={
                **row_key(task["match"], progress_item(task["broadcast"], task["round"], task["batch"])),
                "body": {"S": orjson.dumps(body).decode()},
                "ttl": {"N": str(int(time.time()) + PROGRESS_SECONDS)},
            },
        )

    async def _update_state(self, update: dict[str, Any]) -> bool:
        for pause in CONFLICT_PAUSES:
            try:
                await self.db.update_item(**update)
            except self.db.exceptions.ConditionalCheckFailedException:
                return False
            except self.db.exceptions.TransactionConflictException:
                # An event of this match is being numbered at this moment.
                await asyncio.sleep(pause)
            else:
                return True
        # The lease lives on from the last renewal; it is not lost.
        return True

    async def _update_live(self, update: dict[str, Any]) -> live.Broadcast | None:
        try:
            answer = await self.db.update_item(**update)
        except self.db.exceptions.ConditionalCheckFailedException:
            return None
        return live.parse([answer["Attributes"]])[0] if "Attributes" in answer else None


def progress_item(broadcast: str, number: int, batch: int | None = None) -> str:
    """The sort key of a batch's progress row, or the prefix that all batches of a round share."""
    return f"progress#{broadcast}#{number}#" + ("" if batch is None else f"{batch:03d}")
