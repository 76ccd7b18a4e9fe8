"""The stand-in for Momento: topics over HTTP, tokens, limits."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from api import momento_tokens
from loadtest.standin.momento_rights import INVALID_ARGUMENT, UNAUTHENTICATED, Keys
from loadtest.standin.momento_server import PAYLOAD_BYTES, Limits, Momento, application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 20.0
KEY = "the-account's-key"
TOPIC = "livescore:c-cup:m1:all"


@dataclasses.dataclass(frozen=True)
class Bench:
    """The stand-in and a client."""

    url: str
    client: httpx.AsyncClient
    momento: Momento

    async def publish(self, text: str | bytes, token: str = KEY, topic: str = TOPIC, cache: str = "cache") -> int:
        """Publish a message; returns the status."""
        headers = {"Authorization": token, "Content-Type": "text/plain"}
        answer = await self.client.post(f"{self.url}/topics/{cache}/{topic}", content=text, headers=headers)
        return answer.status_code

    async def poll(
        self, sequence: int = 0, page: int = 0, token: str = KEY, topic: str = TOPIC, cache: str = "cache"
    ) -> httpx.Response:
        """Poll a topic, with the token in the query."""
        wanted: dict[str, Any] = {"sequence_number": sequence, "sequence_page": page, "token": token}
        return await self.client.get(f"{self.url}/topics/{cache}/{topic}", params=wanted)

    async def token(self, prefix: str = "livescore:c-cup:", seconds: int = 60, key: str = KEY) -> str:
        """A disposable token. Raises GrpcError."""
        body = momento_tokens.request(key, "cache", [prefix], seconds)
        headers = {**momento_tokens.HEADERS, "Authorization": key}
        answer = await self.client.post(self.url + momento_tokens.PATH, content=body, headers=headers)
        return momento_tokens.answer(answer.content, dict(answer.headers)).token

    async def waiting(self, polls: int) -> None:
        """Wait until so many polls wait."""
        async with asyncio.timeout(PATIENCE):
            while self.momento.counted()["connections"] != polls:
                await asyncio.sleep(0.01)

    async def limit(self, **limits: float) -> None:
        """Set limits."""
        assert (await self.client.patch(f"{self.url}/_standin/limits", json=limits)).status_code == 200


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A stand-in of its own for each test."""
    momento = Momento(Keys(KEY), frozenset({"cache"}), Limits())
    server = TestServer(application(momento, "*"), host="127.0.0.1")
    await server.start_server()
    connections = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=PATIENCE, limits=connections) as client:
        yield Bench(str(server.make_url("")).rstrip("/"), client, momento)
    await server.close()


def numbers(answer: httpx.Response) -> list[int]:
    """The sequence numbers of the items in an answer."""
    assert answer.status_code == 200
    return [each["item"]["topic_sequence_number"] for each in answer.json()["items"]]


async def test_a_poll_waits_for_the_next_message(bench: Bench) -> None:
    """A first poll waits, and the message comes to every poll of its topic and to no other."""
    polls = [asyncio.ensure_future(bench.poll()) for _ in range(3)]
    other = asyncio.ensure_future(bench.poll(topic="other"))
    await bench.waiting(4)
    assert await bench.publish("goal") == 204
    for poll in polls:
        item = (await poll).json()["items"][0]["item"]
        assert (item["topic_sequence_number"], item["value"]) == (1, {"text": "goal"})
        assert item["sequence_page"] > 0
    await bench.waiting(1)
    other.cancel()
    await bench.waiting(0)


async def test_a_poll_resumes_where_it_was(bench: Bench) -> None:
    """Messages that come between two polls wait in the backlog."""
    for number in range(3):
        await bench.publish(str(number))
    page = bench.momento._page  # noqa: SLF001  # as an item would state it
    assert numbers(await bench.poll(2, page)) == [2, 3]


async def test_a_gap_is_stated(bench: Bench) -> None:
    """A poll for a message that is no longer kept, or of an older page, gets a discontinuity first."""
    await bench.limit(backlog=2)
    for number in range(5):
        await bench.publish(str(number))
    first, *rest = (await bench.poll(2, bench.momento._page)).json()["items"]  # noqa: SLF001
    assert first["discontinuity"]["new_topic_sequence"] == 4
    assert len(rest) == 2
    old = bench.momento._page  # noqa: SLF001
    page = (await bench.client.post(f"{bench.url}/_standin/pages")).json()["page"]
    [only] = (await bench.poll(6, old)).json()["items"]
    assert only["discontinuity"]["new_sequence_page"] == page


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"token": "forged"}, 401),
        ({"cache": "other"}, 404),
        ({"sequence": -1}, 400),
    ],
)
async def test_wrong_polls_are_refused(bench: Bench, request_of: dict[str, Any], status: int) -> None:
    """An unknown token is answered 401, an unknown cache 404, a malformed number 400."""
    assert (await bench.poll(**request_of)).status_code == status


