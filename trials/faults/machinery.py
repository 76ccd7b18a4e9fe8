"""Acts that change the parts that all matches share: the gateway's limits, the functions' clocks and code.

Acts that would undo each other run one at a time. acts.py describes an act.
"""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from devstack.builds.lambda_zips import build_parts
from trials.faults import callers
from trials.faults.play import FaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from trials.faults.play import Play

HAPPEN_SECONDS = 30.0


@asynccontextmanager
async def account_throttle(play: Play) -> AsyncIterator[None]:
    """The stand-in's account throttle passes only 15 frames a second."""
    async with _limits(play, account_rate=15, account_burst=3) as stats:
        before = (await stats())["throttled_account"]

        async def throttled() -> bool:
            return bool((await stats())["throttled_account"] > before)

        yield
        await happened(throttled, "the gateway throttled nobody")


@asynccontextmanager
async def disconnect_lost(play: Play) -> AsyncIterator[None]:
    """A viewer's connection ends, and its ``$disconnect`` is lost."""
    async with _limits(play, lose_disconnect=1) as stats:
        before = (await stats())["disconnects_lost"]
        play.watchers[0].viewer.drop()

        async def lost() -> bool:
            return bool((await stats())["disconnects_lost"] > before)

        await happened(lost, "no $disconnect was lost")
        yield


@asynccontextmanager
async def _limits(play: Play, **limits: float) -> AsyncIterator[Any]:
    """The stand-in with other limits for the length of the block; yields a function that reads its counters."""
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
    """All running processes of a function are ended; new ones start with a clock that is wrong by ``seconds``."""

    @asynccontextmanager
    async def act(play: Play) -> AsyncIterator[None]:
        name = play.world.system.name(function)
        wish, felt = Path(play.world.clocks) / name, Path(play.world.clocks) / f"{name}.felt"
        async with play.world.one_at_a_time:
            felt.unlink(missing_ok=True)
            wish.write_text(str(seconds))
            end_processes(play, name)

            async def begun() -> bool:
                return felt.exists()

            try:
                yield
                await happened(begun, f"no process of {function} had a wrong clock")
            finally:
                wish.unlink(missing_ok=True)
                end_processes(play, name)

    return act


async def happened(what: Callable[[], Awaitable[bool]], otherwise: str, seconds: float = HAPPEN_SECONDS) -> None:
    """Wait until a condition is true. Raises FaultError with ``otherwise`` after ``seconds``."""
    until = time.monotonic() + seconds
    while not await what():
        if time.monotonic() > until:
            raise FaultError(otherwise)
        await asyncio.sleep(0.05)


def end_processes(play: Play, function: str) -> None:
    """Kill all processes of a function; MiniStack starts new ones for the next calls."""
    for pid in callers.of_function(play.world.ministack.pid, function):
        callers.kill(pid)


@asynccontextmanager
async def deploy(play: Play) -> AsyncIterator[None]:
    """The senders get new code while they send: the same code in another zip."""
    held = io.BytesIO(await asyncio.to_thread(build_parts().code.read_bytes))
    with zipfile.ZipFile(held, "a") as archive:
        archive.writestr("RELEASE", str(time.time_ns()))
    yield
    functions = play.world.client("lambda")
    name = play.world.system.name("sender")
    before = (await asyncio.to_thread(functions.get_function_configuration, FunctionName=name))["CodeSha256"]
    after = await asyncio.to_thread(functions.update_function_code, FunctionName=name, ZipFile=held.getvalue())
    if after["CodeSha256"] == before:
        raise FaultError("no new version of the senders was deployed")
