"""Slow viewers hardly delay the others: in virtual time, and on the real tables."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import Batch, SenderTask
from broadcaster.send.gateway import Gateway
from broadcaster.send.gateway_answers import Answer
from broadcaster.send.pacing import Pace
from broadcaster.send.post_queue import TRIES, PostQueue, PreparedRequest
from broadcaster.send.signing import Endpoint
from matches.events import EVENT, AcceptedEvent
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import partition, row_key
from tests.broadcaster.conftest import OWNER, send
from tests.broadcaster.test_gateway import REGION, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from broadcaster.control.cell_state import CellStates
    from broadcaster.send.carousel import Tools
    from broadcaster.send.post_queue import Post
    from devstack.system import System
    from matches.ledger import Ledger

REQUEST = PreparedRequest(b"", lambda _: b"")
VIEWERS, RATE, LATENCY = 10_000, 2_000.0, 0.03
ANSWERS = {"honest": 1.0, "never reads": 0.0, "reads at times": 0.3}


class Numbered:
    """Rows with the numbers 0, 1, 2 … as connections."""

    def __init__(self, count: int) -> None:
        self._at, self._count = 0, count

    def next_row(self) -> Post | None:
        """The next row."""
        if self.exhausted:
            return None
        self._at += 1
        return str(self._at - 1), REQUEST, "m#0", 0

    @property
    def waiting_rows(self) -> int:
        """The number of posts left."""
        return self._count - self._at

    @property
    def fresh(self) -> bool:
        """Whether there is one."""
        return not self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether there is none."""
        return self._at == self._count


def last_honest(
    slow: float, kind: str = "never reads", account: float = 1e9, noted: list[str] | None = None
) -> tuple[float, int, int]:
    """Tell 10,000 viewers in virtual time.

    A share is ``slow``, of one ``kind``; the account allows ``account`` requests a second. Returns the seconds to the
    last honest viewer, the honest viewers that were told, and the requests. ``noted`` gets the kinds of those that are
    noted as slow.
    """
    chance = random.Random(7)
    kinds = [kind if chance.random() < slow else "honest" for _ in range(VIEWERS)]
    now, last, told, requests, tokens = 0.0, 0.0, 0, 0, account / 10

    def slow_one(post: Post) -> None:
        if noted is not None:
            noted.append(kinds[int(post[0])])

    posts = PostQueue(
        Numbered(VIEWERS), Pace(RATE, 0.0), until=600, on_gone=lambda _: None, on_slow=slow_one, chance=chance.random
    )
    wire: list[tuple[float, int, Post, Answer]] = []
    post: Post | None
    while wire or not posts.finished(now):
        while wire and wire[0][0] <= now:
            _, _, post, answer = heappop(wire)
            posts.answered(post, answer, now)
            if answer is Answer.ACCEPTED and kinds[int(post[0])] == "honest":
                last, told = now, told + 1
        allowed = posts.pace.bucket.tokens(now)
        while allowed > 0 and (post := posts.next_post(now)) is not None:
            posts.pace.bucket.spend(1)
            allowed, requests = allowed - 1, requests + 1
            passes = chance.random() < ANSWERS[kinds[int(post[0])]] and tokens >= 1
            tokens -= tokens >= 1
            heappush(wire, (now + LATENCY, requests, post, Answer.ACCEPTED if passes else Answer.THROTTLED))
        posts.adjust_pace(now)
        now, tokens = now + 0.001, min(account / 10, tokens + account / 1_000)
    return last, told, requests


@pytest.mark.parametrize("slow", [0.01, 0.049, 0.06, 0.1, 0.3, 0.45])
@pytest.mark.parametrize("kind", ["never reads", "reads at times"])
def test_the_last_honest_viewer_hardly_waits_for_slow_ones(slow: float, kind: str) -> None:
    """However many viewers do not read, the last viewer that reads gets its frame within 1.25 of the time without them.

    Nor do they cost other matches much: two further tries each, once further tries are known to be in vain.
    """
    alone, _, _ = last_honest(0.0)
    seconds, told, requests = last_honest(slow, kind)
    assert seconds <= 1.25 * alone
    assert requests <= VIEWERS * (1 + 2.5 * slow) + 500
    assert told >= VIEWERS * (1 - slow) * 0.95


