"""Tokens of the identity provider of a devstack that runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from devstack import identity
from devstack.provision import client
from devstack.system import HTTP_API_ID, System
from loadtest.shown import where
from loadtest.tokens import ClientCredentials, TokensError

if TYPE_CHECKING:
    from loadtest.tokens import Tokens


def tokens_of(system: System, name: str = "operator") -> ClientCredentials:
    """Those of one of the app clients in identity.py.

    Raises TokensError if the system has none.
    """
    try:
        known = identity.credentials(system, client(system, "cognito-idp"), name)
    except (BotoCoreError, ClientError, LookupError) as error:
        raise TokensError(f"There is no identity provider at {system.endpoint} ({type(error).__name__}).") from None
    return ClientCredentials(f"{system.endpoint}/oauth2/token", *known)


class LocalTokens:
    """The tokens of an app client for the API at a URL, looked for when they are first wanted."""

    def __init__(self, api_url: str, client: str = "operator") -> None:
        self._url = api_url
        self._client = client
        self._found: Tokens | None = None

    def token(self) -> str:
        """One of the devstack at that URL; raises TokensError if there is none, or it is none."""
        if self._found is None:
            parts = urlsplit(self._url)
            if parts.hostname not in ("127.0.0.1", "localhost") or HTTP_API_ID not in parts.path:
                raise TokensError(f"{where(self._url)} wants an operator's token: set LIVESCORE_TOKEN.")
            self._found = tokens_of(System(parts.port or 80), self._client)
        return self._found.token()

    def renew(self, refused: str) -> bool:
        """Whether another can be had."""
        return self._found is not None and self._found.renew(refused)
