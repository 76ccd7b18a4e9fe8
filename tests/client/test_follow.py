"""``follow`` against a server that does what each test says."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, get_args

import pytest
from aiohttp import web

import client
from client import BehindError, Board, Event, FollowError, RefusedError, TokenTooLongError, UnknownMatchError, follow
from client.following import BACKLOG
from devstack.system import ROOT
from matches.events import Event as Posted
from tests.loadtest.fake_gateway import SECONDS, Gateway, frame, gateway, snapshot, welcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from websockets.asyncio.server import ServerConnection

    from tests.loadtest.fake_gateway import Script

ADDED = {"seq", "at", "score", "cancels_seq", "cancelled_by", "amends_seq", "amended_by"}
"""Fields of an event that the ledger adds to what was posted."""


@asynccontextmanager
async def serving(*scripts: Script, refusals: list[int] | None = None) -> AsyncIterator[Gateway]:
    """A server on loopback while the block runs, which ends in time and leaves no task behind."""
    before = asyncio.all_tasks()
    async with asyncio.timeout(SECONDS):
        async with gateway(*scripts, refusals=refusals) as here:
            yield here
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.01)


def saying(*frames: str) -> Script:
    """A script that answers the subscribe with these frames."""

    async def script(here: Gateway, connection: ServerConnection) -> None:
        here.requests.put_nowait(await here.asked(connection))
        for each in frames:
            await connection.send(each)

    return script


def error(code: str, message: str, **more: Any) -> str:
    """An error frame."""
    return frame("error", 0, [], code=code, message=message, **more)


async def test_events_come_once_and_in_order() -> None:
    """The events of the first snapshot come first, then each new one; the board says how the match stands."""
    goal = {"seq": 3, "at": 0, "kind": "goal", "team": "home", "score": [1, 0]}
    update = frame("update", 3, [{"seq": 2, "at": 0}, goal], prev=1, score=[1, 0])
    async with serving(saying(snapshot(2, [1, 2]), update, update)) as here, follow(here.url, "m") as match:
        assert match.board is None
        events = [await anext(match) for _ in range(3)]
        assert [event["seq"] for event in events] == [1, 2, 3]
        assert (events[2]["kind"], events[2]["team"], events[2].get("player")) == ("goal", "home", None)
        assert match.board == Board(
            match="m", epoch="e", seq=3, status="first_half", home="A", away="B", score=(1, 0), shootout=None,
            gap=False, lost=0,
        )  # fmt: skip
        assert match.live
        assert here.requests.get_nowait() == {"action": "subscribe", "match": "m"}


async def test_a_broken_connection_shows_nothing_twice() -> None:
    """After a break it subscribes from its position, and goes on with the next event."""

    async def break_off(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        connection.transport.abort()

    async with serving(break_off, saying(snapshot(2, [2]))) as here, follow(here.url, "m") as match:
        assert [(await anext(match))["seq"] for _ in range(2)] == [1, 2]
        here.requests.get_nowait()
        assert here.requests.get_nowait()["since"] == {"epoch": "e", "seq": 1}


async def test_a_gap_is_read_over_http() -> None:
    """With the address of the API an event that was missed is read there, and nothing is asked over the socket."""
    asked = []

    async def read(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.json_response(text=snapshot(3, [2, 3]))

    app = web.Application()
    app.router.add_get("/matches/m", read)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = f"http://127.0.0.1:{runner.addresses[0][1]}"
    late = frame("update", 3, [3], prev=2)
    try:
        async with serving(saying(snapshot(1, [1]), late)) as here, follow(here.url, "m", api=api) as match:
            assert [(await anext(match))["seq"] for _ in range(3)] == [1, 2, 3]
            assert asked == ["/matches/m?after=1&epoch=e"]
            assert here.requests.qsize() == 1
    finally:
        await runner.cleanup()


async def test_only_the_score_is_asked_for() -> None:
    """``score_only`` subscribes to goals, shoot-out kicks and phases only."""
    async with serving(welcome) as here, follow(here.url, "m", score_only=True) as match:
        await anext(match)
        assert here.requests.get_nowait() == {"action": "subscribe", "match": "m", "only": "score"}


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (error("unknown_match", "There is no such match."), UnknownMatchError, "m: There is no such match."),
        (error("not_entitled", "Your token does not cover it."), RefusedError, "m: Your token does not cover it."),
        (
            error("bad_request", '"match" must be the id of a match.', match=None),
            FollowError,
            'm: "match" must be the id of a match',
        ),
    ],
)
async def test_what_no_retry_changes_is_raised(answer: str, kind: type[FollowError], said: str) -> None:
    """An unknown match, a token that does not cover it and an impossible id end the loop with the server's sentence."""
    async with serving(saying(answer)) as here:
        match = follow(here.url, "m")
        with pytest.raises(kind, match=re.escape(said)) as raised:
            await anext(match)
        assert type(raised.value) is kind
        assert [event async for event in match] == []
        assert not match.live


async def test_other_errors_are_waited_out() -> None:
    """An error that passes, and one of another match, end nothing."""
    others = error("unavailable", "Ask again."), error("unknown_match", "There is no such match.", match="other")
    async with serving(saying(*others, snapshot(1, [1]))) as here, follow(here.url, "m") as match:
        assert (await anext(match))["seq"] == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_raised(status: int) -> None:
    """A handshake that is refused for its token ends the loop with a sentence that does not hold the token."""
    async with serving(welcome, refusals=[status]) as here:
        with pytest.raises(RefusedError, match=f"status {status}") as raised:
            await anext(follow(here.url, "m", token="not-this"))
        assert "not-this" not in str(raised.value)


