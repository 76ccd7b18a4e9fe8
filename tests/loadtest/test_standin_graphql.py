"""The stand-in for AppSync GraphQL: its protocol, its access, its limits."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
from aiohttp.test_utils import TestServer
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed, InvalidStatus

from devstack.system import ACCOUNT, REGION, SECRET
from loadtest.standin.graphql_access import Authorizer
from loadtest.standin.graphql_documents import Documents
from loadtest.standin.graphql_server import SCHEMA, Api, Limits, application
from loadtest.standin.signatures import Verifier
from tests.loadtest.graphql_viewer import (
    PATIENCE,
    QUERY,
    FakeAuthorizer,
    header,
    hear,
    joined,
    opened,
    publish,
    start,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHANNEL = "livescore/c-cup/m1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}


@dataclasses.dataclass(frozen=True)
class Bench:
    """The stand-in, its authorizer, and a client of its HTTP side."""

    http: str
    authorizer: FakeAuthorizer
    client: httpx.AsyncClient
    api: Api

    @property
    def url(self) -> str:
        """The WebSocket's URL."""
        return self.http.replace("http://", "ws://")

    async def publish(self, frame: str, feed: str = "all", channel: str = CHANNEL, **how: Any) -> httpx.Response:
        """Publish a frame."""
        return await publish(self.client, self.http, channel, feed, frame, **how)

    async def limit(self, **limits: float) -> None:
        """Set limits."""
        url = self.http.replace("/graphql", "/_standin/limits")
        assert (await self.client.patch(url, json=limits)).status_code == 200


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A stand-in of its own for each test."""
    authorizer = FakeAuthorizer()
    lambdas = TestServer(authorizer.app, host="127.0.0.1")
    await lambdas.start_server()
    session = aiohttp.ClientSession()
    keys = Credentials(ACCOUNT, SECRET)
    asking = Authorizer(session, str(lambdas.make_url("")).rstrip("/"), "graphql_authorizer", REGION, keys)
    api = Api(Documents(SCHEMA.read_text()), asking, Verifier(ENVIRONMENT, "appsync"), Limits())
    server = TestServer(application(api, session, "*"), host="127.0.0.1")
    await server.start_server()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        yield Bench(str(server.make_url("/graphql")), authorizer, client, api)
    await server.close()
    await lambdas.close()


async def test_a_published_frame_comes_to_its_subscribers(bench: Bench) -> None:
    """A frame goes once, and in order, to each subscription of its channel and feed, and nowhere else."""
    viewers = [await joined(bench.url) for _ in range(3)]
    for viewer in viewers[:2]:
        assert await start(viewer, CHANNEL, "all", number="a") == {"type": "start_ack", "id": "a"}
    await start(viewers[2], CHANNEL, "score", number="s")
    for number in range(3):
        answer = await bench.publish(str(number))
        expected = {"channel": CHANNEL, "feed": "all", "frame": str(number)}
        assert (answer.status_code, answer.json()) == (200, {"data": {"publish": expected}})
    await bench.publish("goal", "score")
    for viewer in viewers[:2]:
        for number in range(3):
            data = {"onFrame": {"channel": CHANNEL, "feed": "all", "frame": str(number)}}
            assert await hear(viewer) == {"id": "a", "type": "data", "payload": {"data": data}}
    assert (await hear(viewers[2]))["payload"]["data"]["onFrame"]["frame"] == "goal"
    for viewer in viewers:
        await viewer.close()


async def test_the_messages_are_those_of_awss_simulator(bench: Bench) -> None:
    """Each message has the type, the id and the data that AWS's own simulator gives in the same conversation.

    The simulator adds an empty payload to two messages, and calls the longest silence ``connectionTimeout``, where AWS
    documents ``connectionTimeoutMs`` and amplify-js reads it.
    """
    said = json.loads((Path(__file__).parent / "appsync_simulator.json").read_text())
    bench.authorizer.answers["all"] = bench.authorizer.allowed("open c-cup *")
    channel = "livescore/c-cup/m1"
    viewer = await opened(bench.url)
    await viewer.send('{"type":"connection_init"}')
    acknowledged = await hear(viewer)
    [expected] = said["connection_init"]
    milliseconds = expected["payload"]["connectionTimeout"]
    assert acknowledged == {"type": expected["type"], "payload": {"connectionTimeoutMs": milliseconds}}
    assert await start(viewer, channel, "all") == _without_payload(said["start"][0])
    answer = await bench.publish("{}")
    assert answer.json() == json.loads(json.dumps(said["publish_answer"]).replace('"c"', f'"{channel}"'))
    assert await hear(viewer) == json.loads(json.dumps(said["publish"][0]).replace('"c"', f'"{channel}"'))
    await viewer.send('{"id":"1","type":"stop"}')
    assert await hear(viewer) == _without_payload(said["stop"][0])
    await viewer.send('{"id":"2","type":"bogus"}')
    refused = await hear(viewer)
    assert (refused["type"], list(refused["payload"])) == ("error", ["errors"])
    await viewer.close()


def _without_payload(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "payload"}


async def test_stop_ends_a_subscription(bench: Bench) -> None:
    """After ``stop`` and ``complete`` a subscription hears nothing; another one of the connection goes on."""
    viewer = await joined(bench.url)
    await start(viewer, CHANNEL, "all", number="1")
    await start(viewer, CHANNEL, "score", number="2")
    await viewer.send('{"type":"stop","id":"1"}')
    assert await hear(viewer) == {"type": "complete", "id": "1"}
    await bench.publish("all")
    await bench.publish("score", "score")
    assert (await hear(viewer))["id"] == "2"
    await viewer.close()


async def test_the_service_keeps_the_connection_alive(bench: Bench) -> None:
    """``connection_ack`` states the longest silence, and ``ka`` comes at once and then again and again."""
    await bench.limit(keep_alive_seconds=0.05)
    viewer = await opened(bench.url)
    await viewer.send('{"type":"connection_init"}')
    assert await hear(viewer) == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}}
    for _ in range(3):
        assert await hear(viewer, "ka") == {"type": "ka"}
    await viewer.close()


async def test_the_header_may_be_in_the_query(bench: Bench) -> None:
    """The token of the handshake may stand in the query parameter ``header``, beside ``payload``."""
    from websockets.asyncio.client import connect

    url = f"{bench.url}?header={header('all')}&payload=e30="
    async with connect(url, subprotocols=["graphql-ws"], proxy=None) as viewer:  # type: ignore[list-item]
        await viewer.send('{"type":"connection_init"}')
        assert (await hear(viewer))["type"] == "connection_ack"


async def test_a_wrong_token_does_not_connect(bench: Bench) -> None:
    """A token that the authorizer refuses ends the connection, and so does an empty one without a call."""
    for token in ("forged", ""):
        viewer = await opened(bench.url, token)
        await viewer.send('{"type":"connection_init"}')
        refused = await hear(viewer)
        assert refused["type"] == "connection_error"
        assert refused["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(viewer.recv(), PATIENCE)
    assert [each["authorizationToken"] for each in bench.authorizer.asked] == ["forged"]


async def test_a_subscription_is_decided_by_the_rights(bench: Bench) -> None:
    """A viewer hears its competitions and its own subject; a refusal names the reason and ends nothing else."""
    bench.authorizer.answers["cup"] = bench.authorizer.allowed("open c-cup", "s-me")
    viewer = await joined(bench.url, "cup")
    allowed = [("livescore/c-cup/m1", "all"), ("livescore/open/m2", "score"), ("livescore/subjects", "s-me")]
    for number, (channel, feed) in enumerate(allowed):
        answer = await start(viewer, channel, feed, number=str(number), token="cup")
        assert answer["type"] == "start_ack"
    foreign = [
        ("livescore/c-league/m1", "all"), ("livescore/c-cup/m1", "*"), ("livescore/subjects", "s-you"),
        ("livescore/*/m1", "all"), ("livescore/c-cup", "all"), ("other/c-cup/m1", "all"),
    ]  # fmt: skip
    for channel, feed in foreign:
        answer = await start(viewer, channel, feed, number="x", token="cup")
        assert answer["type"] == "error", (channel, feed)
        assert answer["payload"]["errors"][0]["errorType"] == "not_entitled"
    answer = await start(viewer, CHANNEL, "all", number="x", token="forged")
    assert answer["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
    await bench.publish("still here")
    assert (await hear(viewer))["id"] == "0"
    await viewer.close()


async def test_the_rights_cannot_be_got_around_by_the_document(bench: Bench) -> None:
    """The channel in the document counts, not the variables: an inline argument of a foreign channel is refused."""
    bench.authorizer.answers["cup"] = bench.authorizer.allowed("open c-cup")
    viewer = await joined(bench.url, "cup")
    inline = 'subscription { a: onFrame(channel: "livescore/c-league/m1", feed: "all") { frame } }'
    answer = await start(viewer, CHANNEL, "all", token="cup", query=inline)
    assert answer["payload"]["errors"][0]["errorType"] == "not_entitled"
    await viewer.close()


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ __schema { types { name } } }", '{ __type(name: "Frame") { name } }']
)
async def test_introspection_is_closed(bench: Bench, query: str) -> None:
    """As Terraform sets it for the API: a viewer learns nothing of the schema, and gets an error inside HTTP 200."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(bench.url, json={"query": query}, headers={"Authorization": "all"})
    assert (answer.status_code, answer.json()["errors"][0]["errorType"]) == (200, "ValidationError")


