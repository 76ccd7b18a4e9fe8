"""Adds tokens to the requests of httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator

    from loadtest.token_sources import TokenSource


class Bearer(httpx.Auth):
    """Adds a token to each writing request, and to a request that was answered 401 without one.

    If the token is refused, the request is sent again with a new one: a request that was answered 401 changed nothing.
    """

    def __init__(self, tokens: TokenSource | None) -> None:
        self._tokens = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Httpx calls this for each request. Raises TokensError."""
        tokens, token = self._tokens, None
        if tokens is None:
            yield request
            return
        if request.method != "GET":
            token = self._put(request, tokens)
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and (token is None or tokens.renew(token)):
            self._put(request, tokens)
            yield request

    @staticmethod
    def _put(request: httpx.Request, tokens: TokenSource) -> str:
        token = tokens.token()
        request.headers["Authorization"] = f"Bearer {token}"
        return token
