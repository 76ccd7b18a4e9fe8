"""Reads the set-aside queues during the run, so that acts can find messages in them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

WAIT_SECONDS = 40.0


class SetAsideReader:
    """The messages set aside since the start; a task from ``__aenter__`` to ``__aexit__``."""

    def __init__(self, sqs: Any, queue_urls: Iterable[str]) -> None:
        self._sqs = sqs
        self._urls = list(queue_urls)
        self.bodies: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def find(self, **wanted: str) -> dict[str, Any] | None:
        """Wait for the first message whose fields contain these texts; None if none comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    for body in self.bodies:
                        if all(text in str(body.get(name)) for name, text in wanted.items()):
                            return body
                    await asyncio.sleep(0.05)
        return None

    async def _read(self) -> None:
        while True:
            for url in self._urls:
                answer = await asyncio.to_thread(
                    self._sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600
                )
                self.bodies += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
            await asyncio.sleep(0.3)