async def test_the_authorizer_is_told_nothing_of_a_subscription(bench: Bench) -> None:
    """As at AWS, the authorizer gets an empty query and no variables for a connection and for a subscription."""
    bench.authorizer.answers["all"]["ttlOverride"] = 0
    viewer = await joined(bench.url)
    await start(viewer, CHANNEL, "all")
    await viewer.close()
    for event in bench.authorizer.asked:
        context = event["requestContext"]
        assert (context["queryString"], context["variables"]) == ("", {})
    assert len(bench.authorizer.asked) == 2


async def test_answers_of_the_authorizer_are_kept_for_their_time(bench: Bench) -> None:
    """Viewers with one token are one call while ``ttlOverride`` lasts; with 0 each viewer is a call."""
    for expected in (1, 1, 1):
        await (await joined(bench.url)).close()
        assert len(bench.authorizer.asked) == expected
    bench.authorizer.answers["brief"] = bench.authorizer.allowed("open", ttl=0)
    for expected in (2, 3):
        await (await joined(bench.url, "brief")).close()
        assert len(bench.authorizer.asked) == expected


async def test_viewers_may_not_publish(bench: Bench) -> None:
    """A viewer's token does not publish: over HTTP the refusal is inside HTTP 200, and the WebSocket refuses too."""
    viewer = await joined(bench.url)
    await start(viewer, CHANNEL, "all")
    answer = await bench.publish("forged", token="all")
    assert (answer.status_code, answer.json()["data"]) == (200, {"publish": None})
    assert answer.json()["errors"][0]["errorType"] == "Unauthorized"
    mutation = (
        'mutation { publish(channel: "livescore/c-cup/m1", feed: "all", frame: "forged") { channel feed frame } }'
    )
    assert (await start(viewer, CHANNEL, "all", number="2", query=mutation))["type"] == "error"
    await bench.publish("true")
    assert (await hear(viewer))["payload"]["data"]["onFrame"]["frame"] == "true"
    await viewer.close()


