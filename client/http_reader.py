"""The readers' HTTP API for all viewers of a process: one pool of connections, one fetch for all who ask the same.

Answers are kept for a second, as a CDN keeps them by their Cache-Control. So thousands of viewers that miss the same
frame cost the API one request.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self

import httpx
import orjson

FRESH_SECONDS = 1.0
"""Seconds for which an answer serves other readers, counted from its request."""

TIMEOUT_SECONDS = 5.0
CONNECTIONS = 8


class ReadError(ConnectionError):
    """The API did not answer, or with nothing of use."""


class HttpReader:
    """Reads from the API at ``url``. Belongs to the loop in which it is first used; close it there."""

    def __init__(
        self, url: str, *, fresh_seconds: float = FRESH_SECONDS, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.asked = 0
        """Answers that viewers wanted."""
        self.fetched = 0
        """Requests that this took."""
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,
        )
        self._fresh_seconds = fresh_seconds
        self._kept: dict[str, tuple[float, asyncio.Task[dict[str, Any] | str]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path, which others are given as well: do not change it.

        Raises ReadError.
        """
        self.asked += 1
        now = asyncio.get_running_loop().time()
        begun, fetch = self._kept.get(path, (0.0, None))
        if fetch is None or (fetch.done() and now - begun >= self._fresh_seconds):
            self._kept = {
                each: (when, task)
                for each, (when, task) in self._kept.items()
                if not task.done() or now - when < self._fresh_seconds
            }
            fetch = asyncio.create_task(self._fetch(path))
            self._kept[path] = (now, fetch)
        # A reader that gives up does not cancel the request of the others.
        answer = await asyncio.shield(fetch)
        if isinstance(answer, str):
            raise ReadError(answer)
        return answer

    async def close(self) -> None:
        """Give up what is being read, and the connections."""
        tasks = [task for _, task in self._kept.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def _fetch(self, path: str) -> dict[str, Any] | str:
        """The answer, or a sentence why there is none: an error that nobody waits for any more must not be one."""
        self.fetched += 1
        try:
            answer = await self._http.get(path)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return f"no answer ({type(error).__name__})"
        if answer.status_code != httpx.codes.OK:
            return f"status {answer.status_code}"
        try:
            body = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            body = None
        return body if isinstance(body, dict) else "no JSON object"
