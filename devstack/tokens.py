"""Tokens of the identity provider of a devstack that runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.local import NO_URL, is_http, nothing_answers, system_at
from loadtest.shown import where
from loadtest.tokens import ClientCredentials, TokensError

if TYPE_CHECKING:
    from devstack.system import System
    from loadtest.tokens import Tokens


def tokens_of(system: System, name: str = "operator") -> ClientCredentials:
    """Those of one of the app clients in identity.py.

    Raises TokensError if the system has none.
    """
    # An operator with a token of their own needs no client of AWS, whose libraries take 0.2 s to import.
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError

    from devstack import identity
    from devstack.provision import client

    try:
        known = identity.credentials(system, client(system, "cognito-idp"), name)
    except (HTTPClientError, EndpointConnectionError):
        raise TokensError(nothing_answers(system.api_url)) from None
    except (BotoCoreError, ClientError, LookupError) as error:
        # Something answers, and has not what `livescore up` makes: another program, or a stack that is still starting.
        raise TokensError(
            f"No stack of `livescore up` is ready at {system.endpoint}: it gives no token ({type(error).__name__})."
        ) from None
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
            if not is_http(self._url):
                raise TokensError(NO_URL)
            if (system := system_at(self._url)) is None:
                raise TokensError(f"{where(self._url)} wants an operator's token: set LIVESCORE_TOKEN.")
            self._found = tokens_of(system, self._client)
        return self._found.token()

    def renew(self, refused: str) -> bool:
        """Whether another can be had."""
        return self._found is not None and self._found.renew(refused)