async def test_the_token_comes_once(bench: Bench) -> None:
    """A token in the header and in the query is answered 400, as Momento does."""
    url = f"{bench.url}/topics/cache/{TOPIC}?token={KEY}"
    assert (await bench.client.get(url, headers={"Authorization": KEY})).status_code == 400


async def test_long_messages_are_refused(bench: Bench) -> None:
    """4 KB pass and one byte more does not."""
    assert await bench.publish("x" * PAYLOAD_BYTES) == 204
    assert await bench.publish("x" * (PAYLOAD_BYTES + 1)) == 400
    assert await bench.publish(b"\xff\xff") == 400


async def test_the_101st_subscriber_is_refused(bench: Bench) -> None:
    """100 polls wait, and the next one is answered 429; when one has ended, another may come."""
    polls = [asyncio.ensure_future(bench.poll()) for _ in range(100)]
    await bench.waiting(100)
    assert (await bench.poll()).status_code == 429
    polls[0].cancel()
    await bench.waiting(99)
    polls.append(asyncio.ensure_future(bench.poll()))
    await bench.waiting(100)
    await bench.publish("goal")
    assert [numbers(await each) for each in polls[1:]] == [[1]] * 100


async def test_a_disposable_token_only_subscribes_to_its_prefix(bench: Bench) -> None:
    """A disposable token polls topics of its competition; it polls no other, and publishes nothing."""
    await bench.publish("one")
    token = await bench.token()
    assert numbers(await bench.poll(1, token=token)) == [1]
    assert (await bench.poll(1, token=token, topic="livescore:c-league:m1:all")).status_code == 403
    assert (await bench.poll(1, token=token, cache="other")).status_code == 403
    assert await bench.publish("forged", token=token) == 403
    assert (await bench.poll(1, token=token[:-8] + "AAAAAAAA")).status_code == 401


async def test_a_disposable_token_expires(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its end a token is answered 401."""
    token = await bench.token(seconds=60)
    now = time.time()
    monkeypatch.setattr("loadtest.standin.momento_rights.time.time", lambda: now + 61)
    assert (await bench.poll(1, token=token)).status_code == 401


async def test_tokens_are_made_for_the_key_alone(bench: Bench) -> None:
    """Another key makes no token, a token over an hour is refused, and so is the sixth in a second."""
    with pytest.raises(momento_tokens.GrpcError) as refused:
        await bench.token(key="other")
    assert refused.value.status == UNAUTHENTICATED
    with pytest.raises(momento_tokens.GrpcError) as too_long:
        await bench.token(seconds=3601)
    assert too_long.value.status == INVALID_ARGUMENT
    await bench.limit(tokens_per_second=1)
    statuses = []
    for _ in range(5):
        try:
            await bench.token()
        except momento_tokens.GrpcError as error:
            statuses.append(error.status)
    assert set(statuses) == {momento_tokens.RESOURCE_EXHAUSTED}


async def test_a_page_may_poll(bench: Bench) -> None:
    """A page of this machine may poll, and the browser is told so; a page of another machine may not."""
    url = f"{bench.url}/topics/cache/{TOPIC}"
    page = {"Origin": "http://localhost:8000"}
    asked = await bench.client.options(url, headers={**page, "Access-Control-Request-Headers": "authorization"})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")
    await bench.publish("goal")
    answer = await bench.client.get(f"{url}?token={KEY}&sequence_number=1", headers=page)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert (await bench.client.get(url, headers={"Origin": "https://evil.example"})).status_code == 403


async def test_faults_come_on_request(bench: Bench) -> None:
    """On request a message is answered 500, operations over a rate 429, and a poll ends without items."""
    await bench.limit(refuse_publishes=1, poll_seconds=0.01)
    assert [await bench.publish("x"), await bench.publish("x")] == [500, 204]
    assert numbers(await bench.poll()) == []
    await bench.limit(operations_per_second=1)
    assert 429 in {await bench.publish("x") for _ in range(5)}


async def test_a_thousand_viewers_poll(bench: Bench) -> None:
    """With the account's limit raised, one message comes to 1,000 polls."""
    await bench.limit(subscribers=1000)
    polls = [asyncio.ensure_future(bench.poll()) for _ in range(1000)]
    await bench.waiting(1000)
    await bench.publish("goal")
    assert [numbers(await each) for each in polls] == [[1]] * 1000
