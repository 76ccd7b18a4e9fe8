"""The stand-in's control API, for a bench that sets its limits and reads its counters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx


class StandinClient:
    """The stand-in that serves a WebSocket URL. Raises httpx's errors."""

    def __init__(self, websocket_url: str) -> None:
        self._url = f"http://{urlsplit(websocket_url).netloc}/_standin"

    def stats(self) -> dict[str, Any]:
        """The counters since the last reset."""
        return self._answer("GET", "stats")

    def reset(self) -> None:
        """Set all counters to 0."""
        self._answer("POST", "reset")

    def limit(self, **limits: float) -> None:
        """Set limits; the account's bucket begins full."""
        self._answer("PATCH", "limits", limits)

    def _answer(self, method: str, path: str, body: dict[str, float] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.request(method, f"{self._url}/{path}", json=body).raise_for_status().json()
        return answer
