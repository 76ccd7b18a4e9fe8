"""The issuer's keys: fetched over HTTP, cached, and fetched again when they are old or when a key is unknown.

A process with usable keys asks the issuer at most once a minute, however many tokens name an unknown key, and also
while the issuer does not answer. Meanwhile it uses the keys that it has, for at most an hour. A process without usable
keys asks at most every five seconds.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import orjson
import urllib3

from runtime.errors import TransientError
from runtime.thaw import seconds
from subscriptions.token_verification import HandshakeRefusedError, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    import jwt

FRESH_SECONDS = 600.0
"""The age at which keys are fetched again. So a key that the issuer has withdrawn is accepted no longer than this."""

KEPT_SECONDS = 3600.0
"""The age at which keys are not used any more, even if the issuer does not answer: it may have withdrawn one."""

PAUSE_SECONDS = 60.0
"""Seconds between two fetches."""

EMPTY_PAUSE_SECONDS = 5.0
"""Seconds between two fetches while there are no keys, so that every viewer is refused."""

FETCH_SECONDS = 4.0
"""Seconds for the whole key set; the function has ten seconds (terraform/system.json)."""

WAIT_SECONDS = 2.0
"""Seconds for the connection, for the head of the answer, and for each piece of its body."""

_PIECE = 16 * 1024
DOCUMENT_BYTES = 256 * 1024


class FetchError(TransientError):
    """The key set could not be fetched."""


class KeySet:
    """The keys of one issuer, for any number of threads.

    ``fetch`` returns the JSON of the key set or raises FetchError. ``report`` gets the reason of a failed fetch.
    ``clock`` gives seconds and counts a freeze.
    """

    def __init__(
        self, fetch: Callable[[], bytes], report: Callable[[str], None], clock: Callable[[], float] = seconds
    ) -> None:
        self._fetch = fetch
        self._report = report
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def key(self, kid: str) -> jwt.PyJWK:
        """The key with the id ``kid``.

        Raises HandshakeRefusedError if no such key is known. A call for a known key never waits while another call
        fetches the keys.
        """
        if self._wants(kid) and self._lock.acquire(blocking=kid not in self._usable()):
            try:
                if self._wants(kid):
                    self._renew()
            finally:
                self._lock.release()
        usable = self._usable()
        if kid not in usable:
            raise HandshakeRefusedError("The issuer has no such key." if usable else "The issuer's keys are not known.")
        return usable[kid]

    def fetch_early(self) -> None:
        """Fetch the keys before a token needs them. If this fails, the first token tries again at once."""
        with self._lock:
            self._renew()
            if not self._usable():
                self._tried_at = None

    def _wants(self, kid: str) -> bool:
        return not self._is_younger(FRESH_SECONDS) or kid not in self._keys

    def _usable(self) -> dict[str, jwt.PyJWK]:
        return self._keys if self._is_younger(KEPT_SECONDS) else {}

    def _is_younger(self, seconds: float) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < seconds

    def _renew(self) -> None:
        """Fetch the keys, unless the last try was too short a time ago."""
        pause = PAUSE_SECONDS if self._usable() else EMPTY_PAUSE_SECONDS
        if self._tried_at is not None and self._clock() - self._tried_at < pause:
            return
        self._tried_at = self._clock()
        try:
            keys = read_keys(orjson.loads(self._fetch()))
            if not keys:
                raise FetchError("no key of the set may sign tokens")  # noqa: TRY301  # as bad as no set
        except (FetchError, ValueError) as error:
            self._report(str(error))
        else:
            self._keys, self._fetched_at = keys, self._tried_at


def fetch(url: str) -> bytes:
    """The body at an http or https URL, within ``FETCH_SECONDS`` and one wait. Redirects are not followed.

    Raises FetchError with a reason that repeats nothing of the answer.
    """
    if not url.startswith(("https://", "http://")):
        raise FetchError("the URL is neither http nor https")
    until = time.monotonic() + FETCH_SECONDS
    document = bytearray()
    try:
        # Minutes or a freeze lie between two fetches, so a kept connection would be useless. urllib3's shared pool
        # would keep it, even after "Connection: close", until it sees that the issuer has closed it.
        with urllib3.PoolManager(retries=False, timeout=WAIT_SECONDS, headers={"Connection": "close"}) as pool:
            answer = pool.request("GET", url, preload_content=False)
            try:
                if answer.status != 200:
                    raise FetchError(f"the issuer answered with status {answer.status}")
                while piece := answer.read1(_PIECE):
                    document += piece
                    if len(document) > DOCUMENT_BYTES:
                        raise FetchError("the document is too long")
                    if time.monotonic() > until:
                        raise FetchError("the document comes too slowly")
            finally:
                answer.close()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise FetchError(type(error).__name__) from None
    return bytes(document)
