"""Posts frames to connections of our own, as a sender does, and counts the POSTs that API Gateway throttles.

AWS does not document whether POSTs to @connections count against a stage's default throttle
(https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html). ``livescore smoke`` finds a
throttle that is lower than the rate at which it posts. docs/operations.md describes an experiment that shows whether
the default throttle counts POSTs at all.

Our connections follow the smoke test's match. API Gateway does not tell a client its connection id, so this module
reads the ids from the table of subscriptions.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import orjson
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.pacing import Pace
from broadcaster.send.post_queue import Post, PostQueue
from broadcaster.send.signing import Credentials, Endpoint
from client.token_placement import place_token
from client.websocket import LostError, dial
from devstack.deployment.running_system import devstack_cell
from devstack.operator.local_system import system_at
from devstack.stack.provision import client
from devstack.system import ACCOUNT, PREFIX, SECRET
from loadtest.terminal_text import public_url
from runtime.errors import ProgramError
from subscriptions.shards import DEFAULT_SHARDS
from subscriptions.store import partition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.websocket import ViewerSocket


CONNECTIONS = 20
SECONDS = 0.9
"""Seconds over which the frames are spread. Shorter than ``WITHIN_SECONDS``, so that all go out in time."""

WITHIN_SECONDS = 1.0
"""Seconds. A throttle counts by the second, so a measurement that took longer is not conclusive."""

MOST_POSTS = 1000
"""The largest number of POSTs. Some machines cannot send more in a second (docs/operations.md, posts-throttled)."""

PATIENCE_SECONDS = 20.0
"""Seconds to wait until all connections are subscribed, and then until all accepted frames have arrived."""

_EXECUTE_API = re.compile(r"[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")


class SkippedError(ProgramError):
    """The frames cannot be posted from this machine; the system is not at fault. The text gives the reason."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The counts of one measurement. Each frame was posted once.

    A throttle is a token bucket of ``burst`` tokens that refills at ``rate`` tokens a second
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html). Within ``seconds`` it
    passes burst + rate x seconds requests. A throttle that passes ``posts`` or more refuses nothing, so the measurement
    does not show whether it counts POSTs.
    """

    posts: int
    throttled: int
    """POSTs answered 429."""
    arrived: int
    """Frames that our WebSockets received."""
    seconds: float
    """Seconds from the first POST to the last."""

    @property
    def rate(self) -> float:
        """POSTs a second. If ``seconds`` is nearly 0, the number of POSTs."""
        return self.posts / max(self.seconds, 1 / self.posts)

    @property
    def conclusive(self) -> bool:
        """Whether all frames went out within ``WITHIN_SECONDS``."""
        return self.seconds <= WITHIN_SECONDS

    @property
    def shows(self) -> str:
        """Sentences for a person: which throttles the measurement can show, and whether it is conclusive."""
        seen = (
            f"This measurement detects a throttle only if its burst plus {self.seconds:.2f} s of its rate is below "
            f"{self.posts:,} POSTs. It does not detect a higher one, such as a default of 10,000 a second."
        )
        if self.conclusive:
            return seen
        return (
            f"Not conclusive: the frames were to go out within {WITHIN_SECONDS:.0f} s. "
            f"Give --posts a lower number, or start smoke nearer to the region. {seen}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The values that ``livescore smoke --json`` prints, with ``seconds`` and ``rate`` rounded."""
        return {
            "posts": self.posts, "throttled": self.throttled, "arrived": self.arrived,
            "seconds": round(self.seconds, 3), "rate": round(self.rate, 1), "conclusive": self.conclusive,
            "shows": self.shows,
        }  # fmt: skip

    def __str__(self) -> str:
        """A line for a person."""
        return (
            f"{self.posts:,} POSTs went out in {self.seconds:.2f} s, {self.rate:,.0f} a second: {self.throttled:,} "
            f"answered 429, {self.arrived:,} frames arrived. {self.shows}"
        )


