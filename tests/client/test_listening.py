"""A viewer that listens for messages to its own subject, against a server that does what each test says."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from client import RefusedError, follow
from client.viewer import Viewer
from tests.loadtest.fake_gateway import SECONDS, Gateway, gateway, welcome

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

LISTEN = {"action": "listen"}
REFUSAL = {"type": "error", "code": "no_subject", "message": "Only a viewer with a token can listen."}


async def hear(viewer_of: Any, wanted: int, *scripts: Any) -> tuple[list[tuple[str, Any]], Gateway]:
    """The first messages of a viewer of match ``m``, and the server that has sent them."""
    messages: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    async with gateway(*scripts) as here:
        viewer = viewer_of(here.url, lambda key, body: messages.put_nowait((key, body)))
        task = asyncio.create_task(viewer.run())
        try:
            async with asyncio.timeout(SECONDS):
                return [await messages.get() for _ in range(wanted)], here
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def viewer(url: str, on_message: Any) -> Viewer:
    """A viewer of match ``m``."""
    return Viewer(url, ["m"], on_message=on_message)


async def answer(here: Gateway, connection: ServerConnection) -> None:
    """Answer subscribe and listen."""
    await welcome(here, connection)
    here.requests.put_nowait(await here.asked(connection))
    await connection.send('{"type":"listening"}')


async def test_each_message_is_given_with_its_body() -> None:
    """A message without a body has None; one without a key, and frames of other types, are no messages."""

    async def tell(here: Gateway, connection: ServerConnection) -> None:
        await answer(here, connection)
        for each in ({"type": "message"}, {"type": "message", "key": 7}, {"type": "other", "key": "no"}):
            await connection.send(json.dumps(each))
        await connection.send('{"type":"message","key":"bet-settled","at":1}')
        await connection.send('{"type":"message","key":"orders/1","body":{"won":[1,2]},"at":2}')

    messages, here = await hear(viewer, 2, tell)
    assert messages == [("bet-settled", None), ("orders/1", {"won": [1, 2]})]
    assert [here.requests.get_nowait()["action"] for _ in range(2)] == ["subscribe", "listen"]


async def test_a_viewer_listens_again_on_each_connection() -> None:
    """The server forgets a listener with its connection, so the viewer listens again after each reconnect."""

    async def tell_and_break(here: Gateway, connection: ServerConnection) -> None:
        await answer(here, connection)
        await connection.send('{"type":"message","key":"k","at":1}')
        await asyncio.sleep(0)
        await connection.close()

    messages, here = await hear(viewer, 2, tell_and_break)
    assert messages == [("k", None), ("k", None)]
    assert [here.requests.get_nowait()["action"] for _ in range(4)] == ["subscribe", "listen"] * 2


async def test_listen_is_sent_again_until_it_is_answered() -> None:
    """A request that API Gateway has throttled is repeated, while the match that has its snapshot is not asked for."""

    async def late(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        for _ in range(2):
            assert await here.asked(connection) == LISTEN
            await connection.send('{"message":"Too Many Requests","connectionId":"c","requestId":"r"}')
        assert await here.asked(connection) == LISTEN
        await connection.send('{"type":"listening"}')
        await connection.send('{"type":"message","key":"k","at":1}')

    messages, _ = await hear(lambda url, given: Viewer(url, ["m"], on_message=given, care_seconds=0.01), 1, late)
    assert messages == [("k", None)]


async def stay(here: Gateway, connection: ServerConnection) -> None:
    """Keep every request, until the viewer leaves."""
    async for text in connection:
        here.requests.put_nowait(json.loads(text))


async def requests_until_a_ping(*scripts: Any, **options: Any) -> list[str]:
    """The actions of a viewer's requests, after the second ping: it has looked for overdue answers many times."""
    async with gateway(*scripts) as here:
        task = asyncio.create_task(Viewer(here.url, ["m"], care_seconds=0.01, quiet_seconds=0.1, **options).run())
        try:
            async with asyncio.timeout(SECONDS):
                for _ in range(2):
                    await here.pings.wait()
                    here.pings.clear()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return [here.requests.get_nowait()["action"] for _ in range(here.requests.qsize())]


async def test_a_viewer_without_a_wish_does_not_listen() -> None:
    """Without ``on_message`` nothing but the subscribe is sent, and a message is ignored."""

    async def quiet(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        await connection.send('{"type":"message","key":"k","at":1}')
        await stay(here, connection)

    assert await requests_until_a_ping(quiet) == ["subscribe"]


async def test_an_answer_is_enough() -> None:
    """A viewer whose ``listen`` has been answered does not send it again on that connection."""

    async def answer_and_stay(here: Gateway, connection: ServerConnection) -> None:
        await answer(here, connection)
        await stay(here, connection)

    assert await requests_until_a_ping(answer_and_stay, on_message=lambda *_: None) == ["subscribe", "listen"]


async def test_a_refusal_is_not_asked_for_again() -> None:
    """A viewer without a subject is refused once on each connection, and stays connected."""

    async def refuse(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        assert await here.asked(connection) == LISTEN
        await connection.send(json.dumps(REFUSAL))
        await stay(here, connection)

    assert await requests_until_a_ping(refuse, on_message=lambda *_: None) == ["subscribe"]


async def test_follow_says_that_it_may_not_listen() -> None:
    """A program that wants messages without a token gets a RefusedError, and not silence."""

    async def refuse(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        assert await here.asked(connection) == LISTEN
        await connection.send(json.dumps(REFUSAL))

    async with gateway(refuse) as here:
        following = follow(here.url, "m", on_message=lambda *_: None)
        assert (await asyncio.wait_for(anext(following), SECONDS))["seq"] == 1
        with pytest.raises(RefusedError, match="Only a viewer with a token can listen"):
            await asyncio.wait_for(anext(following), SECONDS)
