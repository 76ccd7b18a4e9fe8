"""The two clients that play the scenes: the Python one in this process, the library in a process of Node."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from client.broadcast_times import BroadcastTimes
from client.cell_address import API_GATEWAY, CellAddress
from client.http_reader import HttpReader
from client.viewer import Viewer

CHANCE = 0.2
"""The number that every jitter uses."""

DRIVER = Path(__file__).parent / "driver.mjs"
END_SECONDS = 10.0
TIMINGS = {
    "care": 5.0, "silence": 1000.0, "idle": 1000.0, "quiet": 1000.0, "pong": 1000.0, "first": 1000.0,
    "age": [1000.0, 1000.0], "spread": 0.05, "fetch": 5.0, "look": [0.05, 0.1],
    "begun": 0.3, "settle": 0.1,
}  # fmt: skip
"""In seconds. A scene says what it needs to be shorter. On a transport that broadcasts itself, ``look`` is the
time until the second read after a subscribe, ``begun`` the time after which a poll of Momento's has begun, and
``settle`` the time before the read of a sync."""


@dataclass
class Seen:
    """The events and boards that a client has shown."""

    shown: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    live: list[int] = field(default_factory=list)
    """The events that came as live ones; only the library has this."""
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    """Codes of error frames, each once until something else comes."""
    states: list[str] = field(default_factory=list)
    """Of the connection; only the library says so."""
    tells_states: bool = True
    updates: int = 0
    """Frames of the type ``update`` that came; only the Python client says so."""
    said: list[str] = field(default_factory=list)
    """Everything that was printed."""

    def failed(self, code: str) -> None:
        """An error frame came."""
        if self.errors[-1:] != [code]:
            self.errors.append(code)


class Client(Protocol):
    """A client that plays a scene."""

    def seen(self) -> Seen:
        """The events and boards that it has shown."""

    async def tell(self, command: dict[str, Any]) -> None:
        """Let the client do something during the scene."""

    async def stop(self) -> None:
        """End the client with all its tasks."""


class PythonClient:
    """``client.viewer.Viewer``."""

    def __init__(self, scene: dict[str, Any], cells: list[CellAddress], api: str) -> None:
        timings = TIMINGS | scene.get("timings", {})
        tokens = list(scene.get("tokens", []))
        follows = scene.get("follow", [{"match": "m"}])
        self._seen = Seen(tells_states=False)
        self._reader = HttpReader(api, fresh_seconds=0.0, timeout_seconds=timings["fetch"])
        self._viewer = Viewer(
            cells[0],
            [each["match"] for each in follows],
            reader=self._reader,
            only=cast("Literal['score'] | None", follows[0].get("only")),
            on_event=lambda match, event, _: self._seen.shown[match].append(event["seq"]),
            on_frame=self._framed,
            care_seconds=timings["care"],
            silence_seconds=timings["silence"],
            idle_seconds=timings["idle"],
            quiet_seconds=timings["quiet"],
            pong_seconds=timings["pong"],
            first_seconds=timings["first"],
            age_seconds=(timings["age"][0], timings["age"][1]),
            spread_seconds=timings["spread"],
            broadcast_times=BroadcastTimes(
                second_read=(timings["look"][0], timings["look"][1]),
                begun=timings["begun"],
                settle=timings["settle"],
            ),
            token=(lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0]) if tokens else None,
            chance=lambda: CHANCE,
        )
        self._task = asyncio.create_task(self._viewer.run())

    def _framed(self, frame: dict[str, Any]) -> None:
        self._seen.updates += frame.get("type") == "update"
        if frame.get("type") == "error":
            self._seen.failed(frame["code"])

    def seen(self) -> Seen:
        """The events and boards that it has shown."""
        for match, follower in self._viewer.followers.items():
            if follower.epoch is not None:
                self._seen.boards[match] = {
                    "epoch": follower.epoch, "seq": follower.seq, "score": list(follower.score), "gap": follower.gap,
                    "status": follower.status, "lost": follower.lost, "home": follower.home, "away": follower.away,
                    "shootout": list(follower.shootout) if follower.shootout else None,
                }  # fmt: skip
        return self._seen

    async def tell(self, command: dict[str, Any]) -> None:
        """It follows what it follows."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.close()


class NodeClient:
    """``driver.mjs``, which ends by itself when its stdin does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._seen = Seen()
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, node: str, scene: dict[str, Any], cells: list[CellAddress], api: str) -> NodeClient:
        """Start it. A cell of API Gateway is a URL in ``websockets``, any other an entry of ``cells``."""
        about = {
            "websockets": [each.url for each in cells if each.transport == API_GATEWAY],
            "cells": [asdict(each) for each in cells if each.transport != API_GATEWAY], "api": api,
            "tokens": scene.get("tokens", []), "chance": CHANCE,
            "follow": scene.get("follow", [{"match": "m"}]), "timings": TIMINGS | scene.get("timings", {}),
        }  # fmt: skip
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            node, str(DRIVER), json.dumps(about), stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        return cls(process)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode()
            self._seen.said.append(text)
            self._take(json.loads(text) if text.startswith("{") else {})

    def _take(self, said: dict[str, Any]) -> None:
        seen = self._seen
        if (event := said.get("event")) is not None:
            seen.shown[event["match"]].append(event["seq"])
            if event["live"]:
                seen.live.append(event["seq"])
        elif (board := said.get("board")) is not None:
            seen.boards[board["match"]] = board
        elif "error" in said:
            seen.failed(said["error"])
        elif "state" in said:
            seen.states.append(said["state"])

    def seen(self) -> Seen:
        """The events and boards that it has shown."""
        return self._seen

    async def tell(self, command: dict[str, Any]) -> None:
        """Let the client do something: a line to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Let it end, which it does once nothing of the library is left running."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise AssertionError("The library keeps its process from ending.") from None
        finally:
            await self._task
        assert self._process.returncode == 0, self._seen.said


async def start(node: str | None, scene: dict[str, Any], cells: list[CellAddress], api: str) -> Client:
    """The client that plays a scene: the library if there is a ``node`` to run it, else the Python one."""
    return PythonClient(scene, cells, api) if node is None else await NodeClient.start(node, scene, cells, api)
