"""Storms on the real tables and the real gateway: most of a shard is gone while a goal is told."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import Batch, SenderTask
from loadtest.audience import Audience
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from tests.broadcaster.conftest import OWNER, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.send.carousel import Tools
    from devstack.system import System
    from matches.ledger import Ledger
    from subscriptions.store import Subscriptions

LIVING, DEAD = 30, 270
SECONDS = 30


class HeldDeletes:
    """DynamoDB, whose deletions begin and do not end until they are let go."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.let_go = asyncio.Event()
        self.begun = self.ended = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def batch_write_item(self, **request: Any) -> Any:
        """Delete, once that is let go."""
        self.begun += 1
        await self.let_go.wait()
        answer = await self._db.batch_write_item(**request)
        self.ended += 1
        return answer


async def test_nine_tenths_of_a_shard_are_gone_and_hold_up_nobody(
    system: System, tools: Tools, ledger: Ledger, subscriptions: Subscriptions, match_id: str,
    grant_lease: Callable[..., None], rows_of: Callable[..., list[str]],
) -> None:  # fmt: skip
    """Promise 4: with not one dead row deleted yet, all the living are told; then every dead row goes, and no other."""
    when = "2022-12-18T15:00:00Z"
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": when, "audience": 9})
    )
    audience = Audience(system.websocket_url, {match_id: LIVING})
    try:
        await audience.enter(lambda _: None)
        living = set(rows_of(match_id, 9))
        # A shard is walked in the order of the ids: most of the dead lie before the living.
        dead = {f"{number:016x}" for number in range(DEAD - 30)} | {f"zzzzzzzz{number:07d}=" for number in range(30)}
        for each in dead:
            subscriptions.add(match_id, 0, each, score_only=False)
        assert set(rows_of(match_id, 9)) == living | dead
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        grant_lease(match_id, broadcast="b")
        db = HeldDeletes(tools.db)
        task = SenderTask(match_id, 1, OWNER, start_owner("b"), "b", 1, Batch(0, 0, 1, 1, 1))
        sending = asyncio.create_task(send(dataclasses.replace(tools, db=db), task))
        try:
            assert await audience.wait(match_id, 1, LIVING, SECONDS)
            assert (db.begun > 0, db.ended) == (True, 0)
        finally:
            db.let_go.set()
            ended = await sending
        counts = ended.counts
        assert (counts.rows, counts.accepted, counts.gone) == (LIVING + DEAD, LIVING, DEAD)
        assert set(rows_of(match_id, 9)) == living
    finally:
        await audience.close()