@dataclass(frozen=True, slots=True)
class Posting:
    """A system to whose connections the frames are posted."""

    api_url: str
    prefix: str = PREFIX
    connections_urls: tuple[str, ...] = ()
    """URLs of @connections, one for each cell. Needed only if the WebSocket APIs have custom domains."""
    posts: int = 200

    def target(self, number: int, websocket: str, suffix: str = "") -> Target:
        """The target for the API Gateway cell with this number, from 0, and this WebSocket URL.

        ``suffix``: the end of the names of the cell's tables, in an account of AWS. Raises SkippedError.
        """
        system = system_at(self.api_url)
        if system is not None:
            url = websocket.replace("ws://", "http://")
            at = devstack_cell(system, url)
            return Target(
                url, at.region, Credentials(ACCOUNT, SECRET), client(at, "dynamodb"), at.name("subscriptions")
            )
        url = self._connections_url(number, websocket)
        host = _EXECUTE_API.fullmatch(urlsplit(url).hostname or "")
        table = f"{self.prefix}-subscriptions{suffix}"
        try:
            session = boto3.Session()
            region = host[1] if host else session.region_name
            found = session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        except BotoCoreError as error:
            raise SkippedError(f"The AWS credentials of this shell cannot be used: {error}.") from None
        if region is None:
            raise SkippedError(f"The region of {public_url(url)} is unknown: set AWS_REGION.")
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise SkippedError(
                "This shell has no AWS credentials. The POSTs need some with execute-api:ManageConnections on the "
                f"WebSocket API and dynamodb:Query on the table {table}."
            )
        credentials = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
        once = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
        return Target(url, region, credentials, session.client("dynamodb", region_name=region, config=once), table)

    def _connections_url(self, number: int, websocket: str) -> str:
        if number < len(self.connections_urls):
            return self.connections_urls[number].rstrip("/")
        if _EXECUTE_API.fullmatch(urlsplit(websocket).hostname or ""):
            return websocket.replace("wss://", "https://").rstrip("/")
        raise SkippedError(
            f"{public_url(websocket)} does not tell the address of its @connections: give --connections, "
            "from `terraform output connections_urls`."
        )


@dataclass(frozen=True, slots=True)
class Target:
    """One cell's @connections API, and its table of subscriptions."""

    url: str
    region: str
    credentials: Credentials
    dynamodb: Any
    table: str

    def connections_of(self, match: str) -> set[str]:
        """The ids of the connections that follow a match with the default number of shards. Raises SkippedError."""
        found: set[str] = set()
        try:
            for shard in range(DEFAULT_SHARDS):
                rows = self.dynamodb.query(
                    TableName=self.table,
                    ConsistentRead=True,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": partition(match, shard)}},
                )
                found |= {row["sk"]["S"] for row in rows["Items"]}
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                raise SkippedError(
                    f"These AWS credentials see no table {self.table} in {self.region}. Check --prefix and the account."
                ) from None
            raise SkippedError(
                f"These AWS credentials may not read {self.table} in {self.region} ({code}): they need dynamodb:Query."
            ) from None
        except BotoCoreError as error:
            raise SkippedError(f"DynamoDB in {self.region} cannot be reached: {error}.") from None
        return found


async def post(target: Target, websocket: str, match: str, posts: int, token: str | None) -> Posted:
    """Post ``posts`` frames to connections of our own that follow the match, within a second if this machine can.

    Raises SkippedError if these credentials lack a permission, and PostingError for any other failure.
    """
    before = await asyncio.to_thread(target.connections_of, match)
    async with _listeners(websocket, match, token) as listeners:
        ours = await _ids(target, match, before)
        try:
            gateway = await Gateway.open(Endpoint.parse(target.url, target.region), lambda: target.credentials)
        except GatewayError as error:
            raise PostingError(f"{error}.") from None
        try:
            frames = [orjson.dumps({"type": "smoke", "number": number}) for number in range(posts)]
            waiting_posts = [
                (ours[n % len(ours)], gateway.requests.for_post(frame), "", 0.0) for n, frame in enumerate(frames)
            ]
            begun = asyncio.get_running_loop().time()
            waiting, pace = Frames(waiting_posts), Pace(posts / SECONDS, begun)
            tries = OneTry(waiting, pace, until=begun + PATIENCE_SECONDS, on_gone=lambda _: None)
            await gateway.deliver(tries, begun + PATIENCE_SECONDS)
        except GatewayError as error:
            if " 403" not in str(error):
                raise PostingError(f"{error}.") from None
            raise SkippedError(
                f"These AWS credentials may not post to connections: they need execute-api:ManageConnections on the "
                f"WebSocket API in {target.region}."
            ) from None
        finally:
            await gateway.close()
        await _until(lambda: _arrived(listeners) >= tries.tally.accepted_posts)
        return Posted(posts, tries.tally.throttled_tries, _arrived(listeners), waiting.seconds)