async def test_what_may_pass_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A server that has no room at the moment is asked again, and the log has a line of each failure."""
    with caplog.at_level(logging.WARNING, "livescore.client"):
        async with serving(welcome, refusals=[429, 503]) as here, follow(here.url, "m", token="not-this") as match:
            assert (await anext(match))["seq"] == 1
    assert [each.getMessage() for each in caplog.records] == [
        "connection_failed match=m reason=status 429", "connection_failed match=m reason=status 503",
    ]  # fmt: skip


async def test_a_token_may_be_fetched_for_each_connection() -> None:
    """A function is asked before each connection; one that is too long for an address is an error of the same tree."""
    asked = []

    def token() -> str:
        asked.append("asked")
        return "t"

    async with serving(welcome, refusals=[503]) as here, follow(here.url, "m", token=token) as match:
        await anext(match)
        assert len(asked) == 2
        with pytest.raises(FollowError) as raised:
            await anext(follow(here.url, "m", token="t" * 4000))
        assert type(raised.value) is TokenTooLongError


async def test_a_break_leaves_nothing_behind() -> None:
    """A loop that is left by ``break`` or by an exception closes its connection with a close frame, by itself."""
    async with serving(welcome) as here:
        async for _ in follow(here.url, "m"):
            break
        await here.connections[0].wait_closed()
        with suppress(ZeroDivisionError):
            async for event in follow(here.url, "m"):
                print(event["seq"] / 0)  # noqa: T201
        await here.connections[1].wait_closed()
        assert [each.close_code for each in here.connections] == [1000, 1000]


async def test_a_closed_one_ends_its_loop() -> None:
    """``aclose`` from another task ends the loop; afterwards nothing runs, and closing twice is closing once."""
    async with serving(welcome) as here:
        match, begun = follow(here.url, "m"), asyncio.Event()

        async def loop() -> None:
            async for _ in match:
                begun.set()

        task = asyncio.create_task(loop())
        await begun.wait()
        await match.aclose()
        await match.aclose()
        await task
        await here.connections[0].wait_closed()
        assert here.connections[0].close_code == 1000


async def test_a_cancelled_loop_leaves_nothing_behind() -> None:
    """A task that is cancelled while it waits for an event ends its connection too."""

    async def loop(url: str) -> None:
        async for _ in follow(url, "m"):
            pass

    async with serving(welcome) as here:
        task = asyncio.create_task(loop(here.url))
        await here.requests.get()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await here.connections[0].wait_closed()


async def test_it_ends_at_full_time_only_if_asked() -> None:
    """With ``until_full_time`` the loop ends after a last whistle that stands; without it the loop goes on."""
    events: list[dict[str, Any]] = [
        {"seq": 1, "kind": "full_time", "cancelled_by": 2}, {"seq": 2, "kind": "cancellation"},
        {"seq": 3, "kind": "full_time"},
    ]  # fmt: skip
    both = saying(frame("snapshot", 3, events, home="A", away="B"), frame("update", 4, [4], prev=3))
    async with serving(both) as here:
        seqs = [event["seq"] async for event in follow(here.url, "m", until_full_time=True)]
        assert seqs == [1, 2, 3]
        async with follow(here.url, "m") as match:
            assert [(await anext(match))["seq"] for _ in range(4)] == [1, 2, 3, 4]


async def test_a_loop_that_is_too_far_behind_ends_with_an_error() -> None:
    """A slow loop gets the events that wait for it, without a hole, and then an error."""
    many = list(range(1, BACKLOG + 10))
    async with serving(
        saying(frame("snapshot", 1, [1], home="A", away="B"), frame("update", many[-1], many, prev=0))
    ) as here:
        match = follow(here.url, "m")
        got = [(await anext(match))["seq"]]

        async def rest() -> None:
            async for event in match:
                got.append(event["seq"])  # noqa: PERF401  # what comes before the error counts

        with pytest.raises(BehindError, match=f"{BACKLOG:,} events"):
            await rest()
        assert got == many[: len(got)]
        assert len(got) >= BACKLOG


@pytest.mark.parametrize(
    ("url", "api", "said"),
    [
        ("https://a.example/live", None, "url must begin with ws:// or wss://"),
        ("wss://", None, "url must begin with"),
        ("wss://a.example/live?token=not-this", None, "url must have no query"),
        ("wss://a.example/live", "a.example", "api must begin with http:// or https://"),
    ],
)
async def test_an_impossible_address_is_said_at_once(url: str, api: str | None, said: str) -> None:
    """An address that can never be reached is a ValueError, before anything is tried, and shows no token."""
    with pytest.raises(ValueError, match=re.escape(said)) as raised:
        follow(url, "m", api=api)
    assert "not-this" not in str(raised.value)


def posted_fields() -> Iterator[str]:
    """Each field that an event of the API can have, as far as viewers are told."""
    for kind in get_args(get_args(Posted)[0]):
        yield from kind.model_fields


def test_the_types_name_every_field() -> None:
    """An event has the same fields for the server, the Python client and the client of pages."""
    of_a_page = re.search(r"interface MatchEvent \{(.*?)\n\}", (ROOT / "web/livescore.d.ts").read_text(), re.DOTALL)
    assert of_a_page
    assert set(Event.__annotations__) == {*posted_fields(), *ADDED} - {"seen"}
    assert set(Event.__annotations__) == set(re.findall(r"^  (\w+)\??:", of_a_page[1], re.MULTILINE))


def test_the_package_offers_what_it_names() -> None:
    """Each name of ``__all__`` is there; another one is an AttributeError."""
    assert all(getattr(client, name) for name in client.__all__)
    with pytest.raises(AttributeError, match="goal"):
        getattr(client, "goal")  # noqa: B009
