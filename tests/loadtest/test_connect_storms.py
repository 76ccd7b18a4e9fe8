"""A storm of reconnects while goals go out: the whole system behind a stand-in that lets in few viewers a second."""

from __future__ import annotations

import asyncio

import httpx

from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.whole_stack import running
from loadtest.audience import Audience

VIEWERS, PER_SECOND, GOALS = 80, 20, 8
SECONDS = 60


async def test_a_storm_of_reconnects_loses_no_goal() -> None:
    """Promise 2: all are cut off at once and the limit lets in few of them; all come back, and have every goal once."""
    with running(free_port(), gateway="standin") as (system, _), Operator(system.api_url) as operator:
        control = f"http://127.0.0.1:{system.gateway_port}/_standin"
        operator.create_match(match="storm", home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=VIEWERS)
        audience = Audience(system.websocket_url, {"storm": VIEWERS}, api_url=system.api_url)
        try:
            await audience.enter(lambda _: None)
            await asyncio.to_thread(operator.post_event, "storm", {"kind": "kick_off"})
            assert await audience.wait("storm", 1, VIEWERS, SECONDS)
            narrow = {"connects_per_second": PER_SECOND}
            (await asyncio.to_thread(httpx.patch, f"{control}/limits", json=narrow)).raise_for_status()
            for goal in range(1, GOALS + 1):
                if goal == 3:
                    for member in audience.members:
                        member.viewer.drop()
                event = {"kind": "goal", "team": "home", "minute": goal}
                await asyncio.to_thread(operator.post_event, "storm", event)
            assert await audience.wait("storm", GOALS + 1, VIEWERS, SECONDS)
            assert all(member.seqs == list(range(1, GOALS + 2)) for member in audience.members)
            assert all(member.viewer.connects == 2 for member in audience.members)
            stats = await asyncio.to_thread(httpx.get, f"{control}/stats")
            refused = stats.json()["connects_refused"]
            assert refused == sum(member.viewer.failed for member in audience.members) > 0
        finally:
            await audience.close()