class PostingError(ProgramError):
    """Something went wrong; the text is for a person."""


class Frames:
    """A list of posts with the interface of ``post_queue.Rows``."""

    def __init__(self, posts: list[Post]) -> None:
        self._posts = posts[::-1]
        self._first: float | None = None
        self._last = 0.0

    def next_row(self) -> Post | None:
        """The next post, which the caller sends at once; None if none is left."""
        if not self._posts:
            return None
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last
        return self._posts.pop()

    @property
    def seconds(self) -> float:
        """Seconds from the first ``next_row`` to the last."""
        return 0.0 if self._first is None else self._last - self._first

    @property
    def waiting_rows(self) -> int:
        """The number of posts that are left."""
        return len(self._posts)

    @property
    def fresh(self) -> bool:
        """Whether a post is left."""
        return bool(self._posts)

    @property
    def exhausted(self) -> bool:
        """Whether no post is left."""
        return not self._posts


class OneTry(PostQueue):
    """A queue that repeats no throttled or failed post, so each 429 stands for one frame.

    It repeats a post only if an idle HTTP connection broke.
    """

    def _try_again(self, post: Post, now: float, counts: float, *, met_outage: bool, at_once: bool = False) -> None:
        if at_once:
            super()._try_again(post, now, counts, met_outage=met_outage, at_once=True)
        else:
            self.tally.failed_posts += 1
            self.tally.outage_posts += met_outage


@dataclass(slots=True)
class _Listener:
    """The state of one of our WebSockets, and the numbers of the frames that it received."""

    subscribed: bool = False
    wrong: str | None = None
    numbers: set[int] = field(default_factory=set)

    def hear(self, text: bytes | memoryview) -> None:
        frame = orjson.loads(text)
        match frame.get("type"):
            case "snapshot":
                self.subscribed = True
            case "smoke":
                self.numbers.add(frame["number"])
            case "update":
                pass
            case _:
                self.wrong = str(frame.get("message"))


@asynccontextmanager
async def _listeners(websocket: str, match: str, token: str | None) -> AsyncIterator[list[_Listener]]:
    """Connections of our own that follow the match. Raises PostingError if one cannot connect or subscribe."""
    listeners = [_Listener() for _ in range(CONNECTIONS)]
    url, headers = place_token(f"{websocket}?v=1", token)
    wires: list[ViewerSocket] = []
    try:
        # One after the other: many new connections at once might be throttled, and that is not measured here.
        for each in listeners:
            wires.append(await dial(url, each.hear, headers))  # noqa: PERF401  # The open ones are closed below.
        for wire in wires:
            wire.send(orjson.dumps({"action": "subscribe", "match": match}))
        await _until(lambda: all(each.subscribed or each.wrong for each in listeners))
        if not all(each.subscribed for each in listeners):
            wrong = next((each.wrong for each in listeners if each.wrong), None)
            raise PostingError(wrong or f"A connection had no snapshot after {PATIENCE_SECONDS:.0f} s.")
        yield listeners
    except LostError as error:
        raise PostingError(
            f"A connection to {public_url(websocket)} could not be opened or was lost: {error}."
        ) from None
    finally:
        for wire in wires:
            wire.close()


async def _ids(target: Target, match: str, before: set[str]) -> list[str]:
    """The ids of our connections. Raises PostingError, SkippedError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(ours := await asyncio.to_thread(target.connections_of, match) - before) < CONNECTIONS:
        if time.monotonic() > deadline:
            raise PostingError(f"Only {len(ours)} of {CONNECTIONS} connections are in the table {target.table}.")
        await asyncio.sleep(0.1)
    return sorted(ours)


async def _until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.01)


def _arrived(listeners: list[_Listener]) -> int:
    return sum(len(each.numbers) for each in listeners)
