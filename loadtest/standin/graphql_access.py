"""The access to the stand-in for AppSync GraphQL: the answers of the authorizer, and the rule of subscribe.js."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from runtime.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import Credentials

Rights = dict[str, str]
"""``resolverContext`` of the authorizer's answer."""

CONNECT: Mapping[str, Any] = {"queryString": "", "operationName": "Deepdish:Connect", "variables": {}}
"""AppSync tells the authorizer nothing of the document, at a connection and at a subscription
(https://github.com/aws-amplify/amplify-category-api/issues/2090)."""

TOKEN_LETTERS = 8192
KEPT_TOKENS = 10_000

logger = logging.getLogger("appsync_graphql")


class UnauthorizedError(BadInputError):
    """The authorizer has refused the token, or did not answer."""


class Authorizer:
    """Calls the Lambda authorizer through the emulator, and keeps its answers for ``ttlOverride`` seconds each.

    AppSync keeps them by the token (https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html). A
    function that fails refuses.
    """

    def __init__(
        self, session: aiohttp.ClientSession, endpoint: str, function: str, region: str, credentials: Credentials
    ) -> None:
        self._session = session
        self._url = f"{endpoint}/2015-03-31/functions/{function}/invocations"
        self._region = region
        self._credentials = credentials
        self._kept: dict[str, tuple[float, asyncio.Task[Any]]] = {}
        self.calls = 0
        """Invocations of the function."""

    async def rights(self, token: str, asked: Mapping[str, Any] = CONNECT) -> Rights:
        """The rights of a token. Raises UnauthorizedError."""
        if not token or len(token) > TOKEN_LETTERS:
            raise UnauthorizedError
        until, answer = self._kept.get(token, (0.0, None))
        if answer is None or time.monotonic() >= until:
            answer = asyncio.ensure_future(self._ask(token, asked))
            # Connections that come while the function is called share its answer.
            self._kept[token] = (float("inf"), answer)
            answer.add_done_callback(lambda done: self._keep(token, done))
        found = await asyncio.shield(answer)
        if found is None or found.get("isAuthorized") is not True:
            raise UnauthorizedError
        context = found.get("resolverContext") or {}
        return {str(name): str(value) for name, value in context.items()}

    def forget(self) -> None:
        """Forget all answers."""
        self._kept.clear()

    def _keep(self, token: str, done: asyncio.Task[Any]) -> None:
        found = None if done.cancelled() or done.exception() else done.result()
        seconds = found.get("ttlOverride", 0) if found else 0
        if seconds <= 0 or len(self._kept) > KEPT_TOKENS:
            self._kept.pop(token, None)
        else:
            self._kept[token] = (time.monotonic() + seconds, done)

    async def _ask(self, token: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        self.calls += 1
        context = {"apiId": "standin", "accountId": "000000000000", "requestId": str(uuid.uuid4()), **asked}
        event = {"authorizationToken": token, "requestContext": context, "requestHeaders": {}}
        body = json.dumps(event).encode()
        signed = AWSRequest("POST", self._url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(self._credentials, "lambda", self._region).add_auth(signed)
        try:
            async with self._session.post(self._url, data=body, headers=dict(signed.headers.items())) as answer:
                said = await answer.read()
                found = json.loads(said)
                if answer.status != 200 or "X-Amz-Function-Error" in answer.headers or not isinstance(found, dict):
                    logger.warning("authorizer_failed status=%s", answer.status)
                    return None
                return found
        except (aiohttp.ClientError, OSError, ValueError) as error:
            logger.warning("authorizer_unreached error=%s", type(error).__name__)
            return None


def may_hear(rights: Rights, channel: str, feed: str) -> bool:
    """The rule of terraform/graphql/subscribe.js; a test holds both to one table."""
    own, subject = rights["namespace"], rights.get("subject", "")
    if channel == f"{own}/subjects":
        return bool(subject) and feed == subject
    namespace, _, rest = channel.partition("/")
    competition, _, match = rest.partition("/")
    if namespace != own or not competition or not match or "/" in match or feed not in ("all", "score"):
        return False
    segments = rights.get("segments", "").split(" ")
    is_any_of = "*" in segments and competition.startswith(("c-", "h-"))
    return competition == "open" or is_any_of or (competition != "*" and competition in segments)
