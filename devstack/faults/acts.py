"""What is done beside the rules of a kind: viewers that leave, poison, wrong clocks, new code.

An act surrounds the events that are posted under the fault: it prepares, yields, and afterwards checks what only it
knows and tidies up. It raises FaultError when the fault did not come about or something was lost.
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
import zipfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from devstack.faults import callers
from devstack.faults.crowd import Watcher, enter
from devstack.faults.play import FaultError
from devstack.package import build
from subscriptions.shards import DEFAULT_SHARDS, shard_of
from subscriptions.store import partition, row_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from devstack.faults.play import Play

STORM = 40
DEAD_ROWS = 30
LEASE_SECONDS = 4
HAPPEN_SECONDS = 30.0
OLD_ID = "AAAAAAAAAA{:05d}="
"""Ids of AWS's shape that nobody has."""


@asynccontextmanager
async def nothing(_play: Play) -> AsyncIterator[None]:
    """No act."""
    yield


@asynccontextmanager
async def returning(play: Play) -> AsyncIterator[None]:
    """A viewer's connection breaks, and it comes back by itself."""
    play.watchers[0].viewer.drop()
    yield


@asynccontextmanager
async def returning_to_ministack(play: Play) -> AsyncIterator[None]:
    """A viewer whose routes run in processes of their own breaks off and comes back."""
    play.watchers[-1].viewer.drop()
    yield


@asynccontextmanager
async def everyone_returns(play: Play) -> AsyncIterator[None]:
    """Every connection breaks at once."""
    yield
    for watcher in play.watchers:
        watcher.viewer.drop()


@asynccontextmanager
async def storm(play: Play) -> AsyncIterator[None]:
    """Newcomers connect while the events go out; each has everything in the end, and goes."""
    crowd = [Watcher(play.world.system.websocket_url, play.match) for _ in range(STORM)]
    entering = asyncio.create_task(enter(crowd))
    play.passing += crowd
    try:
        yield
        await entering
        await play.reached(await play.settled(), crowd)
    finally:
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)


@asynccontextmanager
async def dead_rows(play: Play) -> AsyncIterator[None]:
    """Rows of connections that ended long ago without a word lie among the living."""
    await asyncio.to_thread(_plant, play)
    play.slack = DEAD_ROWS
    yield


def _plant(play: Play) -> None:
    table = play.world.system.name("subscriptions")
    until = {"N": str(int(time.time()) + 3600)}
    ids = [OLD_ID.format(number) for number in range(DEAD_ROWS)]
    puts = [
        {"PutRequest": {"Item": {**row_key(partition(play.match, shard_of(each, DEFAULT_SHARDS)), each), "ttl": until}}}
        for each in ids
    ]
    for start in range(0, len(puts), 25):
        play.world.client("dynamodb").batch_write_item(RequestItems={table: puts[start : start + 25]})


@asynccontextmanager
async def dead_lease(play: Play) -> AsyncIterator[None]:
    """Somebody who is dead has the lease of the match for a while."""
    await asyncio.to_thread(
        play.world.client("dynamodb").update_item,
        TableName=play.world.system.name("matches"),
        Key={"match_id": {"S": play.match}, "item": {"S": "state"}},
        UpdateExpression="SET lease_owner = :dead, lease_until = :until",
        ExpressionAttributeValues={":dead": {"S": "dead"}, ":until": {"N": str(int(time.time()) + LEASE_SECONDS)}},
    )
    yield


def poison(data: bytes, reason: str) -> Callable[[Play], AbstractAsyncContextManager[None]]:
    """A record that is not ours lies in front of the events, and is set aside with its reason."""

    @asynccontextmanager
    async def act(play: Play) -> AsyncIterator[None]:
        marked = data.replace(b"MARK", f"{play.match}-{time.monotonic_ns()}".encode())
        system = play.world.system
        await asyncio.to_thread(
            play.world.client("kinesis").put_record,
            StreamName=system.resolve("stream"), Data=marked, PartitionKey=play.match,
        )  # fmt: skip
        yield
        found = await play.world.set_aside.find(kind="record", data=base64.b64encode(marked).decode())
        if found is None:
            raise FaultError("the poison was not set aside")
        if reason not in str(found["reason"]):
            raise FaultError(f"the poison was set aside with the reason {found['reason']!r}")

    return act


@asynccontextmanager
async def account_throttle(play: Play) -> AsyncIterator[None]:
    """The stand-in's own throttle is nearly closed."""
    async with _limits(play, account_rate=15, account_burst=3) as stats:
        before = (await stats())["throttled_account"]

        async def throttled() -> bool:
            return bool((await stats())["throttled_account"] > before)

        yield
        await _wait(throttled, "the gateway throttled nobody")