async def test_a_publisher_must_sign(bench: Bench) -> None:
    """Another secret is answered 403, and no or a forged token 401."""
    assert (await bench.publish("x", secret="other")).status_code == 403
    assert (await bench.publish("x", token="forged")).status_code == 401
    assert (await bench.client.post(bench.http, json={"query": "{ version }"})).status_code == 401
    assert bench.api.stats.publishes == 0


async def test_errors_come_inside_http_200(bench: Bench) -> None:
    """A document that does not fit the schema, and a mutation that fails, are answered 200 with ``errors``."""
    await bench.limit(refuse_publishes=1)
    failed = await bench.publish("x")
    assert (failed.status_code, failed.json()["errors"][0]["errorType"]) == (200, "InternalFailure")
    assert "errors" not in (await bench.publish("x")).json()
    viewer = await joined(bench.url)
    answer = await start(viewer, CHANNEL, "all", query=QUERY % "colour")
    assert answer["payload"]["errors"][0]["errorType"] == "ValidationError"
    await viewer.close()


async def test_a_long_result_reaches_nobody(bench: Bench) -> None:
    """More than 240 KB is accepted and dropped without a word, as at AppSync; more than 1 MB is refused."""
    viewer = await joined(bench.url)
    await start(viewer, CHANNEL, "all")
    answer = await bench.publish("x" * 250_000)
    assert (answer.status_code, "errors" in answer.json()) == (200, False)
    assert (await bench.publish("x" * 1_100_000)).status_code == 413
    await bench.publish("short")
    assert (await hear(viewer))["payload"]["data"]["onFrame"]["frame"] == "short"
    assert bench.api.stats.dropped_oversize == 1
    await viewer.close()


