"""Tokens of Momento for viewers: made seldom, shared by all viewers of a competition, kept in one row for each.

Momento makes five disposable tokens a second for a whole account (https://docs.momentohq.com/auth/limits), and no
viewer needs one of its own: a token may only subscribe, and only to the topics of one competition. So all processes
share the tokens in the table ``matches``. A row of a competition says who makes its next token, by a conditional
write, and a row of each second counts the tokens that were made in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import urllib3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from api import momento_tokens
from api.momento_tokens import DisposableToken, GrpcError
from runtime.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.secure_parameter import SecureParameter

VALID_SECONDS: Final = 3600
"""Seconds for which a token is valid; Momento's SDKs allow no more (https://docs.momentohq.com/topics/api-reference/auth)."""

RENEWED_SECONDS: Final = 900
"""A token is replaced when it has less time left. So a viewer gets at least a quarter of an hour as a rule."""

LEAST_SECONDS: Final = 60
"""A token with less time left is not handed out."""

MAKING_SECONDS: Final = 5
"""Seconds for which one process has the right to make a competition's next token."""

TOKENS_A_SECOND: Final = 2
"""Tokens in each second of our clock. So no second of Momento's clock has more than four, and its limit is five."""

OWN_TOKENS_A_SECOND: Final = 1
"""The same for tokens of single viewers. However many viewers want to hear their messages, matches get the rest."""

WAIT_SECONDS: Final = 1.5
PAUSE_SECONDS: Final = 0.1
CALL_SECONDS: Final = 2.0

FAILED_SECONDS: Final = 5.0
"""For so long a process that has waited for a token in vain answers at once that there is none. While Momento is down,
300 viewers a second would otherwise keep hundreds of processes waiting."""

MOST_KEPT: Final = 1000

logger = Logger(service="api")


class NoTokenError(TransientError):
    """There is no token now: Momento does not answer, or too many tokens were made in this second."""


@dataclass(frozen=True, slots=True)
class MomentoCell:
    """A cell whose viewers listen at Momento."""

    cache: str
    tokens_url: str
    """Where disposable tokens are made."""
    key: SecureParameter
    """The account's key: only a super user's key can make disposable tokens."""


