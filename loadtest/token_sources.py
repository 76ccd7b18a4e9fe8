"""Sources of tokens: client credentials (RFC 6749, section 4.4), renewed before they expire, or a given token.

This module does not import httpx, because locust's processes use it too.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Protocol

from loadtest.terminal_text import public_url
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Mapping

FETCH_SECONDS = 20.0
EARLY_SECONDS = 60.0
"""A token is not used in the last seconds of its life."""


class TokensError(ProgramError):
    """There is no token. The text is for people and holds no secret."""


class TokenSource(Protocol):
    """A source of tokens. Thread-safe."""

    def token(self) -> str:
        """A token that is probably valid. Raises TokensError."""

    def renew(self, refused: str) -> bool:
        """Drop a token that was refused; returns whether there may be another."""


class GivenToken:
    """A token that the user has given."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """The given token."""
        return self._token

    def renew(self, refused: str) -> bool:  # noqa: ARG002  # the protocol has it
        """There is no other token."""
        return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, because the credentials are for this server only."""

    def redirect_request(self, *_: object) -> None:
        """Return no request: the redirect is the answer."""


_opener = urllib.request.build_opener(_NoRedirects)


class ClientCredentials:
    """Tokens of an app client, from the token endpoint of its issuer."""

    def __init__(self, url: str, client: str, secret: str) -> None:
        self.url, self.client, self.secret = url, client, secret
        self._token: str | None = None
        self._until = 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """The current token, or a new one. Raises TokensError."""
        with self._lock:
            if self._token is None or time.monotonic() > self._until:
                self._token, seconds = self._fetch()
                self._until = time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2)
            return self._token

    def renew(self, refused: str) -> bool:
        """Drop a token that was refused."""
        with self._lock:
            if self._token == refused:
                self._token = None
        return True

    def environment(self) -> dict[str, str]:
        """The environment variables that ``tokens_from`` reads."""
        return {
            "LIVESCORE_TOKEN_URL": self.url,
            "LIVESCORE_CLIENT_ID": self.client,
            "LIVESCORE_CLIENT_SECRET": self.secret,
        }

    def _fetch(self) -> tuple[str, float]:
        known = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {known}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
        try:
            request = urllib.request.Request(self.url, body, headers)  # noqa: S310  # the user's own setting
            with _opener.open(request, timeout=FETCH_SECONDS) as answer:
                found = json.load(answer)
            return str(found["access_token"]), float(found["expires_in"])
        except urllib.error.HTTPError as error:
            with error:
                raise TokensError(f"{public_url(self.url)} gave no token: status {error.code}.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TokensError(f"{public_url(self.url)} gave no token ({type(error).__name__}).") from None


def tokens_from(environ: Mapping[str, str]) -> TokenSource | None:
    """The tokens of the environment: ``LIVESCORE_TOKEN``, or the token URL, id and secret of an app client."""
    if token := environ.get("LIVESCORE_TOKEN"):
        return GivenToken(token)
    if url := environ.get("LIVESCORE_TOKEN_URL"):
        client, secret = environ.get("LIVESCORE_CLIENT_ID", ""), environ.get("LIVESCORE_CLIENT_SECRET", "")
        return ClientCredentials(url, client, secret)
    return None