async def test_a_subscription_may_begin_late(bench: Bench) -> None:
    """On request an acknowledged subscription hears only later, as AppSync's sometimes does."""
    await bench.limit(begin_ms=10_000)
    viewer = await joined(bench.url)
    await start(viewer, CHANNEL, "all", number="late")
    await bench.publish("lost")
    await bench.limit(begin_ms=0)
    await start(viewer, CHANNEL, "all", number="now")
    await bench.publish("heard")
    message = await hear(viewer)
    assert (message["id"], message["payload"]["data"]["onFrame"]["frame"]) == ("now", "heard")
    await viewer.close()


async def test_publishes_can_be_throttled(bench: Bench) -> None:
    """On request more mutations than so many a second are answered 429."""
    await bench.limit(publishes_per_second=1)
    statuses = {(await bench.publish("x")).status_code for _ in range(5)}
    assert 429 in statuses


async def test_a_viewer_that_does_not_read_delays_nobody(bench: Bench) -> None:
    """A viewer that leaves a megabyte unread loses messages, and the others get theirs."""
    slow, quick = await joined(bench.url), await joined(bench.url)
    await start(slow, CHANNEL, "all")
    await start(quick, CHANNEL, "all")
    slow.transport.pause_reading()
    heard = asyncio.ensure_future(_count(quick, 100))
    for _ in range(100):
        await bench.publish("x" * 200_000)
    await asyncio.wait_for(heard, PATIENCE)
    assert bench.api.stats.dropped_slow > 0
    slow.transport.abort()
    await quick.close()


async def _count(viewer: Any, wanted: int) -> None:
    for _ in range(wanted):
        await hear(viewer, "data")


async def test_pages_of_other_machines_are_refused(bench: Bench) -> None:
    """A page of another machine cannot open a viewer's WebSocket, and no page can publish."""
    with pytest.raises(InvalidStatus):
        await opened(bench.url, origin="https://evil.example")
    viewer = await opened(bench.url, origin="http://localhost:8000")
    await viewer.close()
    answer = await bench.client.post(bench.http, json={}, headers={"Origin": "http://localhost:8000"})
    assert answer.status_code == 403


async def test_a_malformed_message_ends_nothing(bench: Bench) -> None:
    """Messages that are no JSON, or of another protocol, get an error and the connection goes on."""
    viewer = await joined(bench.url)
    for message in ("{", "[]", '{"type":"subscribe","id":"1"}', '{"type":"start","id":"1","payload":{}}'):
        await viewer.send(message)
        assert (await hear(viewer))["type"] == "error", message
    assert (await start(viewer, CHANNEL, "all"))["type"] == "start_ack"
    await viewer.close()


async def test_a_thousand_viewers_hear_one_frame(bench: Bench) -> None:
    """One frame comes to 1,000 viewers of one core, each once."""
    viewers = []
    for _ in range(20):
        viewers += await asyncio.gather(*(joined(bench.url) for _ in range(50)))
    await asyncio.gather(*(start(each, CHANNEL, "all") for each in viewers))
    await bench.publish(json.dumps({"seq": 1}))
    frames = [(await hear(each, "data"))["payload"]["data"]["onFrame"]["frame"] for each in viewers]
    assert frames == ['{"seq": 1}'] * 1000
    assert bench.api.stats.delivered == 1000
    await asyncio.gather(*(each.close() for each in viewers))
