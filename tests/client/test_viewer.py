"""The viewer against a server that does what each test says."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from websockets.asyncio.server import ServerConnection, serve

from client.viewer import Viewer
from tests.loadtest.fake_gateway import SECONDS, Gateway, frame, gateway, snapshot, welcome
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def viewing(url: str, **options: Any) -> AsyncIterator[tuple[Viewer, asyncio.Queue[int]]]:
    """A viewer of match ``m`` while the block runs, and the seqs that it shows."""
    seqs: asyncio.Queue[int] = asyncio.Queue()
    viewer = Viewer(url, ["m"], on_event=lambda _, event, __: seqs.put_nowait(event["seq"]), **options)
    task = asyncio.create_task(viewer.run())
    try:
        async with asyncio.timeout(SECONDS):
            yield viewer, seqs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def welcome_and_break(here: Gateway, connection: ServerConnection) -> None:
    """Answer subscribe, then break the connection."""
    await welcome(here, connection)
    connection.transport.abort()


async def catch_up(here: Gateway, connection: ServerConnection) -> None:
    """Answer subscribe with what is missing since seq 1."""
    here.requests.put_nowait(await here.asked(connection))
    await connection.send(snapshot(2, [2]))


async def _comes_back() -> None:
    async with gateway(welcome_and_break, catch_up) as here, viewing(here.url) as (viewer, seqs):
        assert [await seqs.get(), await seqs.get()] == [1, 2]
        assert await here.requests.get() == {"action": "subscribe", "match": "m"}
        again = {"action": "subscribe", "match": "m", "since": {"epoch": "e", "seq": 1}}
        assert await here.requests.get() == again
        assert (viewer.connects, viewer.failed) == (2, 0)
        assert viewer.connected


async def test_a_broken_connection_comes_back_with_its_position() -> None:
    """A viewer whose connection breaks subscribes again since what it has, and shows nothing twice."""
    await _comes_back()


def test_it_works_on_uvloop() -> None:
    """The same on the loop that the demo and the swarm use."""
    uvloop.run(_comes_back())


@pytest.mark.parametrize("status", [429, 403, 503])
async def test_a_refusal_is_tried_again(status: int) -> None:
    """A server that refuses the handshake is asked again, each time after a pause, until it lets the viewer in."""
    async with gateway(welcome, refusals=[status] * 2) as here, viewing(here.url) as (viewer, _):
        await viewer.subscribed.wait()
        assert (viewer.failed, viewer.connects, len(here.connections)) == (2, 1, 1)


async def test_nobody_there_is_tried_again() -> None:
    """A viewer tries a closed port again until a server listens there."""
    async with gateway(welcome) as here:
        url = here.url
    async with viewing(url) as (viewer, _):
        while not viewer.failed:
            await asyncio.sleep(0.01)
        port = int(url.rpartition(":")[2])
        again = Gateway([welcome], [])
        async with serve(again.handle, "127.0.0.1", port, close_timeout=0.5):
            await viewer.subscribed.wait()


async def test_drop_says_no_goodbye() -> None:
    """A dropped viewer leaves without a close frame, like a phone in a tunnel."""
    async with gateway(welcome) as here, viewing(here.url) as (viewer, _):
        await viewer.subscribed.wait()
        viewer.drop()
        await here.connections[0].wait_closed()
        assert here.connections[0].close_code == 1006


async def test_whoever_leaves_says_goodbye() -> None:
    """A cancelled viewer closes its connection with a close frame."""
    async with gateway(welcome) as here:
        async with viewing(here.url) as (viewer, _):
            await viewer.subscribed.wait()
        await here.connections[0].wait_closed()
        assert here.connections[0].close_code == 1000
        assert not viewer.connected


async def test_junk_is_ignored() -> None:
    """Frames that are none of ours change nothing: no JSON, other JSON, binary, the gateway's own words, fragments."""

    async def junk(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        for each in ("not JSON", "[1]", "{}", '{"match":"m"}', '{"match":["m"],"type":"update"}', b"\x00"):
            await connection.send(each)
        await connection.send('{"message":"Internal server error","connectionId":"x"}')
        text = snapshot(1, [1])
        await connection.send([text[:10], text[10:20], text[20:]])

    async with gateway(junk) as here, viewing(here.url) as (viewer, seqs):
        assert await seqs.get() == 1
        assert (viewer.junk, viewer.connects) == (2, 1)


@pytest.mark.parametrize("field", ["match", "code", "message", "key", "body", "epoch", "events", "seq"])
@pytest.mark.parametrize("kind", ["error", "snapshot", "update", "message", "listening"])
async def test_no_value_of_another_type_ends_a_viewer(kind: str, field: str) -> None:
    """Lists and objects, deep ones too, huge numbers and huge texts change nothing in a viewer that goes on."""
    deep = "[" * 1000 + "]" * 1000
    values = [deep, f'{{"a":{deep}}}', "9" * 60, "1e400", '["x"]', "{}", f'"{"x" * 90_000}"']

    async def junk(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        for value in values:
            await connection.send(f'{{"type":"{kind}","{field}":{value}}}')
        await connection.send(snapshot(1, [1]))

    async with gateway(junk) as here, viewing(here.url, on_message=lambda *_: None) as (viewer, seqs):
        assert await seqs.get() == 1
        assert viewer.connects == 1


async def test_a_ping_is_answered() -> None:
    """The viewer answers the gateway's pings."""
    async with gateway(welcome) as here, viewing(here.url) as (viewer, _):
        await viewer.subscribed.wait()
        await (await here.connections[0].ping())


async def test_an_idle_viewer_pings() -> None:
    """Silence never lasts until the gateway's idle limit; the connection stays."""
    async with gateway(welcome) as here, viewing(here.url, care_seconds=0.02, idle_seconds=0.05) as (viewer, _):
        await asyncio.wait_for(here.pings.wait(), SECONDS)
        assert (viewer.connects, viewer.connected) == (1, True)


async def test_a_gateway_that_answers_no_ping_is_left() -> None:
    """A connection that is dead without either end knowing is given up, and another one opened."""
    options = {"care_seconds": 0.02, "idle_seconds": 0.05, "pong_seconds": 0.05}

    async def fall_asleep(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        connection.transport.pause_reading()

    async with gateway(fall_asleep, catch_up) as here, viewing(here.url, **options) as (_, seqs):
        assert [await seqs.get(), await seqs.get()] == [1, 2]


async def test_old_age_is_a_planned_return() -> None:
    """Before the gateway's age limit the viewer closes by itself and comes back with its position."""
    options = {"care_seconds": 0.02, "age_seconds": (0.05, 0.1)}
    async with gateway(welcome, catch_up) as here, viewing(here.url, **options) as (_, seqs):
        assert [await seqs.get(), await seqs.get()] == [1, 2]
        assert here.connections[0].close_code == 1000


async def test_a_gap_is_repaired() -> None:
    """A frame that builds on one that never came makes the viewer ask for what is missing, in order."""

    async def skip(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        await connection.send(frame("update", 3, [3], prev=2))
        here.requests.put_nowait(await here.asked(connection))
        await connection.send(snapshot(2, [2]))

    async with gateway(skip) as here, viewing(here.url, care_seconds=1000) as (viewer, seqs):
        assert [await seqs.get() for _ in range(3)] == [1, 2, 3]
        await here.requests.get()
        assert await here.requests.get() == {"action": "sync", "match": "m", "epoch": "e", "seq": 1}
        assert viewer.gaps == 1


async def test_a_lost_answer_is_asked_for_again() -> None:
    """A subscribe that nobody answered is sent again on the same connection."""

    async def forget(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        await welcome(here, connection)

    async with gateway(forget) as here, viewing(here.url, care_seconds=0.05) as (viewer, _):
        await viewer.subscribed.wait()
        assert viewer.connects == 1
        assert (await here.requests.get())["action"] == "subscribe"


async def test_a_lost_answer_on_a_later_connection_is_asked_for_again() -> None:
    """A viewer that comes back and is not answered subscribes again to write its row: a sync would write none."""

    async def forget(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        here.requests.put_nowait(await here.asked(connection))
        await connection.send(snapshot(2, [2]))

    async with gateway(welcome_and_break, forget) as here, viewing(here.url, care_seconds=0.05) as (viewer, seqs):
        assert [await seqs.get(), await seqs.get()] == [1, 2]
        assert viewer.connects == 2
        assert [(await here.requests.get())["action"] for _ in range(2)] == ["subscribe", "subscribe"]


async def test_who_returns_and_is_refused_subscribes_again() -> None:
    """A viewer that has a position is not content with it: without a row nobody would tell it anything."""

    async def refuse(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        await connection.send('{"type":"error","code":"unavailable","message":"Try again."}')
        await catch_up(here, connection)

    async with gateway(welcome_and_break, refuse) as here, viewing(here.url, care_seconds=0.05) as (_, seqs):
        assert [await seqs.get(), await seqs.get()] == [1, 2]
        await here.requests.get()
        assert (await here.requests.get())["action"] == "subscribe"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"code": "c", "message": "No.", "match": "m"}, {"code": "c", "message": "No.", "match": "m"}),
        ({"message": "No."}, {"message": "No."}),
        ({"code": "c", "message": "No.", "match": 7}, {"code": "c", "message": "No."}),
    ],
)
async def test_an_error_is_kept_as_it_was_sent(sent: dict[str, Any], kept: dict[str, str]) -> None:
    """A stored error has its match if that is text, and has a code only if the server sent one."""

    async def refuse(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        await connection.send(json.dumps({"type": "error", **sent}))
        await connection.wait_closed()

    async with gateway(refuse) as here, viewing(here.url) as (viewer, _):
        await eventually(lambda: viewer.errors)
        assert viewer.errors[0] == {"type": "error", **kept}


async def test_the_answers_to_syncs_are_not_those_to_a_subscribe() -> None:
    """However many snapshots come for what was asked besides, a subscribe that was not answered is sent again."""

    async def answer_syncs(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        await connection.send('{"type":"error","code":"unavailable","message":"Try again."}')
        asked: list[str] = []
        while len(asked) < 5:
            request = await here.asked(connection)
            asked.append(request["action"])
            if request["action"] == "sync":
                await connection.send(snapshot(1, []))
        here.requests.put_nowait({"asked": asked})

    options = {"care_seconds": 0.05, "silence_seconds": 0.01}
    async with gateway(welcome_and_break, answer_syncs) as here, viewing(here.url, **options) as (_, seqs):
        assert await seqs.get() == 1
        await here.requests.get()
        asked = (await asyncio.wait_for(here.requests.get(), SECONDS))["asked"]
        assert {"sync", "subscribe"} == set(asked)
        assert "subscribe" in asked[asked.index("sync") :]


async def test_who_is_cancelled_at_the_door_leaves_no_socket() -> None:
    """A viewer that leaves while the handshake hangs hangs up at once."""
    inside, gone = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        inside.set()
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        async with viewing(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            await inside.wait()
        await asyncio.wait_for(gone.wait(), SECONDS)


async def test_what_a_callback_raises_ends_the_viewer() -> None:
    """An error of a callback is raised, and does not count as a lost connection."""

    def fail(*_: Any) -> None:
        raise ValueError("mine")

    async with gateway(welcome) as here:
        with pytest.raises(ValueError, match="mine"):
            await asyncio.wait_for(Viewer(here.url, ["m"], on_event=fail).run(), SECONDS)
