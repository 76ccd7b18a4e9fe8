"""Plays a scene: does the server's steps one by one, and checks what the client shows."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.support import eventually
from tests.web.clients import Seen
from tests.web.table import frame, seqs

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.stack.standin_process import StandIn
    from tests.web.clients import Client
    from tests.web.director import Call, Director
    from tests.web.relay import Relay

SECONDS = 5.0
"""The longest wait for a step."""

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=none, SignedHeaders=host, Signature=none", "X-Amz-Date": "none"}
"""A signature's form: the stand-in verifies none here, but needs one."""


@dataclass(frozen=True)
class Stage:
    """The parts that all scenes are played on."""

    director: Director
    standin: StandIn
    port: int
    """The stand-in's."""

    @property
    def url(self) -> str:
        """Where the stand-in takes posts."""
        return f"http://127.0.0.1:{self.port}"


class Scene:
    """One scene with one client."""

    def __init__(self, stage: Stage, relay: Relay) -> None:
        self.client: Client | None = None
        """None before the curtain."""
        self._director = stage.director
        self._relay = relay
        self._standin = stage.standin
        self._url = stage.url
        self._asked: Call | None = None

    def seen(self) -> Seen:
        """The events and boards that the client has shown."""
        return self.client.seen() if self.client is not None else Seen()

    async def play(self, steps: list[dict[str, Any]]) -> None:
        """All steps, in order.

        Raises AssertionError, with the step in its notes, if the client does something else, or nothing in time.
        """
        for number, step in enumerate(steps):
            try:
                await self._step(step)
            except Exception as error:
                error.add_note(f"in step {number}, {json.dumps(step)}; the client: {self.seen()}")
                raise

    async def until(self, what: Callable[[], bool], wish: str) -> None:
        """Wait until a condition is true."""

        async def so() -> bool:  # in the loop, which changes what is looked at
            return what()

        try:
            await eventually(so, f"not {wish}", SECONDS)
        except AssertionError as error:
            error.add_note(f"{self.seen()}, read {self._director.read}")
            raise

    def reads(self) -> list[str]:
        """The paths that were read, one that was read again at once only once."""
        return [path for path, _ in itertools.groupby(self._director.read)]

    def unasked(self) -> list[Any]:
        """Messages that no step waited for."""
        queue = self._director.calls["message"]
        every = [queue.get_nowait().about for _ in range(queue.qsize())]
        return [each for each in every if self._asked is None or each != self._asked.about]

    async def _next(self, kind: str) -> Call:
        try:
            return await asyncio.wait_for(self._director.calls[kind].get(), SECONDS)
        except TimeoutError:
            raise AssertionError(f"no {kind} came") from None

    async def _next_message(self, wanted: Any) -> None:
        """Expect this message next. The previous message may come again on a slow machine."""
        before = self._asked.about if self._asked is not None else None
        self._asked = await self._next("message")
        while self._asked.about != wanted and self._asked.about == before:
            self._asked.reply(None)
            self._asked = await self._next("message")
        assert self._asked.about == wanted

    async def _step(self, step: dict[str, Any]) -> None:
        match step:
            case {"connect": status}:
                await self._connect(step, status)
            case {"asked": request}:
                await self._next_message(request)
                assert self._asked is not None
                if "answer" in step:
                    self._asked.reply(frame(step["answer"]))
            case {"post": posted}:
                await self._post(frame(posted))
            case {"read": path, "answer": answer}:
                call = await self._next("read")
                assert call.about in (path if isinstance(path, list) else [path])
                if answer != "never":
                    call.reply(frame(answer))
            case {"answer": answer}:
                assert self._asked is not None
                self._asked.reply(frame(answer))
            case {"left": _}:
                await self._next("disconnect")
            case {"shown": shown}:
                await self.until(lambda: self.seen().shown["m"] == seqs(shown), f"shown {shown}")
            case {"state": state}:
                await self.until(lambda: not self.seen().tells_states or self.seen().states[-1:] == [state], state)
            case {"tell": command}:
                assert self.client is not None
                await self.client.tell(command)
            case _:
                await self._upset(step)

    async def _upset(self, step: dict[str, Any]) -> None:
        """Disturb the connection between client and server."""
        match step:
            case {"hang_up": times}:
                self._relay.hanging_up = times
            case {"hung_up": times}:
                await self.until(lambda: self._relay.hung_up >= times, f"{times} times hung up")
            case {"cut": _}:
                self._relay.cut()
            case {"sleep": directions}:
                self._relay.sleep(*(directions if isinstance(directions, list) else []))
            case {"wake": _}:
                self._relay.wake()
            case {"swallow": directions}:
                self._relay.swallows = tuple(directions)
            case {"restart": _}:
                await asyncio.to_thread(self._standin.stop)
                await self.until(lambda: self._relay.hung_up > 0, "tried")
                await asyncio.to_thread(self._standin.start)
            case {"limits": limits}:
                async with httpx.AsyncClient(trust_env=False) as http:
                    (await http.patch(f"{self._url}/_standin/limits", json=limits)).raise_for_status()
            case {"throttled": times}:
                await self._throttled(times)
            case _:
                raise AssertionError(f"There is no such step: {step}.")

    async def _connect(self, step: dict[str, Any], status: int) -> None:
        asked = await self._next("authorize")
        if "token" in step:
            assert asked.about.get("token") == step["token"]
        assert asked.about.get("v") == "1"
        asked.reply(status != httpx.codes.FORBIDDEN)
        if status != httpx.codes.FORBIDDEN:
            (await self._next("connect")).reply(status)

    async def _post(self, body: Any) -> None:
        match = body.get("match") if isinstance(body, dict) else None
        await self._send(str(match or "m"), body if isinstance(body, str) else json.dumps(body))

    async def _send(self, _match: str, text: str) -> None:
        """Send a text to the newest connection."""
        connection = self._director.connections[-1].replace("=", "%3D")
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self._url}/live/@connections/{connection}", content=text, headers=SIGNED)
        answer.raise_for_status()

    async def _throttled(self, times: int) -> None:
        async with asyncio.timeout(SECONDS), httpx.AsyncClient(trust_env=False) as http:
            while (await http.get(f"{self._url}/_standin/stats")).json()["throttled_account"] < times:
                await asyncio.sleep(0.01)