@asynccontextmanager
async def disconnect_lost(play: Play) -> AsyncIterator[None]:
    """A viewer vanishes, and its function is never told."""
    async with _limits(play, lose_disconnect=1) as stats:
        before = (await stats())["disconnects_lost"]
        play.watchers[0].viewer.drop()

        async def lost() -> bool:
            return bool((await stats())["disconnects_lost"] > before)

        await _wait(lost, "no $disconnect was lost")
        yield


@asynccontextmanager
async def _limits(play: Play, **limits: float) -> AsyncIterator[Any]:
    """The stand-in with other limits, and a way to ask for its counters."""
    url = f"http://127.0.0.1:{play.world.system.gateway_port}/_standin/"
    async with play.world.one_at_a_time, httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as control:
        before = (await control.get("limits")).json()

        async def stats() -> Any:
            return (await control.get("stats")).json()

        (await control.patch("limits", json=limits)).raise_for_status()
        try:
            yield stats
        finally:
            await control.patch("limits", json={name: before[name] for name in limits})


def wrong_clock(function: str, seconds: int) -> Callable[[Play], AbstractAsyncContextManager[None]]:
    """New processes of a function begin with a wrong clock, and those that run are ended."""

    @asynccontextmanager
    async def act(play: Play) -> AsyncIterator[None]:
        name = play.world.system.name(function)
        wish, felt = Path(play.world.clocks) / name, Path(play.world.clocks) / f"{name}.felt"
        async with play.world.one_at_a_time:
            felt.unlink(missing_ok=True)
            wish.write_text(str(seconds))
            _end_processes(play, name)

            async def begun() -> bool:
                return felt.exists()

            try:
                yield
                await _wait(begun, f"no process of {function} had a wrong clock")
            finally:
                wish.unlink(missing_ok=True)
                _end_processes(play, name)

    return act


async def _wait(what: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Wait until it is so; raises FaultError with ``otherwise``."""
    until = time.monotonic() + HAPPEN_SECONDS
    while not await what():
        if time.monotonic() > until:
            raise FaultError(otherwise)
        await asyncio.sleep(0.05)


def _end_processes(play: Play, function: str) -> None:
    for pid in callers.of_function(play.world.ministack.pid, function):
        callers.kill(pid)


@asynccontextmanager
async def deploy(play: Play) -> AsyncIterator[None]:
    """Other code for the senders comes while they send: the same, in a zip of another make."""
    held = io.BytesIO(await asyncio.to_thread(build().read_bytes))
    with zipfile.ZipFile(held, "a") as archive:
        archive.writestr("RELEASE", str(time.time_ns()))
    yield
    functions = play.world.client("lambda")
    name = play.world.system.name("sender")
    before = (await asyncio.to_thread(functions.get_function_configuration, FunctionName=name))["CodeSha256"]
    after = await asyncio.to_thread(functions.update_function_code, FunctionName=name, ZipFile=held.getvalue())
    if after["CodeSha256"] == before:
        raise FaultError("the senders were not deployed anew")


@asynccontextmanager
async def unknown_version(play: Play) -> AsyncIterator[None]:
    """The only execution of the event has batches of a version that is still to come."""
    yield
    seq = await play.settled()
    batch = {"v": 99, "batch": 0, "first": 0, "last": 16, "of": 16, "senders": 1}
    await asyncio.to_thread(
        play.world.client("stepfunctions").start_execution,
        stateMachineArn=play.world.system.resolve("state_machine"),
        input=orjson.dumps({"v": 99, "match": play.match, "seq": seq, "batches": [batch]}).decode(),
    )
    found = await play.world.set_aside.find(kind="batch", match=play.match, reason="version 99")
    if found is None:
        raise FaultError("the batch of an unknown version was not set aside with that for its reason")


ACTS: dict[str, Callable[[Play], AbstractAsyncContextManager[None]]] = {
    "": nothing,
    "return": returning,
    "return-to-ministack": returning_to_ministack,
    "everyone-returns": everyone_returns,
    "storm": storm,
    "dead-rows": dead_rows,
    "dead-lease": dead_lease,
    "poison-binary": poison(b"\x80\x00 MARK", "not JSON"),
    "poison-json": poison(b'{"v":1,"match":"MARK"}', ""),
    "poison-unknown": poison(
        b'{"v":1,"match":"nobody","at":1,"event":{"kind":"kick_off","event_id":"MARK"}}', "there is no match nobody"
    ),
    "account-throttle": account_throttle,
    "disconnect-lost": disconnect_lost,
    "deploy": deploy,
    "unknown-version": unknown_version,
}


def act(name: str) -> Callable[[Play], AbstractAsyncContextManager[None]]:
    """The act of a name; ``clock:FUNCTION:SECONDS`` is one for each function."""
    if name.startswith("clock:"):
        _, function, seconds = name.split(":")
        return wrong_clock(function, int(seconds))
    return ACTS[name]
