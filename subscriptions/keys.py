"""The issuer's keys: fetched over HTTP, kept, and fetched again when they are old or one is unknown.

However many tokens name an unknown key, the issuer is asked at most once a minute, also when it does not answer; the
keys that are there go on being used until it does.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import orjson
import urllib3

from subscriptions.tokens import TokenError, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    import jwt

FRESH_SECONDS = 600.0
"""After so long the keys are fetched again: a key that the issuer has taken back is believed no longer than that."""

PAUSE_SECONDS = 60.0
"""Between two fetches."""

EMPTY_PAUSE_SECONDS = 5.0
"""Between two fetches while there are no keys at all and every viewer is refused."""

FETCH_SECONDS = 2.0
DOCUMENT_BYTES = 256 * 1024


class FetchError(Exception):
    """The key set could not be fetched."""


class KeySet:
    """The keys of one issuer, for any number of threads. ``fetch`` raises FetchError, ``clock`` tells seconds."""

    def __init__(
        self, fetch: Callable[[], bytes], say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._say = say
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def key(self, kid: str) -> jwt.PyJWK:
        """The key of an id.

        Raises TokenError if the issuer has none such, as far as is known.
        """
        if not self._is_fresh() or kid not in self._keys:
            with self._lock:
                if not self._is_fresh() or kid not in self._keys:
                    self._renew()
        found = self._keys.get(kid)
        if found is None:
            raise TokenError("unknown key" if self._keys else "the issuer's keys are not known")
        return found

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < FRESH_SECONDS

    def _renew(self) -> None:
        """Fetch the keys, if that may be tried again already."""
        pause = PAUSE_SECONDS if self._keys else EMPTY_PAUSE_SECONDS
        if self._tried_at is not None and self._clock() - self._tried_at < pause:
            return
        self._tried_at = self._clock()
        try:
            self._keys = read_keys(orjson.loads(self._fetch()))
        except (FetchError, ValueError) as error:
            self._say(f"the issuer's keys could not be fetched: {error}")
        else:
            self._fetched_at = self._tried_at


def fetch(url: str) -> bytes:
    """What is at an http or https URL. Redirects are not followed.

    Raises FetchError with a reason that does not repeat what was answered.
    """
    if not url.startswith(("https://", "http://")):
        raise FetchError("no http or https URL")
    try:
        answer = urllib3.request("GET", url, timeout=FETCH_SECONDS, retries=False, preload_content=False)
        try:
            if answer.status != 200:
                raise FetchError(f"status {answer.status}")
            document = answer.read(DOCUMENT_BYTES + 1)
        finally:
            answer.release_conn()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise FetchError(type(error).__name__) from None
    if len(document) > DOCUMENT_BYTES:
        raise FetchError("the document is too long")
    return document
