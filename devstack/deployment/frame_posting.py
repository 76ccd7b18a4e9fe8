"""Frames posted to connections of our own, as a sender posts them, to see whether a throttle of API Gateway is too low.

No documentation says whether POSTs to @connections count against a stage's default throttle
(https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html). ``livescore smoke`` finds a
throttle below what it posts, and says which one that would be. docs/operations.md has the experiment that shows
whether the default counts at all.

The connections follow the smoke test's match; their ids are read from the table of subscriptions, because nothing tells
a client its id.
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
from botocore.session import get_session

from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.pacing import Pace
from broadcaster.send.post_queue import Post, PostQueue
from broadcaster.send.signing import Credentials, Endpoint
from client.token_placement import place_token
from client.websocket import LostError, dial
from devstack.operator.local_system import system_at
from devstack.stack.provision import client
from devstack.system import ACCOUNT, PREFIX, REGION, SECRET
from loadtest.terminal_text import public_url
from runtime.errors import ProgramError
from subscriptions.shards import DEFAULT_SHARDS
from subscriptions.store import partition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.websocket import ViewerSocket


CONNECTIONS = 20
SECONDS = 0.9
"""The frames are spread over so long, so that all go out within ``WITHIN_SECONDS``."""

WITHIN_SECONDS = 1.0
"""A throttle counts by the second: frames that took longer to go out do not show what was asked."""

MOST_POSTS = 1000
"""More do not go out within a second from every machine (docs/operations.md, posts-throttled)."""

PATIENCE_SECONDS = 20.0
"""For the connections to be subscribed, and for the frames that were accepted to arrive."""

_EXECUTE_API = re.compile(r"[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")


class SkippedError(ProgramError):
    """The frames cannot be posted from this machine, which is no fault of the system. The text says why."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The fate of the frames, each of which was posted once, and what that can show of a throttle.

    A throttle is a token bucket of ``burst`` that refills at ``rate`` a second
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html). Within ``seconds`` it
    lets burst + rate x seconds pass. If that is ``posts`` or more it refuses nothing, whether it counts POSTs or not.
    """

    posts: int
    throttled: int
    """POSTs answered 429."""
    arrived: int
    """Frames that came out of the WebSockets."""
    seconds: float
    """From the first POST to the last POST."""

    @property
    def rate(self) -> float:
        """Frames a second that went out; all of them if they went out at once."""
        return self.posts / max(self.seconds, 1 / self.posts)

    @property
    def conclusive(self) -> bool:
        """Whether the frames went out as fast as they were to go out."""
        return self.seconds <= WITHIN_SECONDS

    @property
    def shows(self) -> str:
        """A sentence for a person about the largest throttle that the measurement can show."""
        seen = (
            f"A throttle that counts POSTs shows only if its burst and {self.seconds:.2f} times its rate together are "
            f"below {self.posts:,}: of a higher one, such as a default of 10,000 a second, this says nothing."
        )
        if self.conclusive:
            return seen
        return (
            f"Not conclusive: the frames were to go out within {WITHIN_SECONDS:.0f} s. "
            f"Give --posts a lower number, or start smoke nearer to the region. {seen}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As ``livescore smoke --json`` prints it: seconds and rate rounded."""
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
    """The facts needed to post to a system's connections: its HTTP API, and facts that its URLs do not tell."""

    api_url: str
    prefix: str = PREFIX
    connections_urls: tuple[str, ...] = ()
    """URLs of @connections, one for each cell; needed where cells have domains of their own."""
    posts: int = 200

    def target(self, number: int, websocket: str) -> Target:
        """Where the frames of a cell, the ``number``-th, go. Raises SkippedError."""
        system = system_at(self.api_url)
        if system is not None:
            at = system.at(_devstack_region(websocket))
            url = websocket.replace("ws://", "http://")
            return Target(
                url, at.region, Credentials(ACCOUNT, SECRET), client(at, "dynamodb"), at.name("subscriptions")
            )
        url = self._connections_url(number, websocket)
        host = _EXECUTE_API.fullmatch(urlsplit(url).hostname or "")
        table = f"{self.prefix}-subscriptions"
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
        """Ids of the connections that follow a match of the default number of shards. Raises SkippedError."""
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
            raise SkippedError(f"DynamoDB in {self.region} cannot be asked: {error}.") from None
        return found


async def post(target: Target, websocket: str, match: str, posts: int, token: str | None) -> Posted:
    """Post so many frames to connections of our own that follow the match, within a second if this machine can.

    Raises SkippedError when these credentials may not, PostingError when something else goes wrong.
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
    """``post_queue.Rows``: a list of posts."""

    def __init__(self, posts: list[Post]) -> None:
        self._posts = posts[::-1]
        self._first: float | None = None
        self._last = 0.0

    def next_row(self) -> Post | None:
        """The next post, which goes out at once."""
        if not self._posts:
            return None
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last
        return self._posts.pop()

    @property
    def seconds(self) -> float:
        """From the first post to the last one that was taken."""
        return 0.0 if self._first is None else self._last - self._first

    @property
    def waiting_rows(self) -> int:
        """Posts that are left."""
        return len(self._posts)

    @property
    def fresh(self) -> bool:
        """Whether any is left."""
        return bool(self._posts)

    @property
    def exhausted(self) -> bool:
        """Whether none is left."""
        return not self._posts


class OneTry(PostQueue):
    """A queue that tries no post again, so that each 429 is one frame. An idle HTTP connection may break."""

    def _try_again(self, post: Post, now: float, counts: float, *, unreached: bool, at_once: bool = False) -> None:
        if at_once:
            super()._try_again(post, now, counts, unreached=unreached, at_once=True)
        else:
            self.tally.failed_posts += 1
            self.tally.unreached_posts += unreached


@dataclass(slots=True)
class _Listener:
    """The frames that have come out of one of our WebSockets."""

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
    """Connections of our own that follow the match. Raises PostingError if one does not get as far."""
    listeners = [_Listener() for _ in range(CONNECTIONS)]
    url, headers = place_token(f"{websocket}?v=1", token)
    wires: list[ViewerSocket] = []
    try:
        # One after the other: the measurement is about POSTs, not about opening connections.
        for each in listeners:
            wires.append(await dial(url, each.hear, headers))  # noqa: PERF401  # those that are open are closed below
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


def _devstack_region(websocket: str) -> str:
    """The region of a cell of devstack: MiniStack's ids of APIs end in it, the stand-in is in the first one."""
    system_id = urlsplit(websocket).path.split("/")[-2] if "/execute-api/" in websocket else ""
    # Not boto3: that wants the profile of AWS_PROFILE, which devstack does not need.
    regions = get_session().get_available_regions("dynamodb")
    return next((each for each in regions if system_id.endswith(each.replace("-", ""))), REGION)
