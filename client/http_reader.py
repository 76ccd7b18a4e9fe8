"""The readers' HTTP API for all viewers of a process: one pool of connections, one request for equal questions.

An answer serves for a second, as it does in a CDN because of its Cache-Control. So the API gets one request when
thousands of viewers miss the same frame.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import httpx
import orjson

if TYPE_CHECKING:
    from .frame_types import RawFrame

FRESH_SECONDS = 1.0
"""Seconds for which an answer serves all readers, counted from its request."""

TIMEOUT_SECONDS = 5.0
CONNECTIONS = 8


class ReadError(ConnectionError):
    """The API gave no answer that can be used: none at all, an error, or no JSON object."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The status of an error, None if there was no answer or no error."""


class HttpReader:
    """Reads from the API at ``url``. Use and close it in one event loop."""

    def __init__(
        self, url: str, *, fresh_seconds: float = FRESH_SECONDS, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.reads = 0
        """Calls of ``get``."""
        self.requests = 0
        """HTTP requests that were made for them."""
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,
        )
        self._fresh_seconds = fresh_seconds
        self._answers: dict[tuple[str, str], tuple[float, asyncio.Task[RawFrame | ReadError]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, path: str, token: str | None = None) -> RawFrame:
        """The JSON object at a path. Other callers get the same object: do not change it.

        With a ``token`` the request has it, and other callers with the same token share the answer. Raises ReadError.
        """
        self.reads += 1
        now = asyncio.get_running_loop().time()
        key = (path, token or "")
        begun, fetch = self._answers.get(key, (0.0, None))
        if fetch is None or (fetch.done() and now - begun >= self._fresh_seconds):
            self._answers = {
                each: (when, task)
                for each, (when, task) in self._answers.items()
                if not task.done() or now - when < self._fresh_seconds
            }
            fetch = asyncio.create_task(self._fetch(path, token))
            self._answers[key] = (now, fetch)
        # A caller that is cancelled does not cancel the request of the other callers.
        answer = await asyncio.shield(fetch)
        if isinstance(answer, ReadError):
            raise ReadError(str(answer), answer.status)
        return answer

    async def close(self) -> None:
        """Cancel all requests and close the connections."""
        tasks = [task for _, task in self._answers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def _fetch(self, path: str, token: str | None) -> RawFrame | ReadError:
        """The answer, or the reason why there is none. An exception would be logged if no caller waits any more."""
        self.requests += 1
        headers = {"Authorization": f"Bearer {token}"} if token else None
        try:
            answer = await self._http.get(path, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return ReadError(f"no answer ({type(error).__name__})")
        if answer.status_code != httpx.codes.OK:
            return ReadError(f"status {answer.status_code}", answer.status_code)
        try:
            body = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            body = None
        return body if isinstance(body, dict) else ReadError("no JSON object")
