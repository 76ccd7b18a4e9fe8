"""Gets tokens from the identity provider of a devstack on this machine."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3

from devstack.operator.local_system import NO_URL, is_http, nothing_answers, system_at
from devstack.system import ACCOUNT, REGION
from loadtest.terminal_text import public_url
from loadtest.token_sources import ClientCredentials, TokensError

if TYPE_CHECKING:
    from devstack.system import System
    from loadtest.token_sources import TokenSource

_ANSWER_SECONDS = 30.0

_SIGNED = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/cognito-idp/aws4_request, SignedHeaders=host, Signature=0"
)
"""MiniStack reads the account and the region but checks no signature. Signing with boto3 would take 0.2 s of CPU."""


def tokens_of(system: System, name: str = "operator") -> ClientCredentials:
    """The tokens of the app client ``name`` (identity_provider.py).

    Raises TokensError if the system has none.
    """
    try:
        known = _credentials(system, name)
    except urllib3.exceptions.HTTPError:
        raise TokensError(nothing_answers(system.api_url)) from None
    except (ValueError, LookupError, TypeError) as error:
        # Another program answers, or a stack that is still starting.
        raise TokensError(
            f"No stack of `livescore up` is ready at {system.endpoint}: it gives no token ({type(error).__name__})."
        ) from None
    return ClientCredentials(f"{system.endpoint}/oauth2/token", *known)


def _credentials(system: System, name: str) -> tuple[str, str]:
    """The id and the secret of an app client of a running system.

    Raises LookupError if there is none, ValueError and TypeError for an answer that is not Cognito's.
    """
    with urllib3.PoolManager(timeout=_ANSWER_SECONDS, retries=False) as http:
        for pool in _asked(http, system, "ListUserPools", MaxResults=60)["UserPools"]:
            if pool["Name"] != system.name("users"):
                continue
            of_pool = {"UserPoolId": pool["Id"]}
            for client in _asked(http, system, "ListUserPoolClients", **of_pool, MaxResults=60)["UserPoolClients"]:
                if client["ClientName"] == name:
                    found = _asked(http, system, "DescribeUserPoolClient", **of_pool, ClientId=client["ClientId"])
                    return client["ClientId"], found["UserPoolClient"]["ClientSecret"]
    raise LookupError(name)


def _asked(http: urllib3.PoolManager, system: System, operation: str, **body: Any) -> dict[str, Any]:
    """The answer to an operation of Cognito's user pools. Raises ValueError for an error.

    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html has the operations.
    """
    headers = {
        "Authorization": _SIGNED,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
    }
    answer = http.request("POST", system.endpoint, body=json.dumps(body), headers=headers)
    if answer.status != HTTPStatus.OK:
        raise ValueError(answer.status)
    found: dict[str, Any] = json.loads(answer.data)
    return found


class LocalTokens:
    """The tokens of an app client for the API at a URL. They are fetched when first used."""

    def __init__(self, api_url: str, client: str = "operator") -> None:
        self._url = api_url
        self._client = client
        self._found: TokenSource | None = None

    def token(self) -> str:
        """A token of the devstack at the URL. Raises TokensError if the URL is not a devstack's or gives no token."""
        if self._found is None:
            if not is_http(self._url):
                raise TokensError(NO_URL)
            if (system := system_at(self._url)) is None:
                raise TokensError(f"{public_url(self._url)} wants an operator's token: set LIVESCORE_TOKEN.")
            self._found = tokens_of(system, self._client)
        return self._found.token()

    def renew(self, refused: str) -> bool:
        """Drop a token that was refused; returns whether there may be another."""
        return self._found is not None and self._found.renew(refused)
