"""Lambda: one item of the state machine's Map. Walks its shards and posts the match's newest frame to each row.

A sender that runs out of time returns its own input with a cursor, and the state machine invokes it again with that.
Everything that must outlive an invocation is in that input, so an invocation that is repeated repeats the same
numbers: its progress row is overwritten, never added to.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import aioboto3
import orjson
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.frames import Frames, build
from broadcaster.gateway import CONNECTIONS, Answer, Gateway, Tally
from broadcaster.lease import CONFLICT_PAUSES, renewal
from broadcaster.pacing import TokenBucket
from broadcaster.plan import shards_of
from broadcaster.walk import Cursor, Stop, Walk
from matches import aws
from matches.ledger import events_query, parse_event, parse_state, row_key, score_prev, state_get
from matches.snapshot import EVENTS_PER_FRAME
from subscriptions.shards import shard_count
from subscriptions.store import BATCH
from subscriptions.store import row_key as subscription_key

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from matches.ledger import MatchState

MARGIN_SECONDS = 5.0
"""Before the time-out of the function: stop taking rows, let what is on the wire end, write the progress."""

PROGRESS_SECONDS = 24 * 3600

PRUNE_PAUSES = (0.05, 0.2, 0.5)

logger = Logger(service="sender")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a sender is told by its environment."""

    matches: str
    subscriptions: str
    lease_seconds: int


