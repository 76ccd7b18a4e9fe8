"""The requests that are ready to be signed, kept fresh: new credentials and a new date every minute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broadcaster.send.post_queue import PreparedRequest
from broadcaster.send.signing import Credentials, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.send.signing import Endpoint, MakeSigner, Signer

SIGNED_SECONDS = 60.0
"""Signatures get a new date after this many seconds. AWS accepts a date for five minutes."""


class PreparedRequests:
    """Makes the requests of one endpoint, and renews their dates and credentials.

    ``ask_credentials`` may block (credentials that rotate are fetched), so a thread calls it. ``clock`` tells seconds
    since 1970. ``make_signer`` returns what signs the requests of one frame.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        ask_credentials: Callable[[], Credentials],
        clock: Callable[[], float],
        make_signer: MakeSigner = prepare,
    ) -> None:
        self._make_signer = make_signer
        self._endpoint = endpoint
        self._ask_credentials = ask_credentials
        self._clock = clock
        self._credentials = Credentials("", "")
        self._signed_at = float("-inf")
        self._requests: list[PreparedRequest] = []

    def for_post(self, frame: bytes) -> PreparedRequest:
        """A POST of a frame, for ``Gateway.deliver``."""
        return self._add(PreparedRequest(frame, self._signer(frame, "POST")))

    def for_close(self) -> PreparedRequest:
        """A DELETE that closes a connection, for ``Gateway.deliver``."""
        return self._add(PreparedRequest(b"", self._signer(b"", "DELETE"), closes=True))

    def replace_frame(self, request: PreparedRequest, frame: bytes) -> None:
        """From now on the request carries another frame."""
        request.frame, request.sign = frame, self._signer(frame, "POST")

    def forget(self) -> None:
        """Stop renewing the requests made so far: nobody needs them any more."""
        self._requests.clear()

    async def refresh(self) -> None:
        """Renew credentials and dates if they are older than ``SIGNED_SECONDS``.

        Raises what ``ask_credentials`` raises. Then the requests have a new date and the old credentials.
        """
        now = self._clock()
        if now - self._signed_at < SIGNED_SECONDS:
            return
        loop = asyncio.get_running_loop()
        try:
            self._credentials = await loop.run_in_executor(None, self._ask_credentials)
            self._signed_at = now
        finally:
            for request in self._requests:
                request.sign = self._signer(request.frame, "DELETE" if request.closes else "POST")

    def _add(self, request: PreparedRequest) -> PreparedRequest:
        self._requests.append(request)
        return request

    def _signer(self, frame: bytes, method: str) -> Signer:
        return self._make_signer(self._endpoint, frame, self._credentials, self._clock(), method=method)
