"""Passes the site's requests on to the API. Keeps answers to readers for a second, and never answers to operators."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_KEPT = 1_000
_SECONDS = 10.0
"""Seconds within which the API must answer, as at CloudFront (terraform/modules/web)."""

_TOLD = ("Content-Type", "Cache-Control", "ETag", "Retry-After", "WWW-Authenticate")
"""The headers of the API's answer that are passed on."""


class NoAnswerError(ProgramError):
    """The API did not answer; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: bytes


def _may_be_kept(answer: Answer) -> bool:
    """Whether a cache may keep an answer for later requests. CloudFront keeps errors in any case."""
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return True
    said = {each.strip() for each in answer.headers.get("Cache-Control", "").split(",")}
    # s-maxage, which is for shared caches only, overrides max-age (RFC 9111, 5.2.2.10).
    return said.isdisjoint({"no-store", "max-age=0"}) or any(each.startswith("s-maxage=") for each in said)


class Relay:
    """A client of the API at a URL. It adds ``headers`` to each request. For one event loop; ``close`` ends it."""

    def __init__(
        self, api_url: str, kept_seconds: float, query: Iterable[str], headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = api_url
        self._headers = dict(headers or {})
        self._kept_seconds = kept_seconds
        self._query = frozenset(query)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS), auto_decompress=True)
        self._kept: dict[str, tuple[float, asyncio.Task[Answer]]] = {}

    async def close(self) -> None:
        """Close the relay, and cancel its running requests."""
        for _, task in self._kept.values():
            task.cancel()
        await self._http.close()

    async def read(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer for a reader, at most ``kept_seconds`` old. Equal requests share one request to the API.

        ``path`` is encoded. The API gets only the path and the known parameters of the query. Raises NoAnswerError.
        """
        wanted = urlencode(sorted((name, value) for name, value in query.items() if name in self._query))
        target = f"{path}?{wanted}" if wanted else path
        now = time.monotonic()
        until, task = self._kept.get(target, (0.0, None))
        if task is None or now >= until:
            self._forget(now)
            task = asyncio.create_task(self.ask("GET", target))
            self._kept[target] = (now + self._kept_seconds, task)
        try:
            # shield: if one client disconnects, the others still get the answer.
            answer = await asyncio.shield(task)
        except NoAnswerError:
            self._drop(target, task)
            raise
        if not _may_be_kept(answer):
            self._drop(target, task)
        return answer

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """A new answer of the API. ``target`` is an encoded path with its query. Raises NoAnswerError."""
        try:
            # encoded=True: otherwise yarl would resolve dot segments, and the path could leave the API.
            url = URL(self._url + target, encoded=True)
            sent = {**(headers or {}), **self._headers}
            async with self._http.request(method, url, headers=sent, data=body, allow_redirects=False) as response:
                told = {name: response.headers[name] for name in _TOLD if name in response.headers}
                return Answer(response.status, told, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswerError(f"The API does not answer ({type(error).__name__}).") from None

    def _drop(self, target: str, task: asyncio.Task[Answer]) -> None:
        """Stop keeping this answer, unless a newer one has replaced it."""
        if self._kept.get(target, (0.0, None))[1] is task:
            del self._kept[target]

    def _forget(self, now: float) -> None:
        """Drop expired answers if many are kept."""
        if len(self._kept) >= _MOST_KEPT:
            self._kept = {target: each for target, each in self._kept.items() if each[0] > now}