class MomentoAccess:
    """The tokens of one process. Not for several threads."""

    def __init__(
        self, table: str, client: DynamoDBClient, cells: dict[str, MomentoCell], clock: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._db = client
        self._cells = cells
        self._clock = clock
        self._kept: dict[tuple[str, str], DisposableToken] = {}
        self._failed: dict[tuple[str, str], float] = {}
        """By cell and name: until when nobody waits for this token."""

    def has(self, cell: str) -> bool:
        """Whether a cell of this name has viewers at Momento."""
        return cell in self._cells

    def token(self, cell: str, shared_by: str, prefixes: Sequence[str]) -> DisposableToken:
        """A token that subscribes to topics with these prefixes in the cache of a cell.

        ``shared_by`` is the name under which viewers share it: this process keeps the token, and answers most viewers
        from its memory. Raises NoTokenError, and refusals.AWS_ERRORS.
        """
        kept = self._kept.get((cell, shared_by))
        if kept is not None and self._left(kept) >= RENEWED_SECONDS:
            return kept
        now = self._clock()
        until = now if now < self._failed.get((cell, shared_by), 0.0) else now + WAIT_SECONDS
        while True:
            found = self._found(cell, shared_by, prefixes, TOKENS_A_SECOND)
            if found is not None:
                _keep(self._kept, (cell, shared_by), found)
                return found
            if (now := self._clock()) >= until:
                _keep(self._failed, (cell, shared_by), now + FAILED_SECONDS)
                raise NoTokenError("No token of Momento could be made.")
            time.sleep(PAUSE_SECONDS)

    def own_token(self, cell: str, subject: str, prefix: str) -> DisposableToken:
        """A token of one viewer, which is in no memory and is never another viewer's.

        It waits for nothing: a viewer without it hears its matches all the same, and asks again. Raises as ``token``.
        """
        found = self._found(cell, subject, (prefix,), OWN_TOKENS_A_SECOND)
        if found is None:
            raise NoTokenError("No token of Momento could be made.")
        return found

    def _found(self, cell: str, shared_by: str, prefixes: Sequence[str], a_second: int) -> DisposableToken | None:
        """The token in the table, or a new one. ``a_second``: if so many were made in a second, this one is not."""
        found = self._read(cell, shared_by)
        if found is None or self._left(found) < RENEWED_SECONDS:
            found = self._renewed(cell, shared_by, prefixes, a_second) or found
        return found if found is not None and self._left(found) >= LEAST_SECONDS else None

    def _left(self, token: DisposableToken) -> float:
        return token.expires - self._clock()

    def _renewed(self, cell: str, shared_by: str, prefixes: Sequence[str], a_second: int) -> DisposableToken | None:
        """The next token, made and written; None if another process makes it, or if it could not be made."""
        if not self._may_make(cell, shared_by):
            return None
        if not self._is_within_rate(cell, a_second):
            self._give_up(cell, shared_by)
            return None
        try:
            made = self._make(self._cells[cell], prefixes)
        except (GrpcError, urllib3.exceptions.HTTPError) as error:
            if isinstance(error, GrpcError) and error.status in momento_tokens.KEY_REFUSED:
                self._cells[cell].key.forget()  # an operator may have stored another key
            logger.warning("momento_token_unmade", cell=cell, reason=str(error)[:200])
            return None
        self._write(cell, shared_by, made)
        return made

    def _make(self, cell: MomentoCell, prefixes: Sequence[str]) -> DisposableToken:
        key = momento_tokens.api_key(cell.key.value())
        body = momento_tokens.request(key, cell.cache, prefixes, VALID_SECONDS)
        headers = {**momento_tokens.HEADERS, "Authorization": key}
        # Most of an hour lies between two calls, so a kept connection would be useless.
        with urllib3.PoolManager(retries=False, timeout=CALL_SECONDS) as pool:
            answer = pool.request("POST", cell.tokens_url + momento_tokens.PATH, body=body, headers=headers)
        if answer.status != 200:
            raise GrpcError(answer.status, f"Momento answered with status {answer.status}.")
        return momento_tokens.answer(answer.data, {name.lower(): value for name, value in answer.headers.items()})

    def _read(self, cell: str, shared_by: str) -> DisposableToken | None:
        row = self._db.get_item(TableName=self._table, Key=_key(cell, shared_by), ConsistentRead=True).get("Item", {})
        if "token" not in row or "expires" not in row:
            return None
        return DisposableToken(row["token"]["S"], int(row["expires"]["N"]))

    def _may_make(self, cell: str, shared_by: str) -> bool:
        now = self._clock()
        return self._is_updated(
            _key(cell, shared_by),
            "SET making_until = :until, #ttl = :ttl",
            # Another process may have made the token after this one had read the row.
            "(attribute_not_exists(making_until) OR making_until < :now)"
            " AND (attribute_not_exists(expires) OR expires <= :renewed)",
            {
                ":until": now + MAKING_SECONDS,
                ":now": now,
                ":renewed": now + RENEWED_SECONDS,
                ":ttl": now + VALID_SECONDS,
            },
        )

    def _give_up(self, cell: str, shared_by: str) -> None:
        """Let any process try again at once. Without this write it may after ``MAKING_SECONDS``."""
        self._db.update_item(TableName=self._table, Key=_key(cell, shared_by), UpdateExpression="REMOVE making_until")

    def _is_within_rate(self, cell: str, a_second: int) -> bool:
        """Count one token of this second, unless enough were made in it. Cells with one key share the count."""
        now = int(self._clock())
        return self._is_updated(
            _key(self._cells[cell].key.name, f"second#{now}"),
            "SET #ttl = :ttl ADD made :one",
            "attribute_not_exists(made) OR made < :most",
            {":one": 1, ":most": a_second, ":ttl": now + 60},
        )

    def _write(self, cell: str, shared_by: str, token: DisposableToken) -> None:
        self._db.update_item(
            TableName=self._table,
            Key=_key(cell, shared_by),
            UpdateExpression="SET #token = :token, expires = :expires, #ttl = :expires REMOVE making_until",
            ExpressionAttributeNames={"#token": "token", "#ttl": "ttl"},
            ExpressionAttributeValues={":token": {"S": token.token}, ":expires": {"N": str(token.expires)}},
        )

    def _is_updated(self, key: dict[str, Any], update: str, condition: str, values: dict[str, float]) -> bool:
        try:
            self._db.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={name: {"N": str(int(value))} for name, value in values.items()},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def tokens_url(url: str) -> str:
    """Where tokens are made, for a cell's HTTP endpoint: ``https://web.token.<cell>`` for ``https://api.cache.<cell>``.

    An endpoint of another form, such as a stand-in's, makes its tokens itself.
    """
    return url.rstrip("/").replace("://api.cache.", "://web.token.", 1)


def _keep(memory: dict[tuple[str, str], Any], key: tuple[str, str], value: object) -> None:
    """Keep a value in a memory that does not grow without end."""
    if key not in memory and len(memory) >= MOST_KEPT:
        memory.clear()
    memory[key] = value


def _key(partition: str, item: str) -> dict[str, Any]:
    return {"match_id": {"S": f"momento#{partition}"}, "item": {"S": item}}