def test_slow_viewers_hardly_delay_the_others_while_the_account_throttles() -> None:
    """The others hardly wait if the account allows two thirds of the rate and a tenth of the viewers is slow."""
    allowed = RATE * 2 / 3
    alone, told, requests = last_honest(0.0, account=allowed)
    assert (told, requests <= 1.1 * VIEWERS) == (VIEWERS, True)
    seconds, told, _ = last_honest(0.1, account=allowed)
    assert told >= 0.9 * VIEWERS * 0.99
    assert seconds <= 1.5 * alone


@pytest.mark.parametrize("allowed", [0.5, 0.15, 0.06])
def test_nobody_is_slow_because_the_account_throttles(allowed: float) -> None:
    """However little the account allows, viewers that read get their frames, and hardly any is marked as slow."""
    noted: list[str] = []
    _, told, _ = last_honest(0.0, account=RATE * allowed, noted=noted)
    assert told >= 0.999 * VIEWERS
    assert len(noted) <= 0.001 * VIEWERS


@pytest.mark.parametrize("slow", [0.6, 0.96])
def test_a_majority_of_slow_viewers_hardly_delays_the_others(slow: float) -> None:
    """Even if most viewers never read, the others do not wait for the tries that are in vain."""
    alone, _, _ = last_honest(0.0)
    seconds, _, _ = last_honest(slow)
    assert seconds <= 1.5 * alone


def test_a_viewer_whose_tries_met_errors_is_not_slow() -> None:
    """A viewer whose tries met errors is not slow, whatever the answer to its last try."""
    noted: list[Post] = []

    def note(post: Post) -> None:
        noted.append(post)

    posts = PostQueue(Numbered(1), Pace(1e6, 0), until=60, on_gone=lambda _: None, on_slow=note, chance=lambda: 0.0)
    for _ in range(TRIES - 1):
        post = posts.next_post(0.0)
        assert post is not None
        posts.answered(post, Answer.AGAIN, 0.0)
    post = posts.next_post(0.0)
    assert post is not None
    posts.answered(post, Answer.THROTTLED, 0.0)
    assert (posts.tally.failed_posts, noted) == (1, [])


def test_further_tries_wait_while_first_ones_are_left() -> None:
    """Further tries that do not pass are a bounded share of a lap, however many viewers are slow."""
    posts = PostQueue(Numbered(1_000), Pace(1e6, 0), until=60, on_gone=lambda _: None, chance=lambda: 0.0)
    first, again = 0, 0
    while posts.rows.waiting_rows:
        post = posts.next_post(0.0)
        assert post is not None
        again, first = again + (post[3] > 0), first + (post[3] == 0)
        posts.answered(post, Answer.THROTTLED if int(post[0]) % 2 else Answer.ACCEPTED, 0.0)
    assert first == 1_000
    assert again <= 20 + 0.05 * 500 + 1


def test_further_tries_that_pass_are_not_held_back() -> None:
    """Further tries that pass go before first tries without a bound, so a viewer refused by chance does not wait."""
    posts = PostQueue(Numbered(1_000), Pace(1e6, 0), until=60, on_gone=lambda _: None, chance=lambda: 0.0)
    again = 0
    while posts.rows.waiting_rows:
        post = posts.next_post(0.0)
        assert post is not None
        again += post[3] > 0
        posts.answered(post, Answer.THROTTLED if int(post[0]) % 2 and not post[3] else Answer.ACCEPTED, 0.0)
    assert again >= 480


async def test_what_is_held_back_is_tried_before_an_invocation_ends(
    system: System, dynamodb: Any, slow_tools: Tools, server: Server, numbered: str, grant_lease: Any, slow_of: Any
) -> None:
    """The rows held back are tried before the invocation ends, and a viewer that reads again loses its mark."""
    shards = initial_shards(60_000)
    again, others = "200.again=", [f"200.n{number}=" for number in range(60)]
    for each in (again, *others):
        subscribe(dynamodb, system, numbered, each)
    key = row_key(partition(numbered, shard_of(again, shards)), again)
    dynamodb.update_item(
        TableName=system.name("subscriptions"), Key=key, UpdateExpression="SET slow = :two",
        ExpressionAttributeValues={":two": {"N": "2"}},
    )  # fmt: skip
    grant_lease(numbered, broadcast="b")
    task = SenderTask(numbered, 2, OWNER, start_owner("b"), "b", 1, Batch(0, 0, shards, shards, 1))
    # Thirty viewers a second, and a second and a half: this invocation does not come to the end of the lap.
    first = await send(dataclasses.replace(slow_tools, cell_rate=30), task, 1.5)
    assert not first.done
    met = server.tries[again.removesuffix("=")]
    last = await send(slow_tools, dataclasses.replace(task, batch=first))
    assert last.done
    assert server.tries[again.removesuffix("=")] == 1
    assert slow_of(numbered, [again]) == {again: 0}
    assert last.counts.accepted == len(others) + 1, f"{met} tries in the first invocation"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A gateway whose answers are what the connection ids spell."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://localhost:{listening.sockets[0].getsockname()[1]}/live"
    yield server
    listening.close()
    await server.stop()