@dataclass(slots=True)
class Counts:
    """What one batch has done in this round, over all its invocations."""

    rows: int = 0
    accepted: int = 0
    gone: int = 0
    failed: int = 0
    skipped: int = 0
    throttled: int = 0
    queries: int = 0
    invocations: int = 0
    started: int = 0
    ended: int = 0

    def to_dict(self) -> dict[str, int]:
        """The counts as the state machine carries them; times in milliseconds since the epoch."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Sender:
    """Everything a sender works with; one for the life of the process."""

    db: Any
    gateway: Gateway
    settings: Settings
    _to_prune: list[Stop] = field(default_factory=list)

    async def run(self, task: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Do one invocation; ``deadline`` is when to stop taking rows, by the loop's clock.

        Returns the task for the next invocation, with ``done`` true when there is none.
        """
        counts = Counts(**task.get("counts", {}))
        counts.invocations += 1
        counts.started = counts.started or _now_ms()
        if not await self._renew(task):
            return {**task, "done": True, "lost": True, "reached": None}
        state, frames = await self._read(task["match"])
        # Rows that an earlier invocation sent an older frame have reached only that.
        reached = min(task.get("reached", state.seq), state.seq)
        if frames is None:
            return {**task, "done": True, "lost": False, "reached": reached}
        plan = task["plan"]
        # The match may have grown since the plan was made.
        shards = shards_of(plan["first"], plan["last"], plan["of"], shard_count(state.shards, state.audience))
        cursor = Cursor(*task.get("cursor", ()))
        table = self.settings.subscriptions
        self._to_prune = []
        walk = Walk(self.db, table, task["match"], shards, cursor=cursor, now=time.time())
        try:
            await self._send(walk, frames, plan["rate"], deadline, counts)
        finally:
            await walk.close()
        await self._prune(counts, everything=True)
        counts.rows += walk.rows
        counts.queries += walk.queries
        counts.ended = _now_ms()
        await self._report(task, counts, state.seq)
        return {
            **task,
            "done": walk.done,
            "lost": False,
            "cursor": [walk.cursor.stage, walk.cursor.after],
            "reached": reached,
            "counts": counts.to_dict(),
        }

    async def _send(self, walk: Walk, frames: Frames, rate: int, deadline: float, counts: Counts) -> None:
        loop = asyncio.get_running_loop()
        workers = min(CONNECTIONS, rate)
        bucket = TokenBucket(rate, burst=workers, now=loop.time())
        tally = Tally()
        # What is on the wire at the deadline may end a little past it, within the margin.
        last_answer = deadline + MARGIN_SECONDS / 2

        async def pace() -> None:
            if wait := bucket.take(loop.time()):
                await asyncio.sleep(wait)

        async def work() -> None:
            while loop.time() < deadline:
                stop = await walk.take()
                if stop is None:
                    return
                frame = frames.for_row(score_only=stop.score_only)
                if frame is None:
                    counts.skipped += 1
                    continue
                answer = await self.gateway.post(stop.connection, frame, last_answer, tally, pace)
                if answer is Answer.ACCEPTED:
                    counts.accepted += 1
                elif answer is Answer.GONE:
                    self._to_prune.append(stop)
                    if len(self._to_prune) >= BATCH:
                        await self._prune(counts)
                else:
                    counts.failed += 1

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except ExceptionGroup as errors:
            # Step Functions keeps one cause; they are all the same anyway.
            raise errors.exceptions[0] from None
        finally:
            counts.throttled += tally.throttled

    async def _prune(self, counts: Counts, *, everything: bool = False) -> None:
        """Delete the rows of connections that are gone, in full batches, or everything at the end.

        Pruning never holds up the living: rows that DynamoDB does not take now are left to the next broadcast.
        """
        while len(self._to_prune) >= BATCH or (everything and self._to_prune):
            gone, self._to_prune = self._to_prune[:BATCH], self._to_prune[BATCH:]
            requests = [{"DeleteRequest": {"Key": subscription_key(row.pk, row.connection)}} for row in gone]
            waiting = {self.settings.subscriptions: requests}
            try:
                for pause in PRUNE_PAUSES:
                    waiting = (await self.db.batch_write_item(RequestItems=waiting)).get("UnprocessedItems") or {}
                    if not waiting:
                        break
                    await asyncio.sleep(pause)
            except (ClientError, BotoCoreError) as error:
                logger.warning("not pruned", rows=len(gone), exc_info=error)
            left = sum(map(len, waiting.values()))
            counts.gone += len(gone) - left

    async def _renew(self, task: dict[str, Any]) -> bool:
        until = int(time.time()) + self.settings.lease_seconds
        update = renewal(self.settings.matches, task["match"], task["owner"], until)
        for pause in CONFLICT_PAUSES:
            try:
                await self.db.update_item(**update)
            except self.db.exceptions.ConditionalCheckFailedException:
                logger.warning("lost the lease", match=task["match"], owner=task["owner"])
                return False
            except self.db.exceptions.TransactionConflictException:
                # An event of this match is being numbered at this moment.
                await asyncio.sleep(pause)
            else:
                return True
        # The lease lives on from the last renewal; it is not lost.
        return True

    async def _read(self, match: str) -> tuple[MatchState, Frames | None]:
        """The match as it stands, and the frames that bring its viewers there."""
        state = parse_state((await self.db.get_item(**state_get(self.settings.matches, match)))["Item"])
        query = events_query(self.settings.matches, match, state.told, EVENTS_PER_FRAME, newest=True)
        items = (await self.db.query(**query))["Items"]
        return state, build(state, [(parse_event(item), score_prev(item)) for item in reversed(items)])

    async def _report(self, task: dict[str, Any], counts: Counts, seq: int) -> None:
        """Overwrite this batch's row; the receipt is the sum of these rows."""
        batch = task["plan"]["batch"]
        logger.info("sent", match=task["match"], seq=seq, batch=batch, counts=counts.to_dict())
        await self.db.put_item(
            TableName=self.settings.matches,
            Item={
                **row_key(task["match"], progress_item(task["owner"], task["round"], batch)),
                "body": {"S": orjson.dumps({"batch": batch, "seq": seq, **counts.to_dict()}).decode()},
                "ttl": {"N": str(int(time.time()) + PROGRESS_SECONDS)},
            },
        )


def progress_item(owner: str, number: int, batch: int | None = None) -> str:
    """The sort key of a batch's progress row, or the prefix that all batches of a round share."""
    execution = owner.rpartition(":")[2]
    return f"progress#{execution}#{number}#" + ("" if batch is None else f"{batch:03d}")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # One loop for the life of the process: asyncio.run would close it, and with it the pool of connections.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _sender() -> Sender:
    settings = Settings(
        aws.setting("MATCHES_TABLE"), aws.setting("SUBSCRIPTIONS_TABLE"), int(aws.setting("LEASE_SECONDS"))
    )
    gateway = Gateway(aws.setting("CONNECTIONS_URL"))

    async def opened() -> Sender:
        await gateway.open()
        db = await aioboto3.Session().client("dynamodb", config=aws.config()).__aenter__()
        return Sender(db, gateway, settings)

    return _loop().run_until_complete(opened())


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one invocation and return the input of the next."""
    loop, sender = _loop(), _sender()
    deadline = loop.time() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    return loop.run_until_complete(sender.run(event, deadline))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