@pytest.fixture
async def slow_tools(tools: Tools, server: Server) -> AsyncIterator[Tools]:
    """Real tables, and that gateway."""
    gateway = await Gateway.open(
        Endpoint.parse(server.url, REGION), lambda: server.keys, connections=4, clock=lambda: server.now
    )
    yield dataclasses.replace(tools, gateway=gateway)
    await gateway.close()


@pytest.fixture
def slow_of(dynamodb: Any, system: System) -> Callable[[str, Iterable[str]], dict[str, int | None]]:
    """Reads in how many successive broadcasts the viewers of rows took nothing; None for a row that is not there."""

    def slow_of(match: str, connections: Iterable[str]) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for each in connections:
            key = row_key(partition(match, shard_of(each, initial_shards(60_000))), each)
            item = dynamodb.get_item(TableName=system.name("subscriptions"), Key=key, ConsistentRead=True).get("Item")
            found[each] = None if item is None else int(item.get("slow", {"N": "0"})["N"])
        return found

    return slow_of


def subscribe(dynamodb: Any, system: System, match: str, connection: str) -> None:
    """Write the row of a viewer."""
    key = row_key(partition(match, shard_of(connection, initial_shards(60_000))), connection)
    dynamodb.put_item(TableName=system.name("subscriptions"), Item={**key, "ttl": {"N": "9999999999"}})


async def test_a_viewer_that_takes_nothing_is_told_last_and_then_closed(
    system: System, dynamodb: Any, slow_tools: Tools, server: Server, numbered: str, ledger: Ledger,
    cell_states: CellStates, grant_lease: Any, slow_of: Any,
) -> None:  # fmt: skip
    """After two broadcasts without an accepted try a viewer comes last. After a third one only it is closed."""
    shards = initial_shards(60_000)
    late, honest = "429-429-429-429-429-429-200.l=", "200.h="
    # Six tries in each of two broadcasts, three in the third, then a DELETE.
    slow = "-".join(["429"] * (2 * TRIES + TRIES // 2)) + "-204.s="
    for each in (slow, late, honest):
        subscribe(dynamodb, system, numbered, each)
    seen, closed = [], []
    for number in range(3):
        name = f"b{number}"
        grant_lease(numbered, broadcast=name)
        task = SenderTask(numbered, 2 + number, OWNER, start_owner(name), name, 1, Batch(0, 0, shards, shards, 1))
        ended = await send(slow_tools, task)
        assert ended.done
        seen.append(slow_of(numbered, (slow, late, honest)))
        closed.append(ended.counts.closed)
        seq = 3 + number
        event = {"kind": "goal", "team": "home", "minute": 4, "event_id": f"next{number}"}
        ledger.apply_event(AcceptedEvent(numbered, 1, EVENT.validate_python(event)))
        cell_states.mark_due(numbered, seq, ledger.state(numbered).epoch)
    assert [each[slow] for each in seen] == [1, 2, 2]
    assert [each[late] for each in seen] == [1, 0, 0], "a broadcast that reaches a viewer clears its row"
    assert [each[honest] for each in seen] == [0, 0, 0]
    assert closed == [0, 0, 1]
    assert (server.tries[slow.removesuffix("=")], server.wrong) == (2 * TRIES + TRIES // 2 + 1, 0)


async def test_a_row_that_is_gone_does_not_come_back(
    slow_tools: Tools, numbered: str, slow_of: Any, server: Server
) -> None:
    """Promise 4: marking a slow viewer does not bring back the row of a viewer that has left."""
    from broadcaster.send.slow_viewer_rows import SlowViewerRows

    slow = SlowViewerRows(slow_tools.db, slow_tools.subscriptions)
    connection = "429.gone="
    shard = shard_of(connection, initial_shards(60_000))
    slow.failed((connection, REQUEST, partition(numbered, shard), 6.0), 0)
    await slow.write(asyncio.get_running_loop().time() + 5, [])
    assert slow_of(numbered, [connection]) == {connection: None}
