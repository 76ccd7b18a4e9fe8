"""Access to AWS IoT Core on real sockets: the authorizer function decides, and its policy is held to."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from broadcaster.transports.iot_core import IotCore
from devstack.errors import StackError
from devstack.stack_cells import StackCell
from devstack.transports.ministack_resources import client
from devstack.transports.registry import TRANSPORTS
from subscriptions.viewer_counts import ViewerCounts
from tests.channel_names import CHANNELS
from tests.issuer import FORGED, Issuer
from tests.raw_viewers import mqtt_viewer, packet
from tests.support import eventually

if TYPE_CHECKING:
    from devstack.system import System

CUP, LEAGUE, OPEN = (CHANNELS.feed(each, "m1", "all") for each in ("cup", "league", None))
NOT_AUTHORIZED = 5


@pytest.fixture
def cell(cells: System) -> System:
    """The cell of IoT Core."""
    return cells.at("iot-1")


@pytest.fixture
def issuer(viewers_issuer: tuple[Issuer, str]) -> Issuer:
    """The issuer of viewers' tokens."""
    return viewers_issuer[0]


def service(cell: System) -> IotCore:
    """The side that publishes."""
    return IotCore(client(cell, "iot-data"))


async def test_a_viewer_hears_what_its_token_covers(cell: System, issuer: Issuer) -> None:
    """A frame comes to the viewer of its competition, unchanged, with the quality of service 1."""
    async with mqtt_viewer(cell.address()) as viewer:
        assert await viewer.connect(issuer.token(competitions="cup")) == 0
        for topic in (CUP, OPEN, CHANNELS.subject("ann")):
            assert await viewer.subscribe(topic) == [1]
            frame = {"topic": topic, "player": 'Ángel "Fideo" Di María'}
            await asyncio.to_thread(service(cell).publish, topic, json.dumps(frame).encode())
            assert await viewer.event() == frame


@pytest.mark.parametrize(
    "topic",
    [LEAGUE, "#", "livescore/#", "livescore/c-cup/#", "livescore/c-cup/+/all", "livescore/+/m1/all", "livescore/open/#",
     CHANNELS.subject("bob"), "livescore/subjects/+", "$aws/events/#", "$aws/events/presence/connected/+",
     "$share/g/" + CUP],
)  # fmt: skip
async def test_a_foreign_topic_and_every_wildcard_closes_the_connection(
    cell: System, issuer: Issuer, topic: str
) -> None:
    """The socket is closed, and no acknowledgement comes, also if another filter of the same packet is allowed."""
    async with mqtt_viewer(cell.address()) as viewer:
        assert await viewer.connect(issuer.token(competitions="cup")) == 0
        with pytest.raises(ConnectionClosed):
            await viewer.subscribe(CUP, topic)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("name", ["expired", "wrong key", "alg none", "other issuer", "wrong audience", "not a token"])
async def test_a_forged_token_opens_no_connection(cell: System, issuer: Issuer, name: str, level: int) -> None:
    """The CONNECT is answered with a refusal in the words of its version of MQTT, and the socket is closed."""
    async with mqtt_viewer(cell.address()) as viewer:
        code = await viewer.connect(FORGED[name][0](issuer), level=level)
        assert code == (NOT_AUTHORIZED if level == 4 else 0x87)
        with pytest.raises(ConnectionClosed):
            await viewer.subscribe(OPEN)


@pytest.mark.parametrize("password", [None, "", "anonymous"])
async def test_a_viewer_without_a_token_is_refused_where_viewers_need_one(cell: System, password: str | None) -> None:
    """A missing password and the word ``anonymous`` open nothing in a cell whose setting ``anonymous`` is off."""
    async with mqtt_viewer(cell.address()) as viewer:
        assert await viewer.connect(password) == NOT_AUTHORIZED


async def test_no_viewer_publishes(cell: System, issuer: Issuer) -> None:
    """A PUBLISH closes the publisher's connection, a will is refused at the CONNECT, and nobody hears either."""
    token = issuer.token(competitions="*")
    async with mqtt_viewer(cell.address()) as viewer, mqtt_viewer(cell.address()) as intruder:
        assert await viewer.connect(token) == 0
        assert await viewer.subscribe(CUP) == [1]
        assert await intruder.connect(token) == 0
        await intruder.publish(CUP, b'{"seq":9}')
        with pytest.raises(ConnectionClosed):
            await intruder.hear()
        async with mqtt_viewer(cell.address()) as dying:
            assert await dying.connect(token, will=CUP) == NOT_AUTHORIZED
        await asyncio.to_thread(service(cell).publish, CUP, b'{"seq":2}')
        assert await viewer.event() == {"seq": 2}


async def test_no_viewer_ends_the_connection_of_another(cell: System, issuer: Issuer) -> None:
    """A client id that could be guessed is refused, so a viewer's id is known to nobody else."""
    for client_id in ("viewer", "a" * 21, "livescore/viewer/of/a/stranger"):
        async with mqtt_viewer(cell.address()) as viewer:
            assert await viewer.connect(issuer.token(), client_id) == NOT_AUTHORIZED
    async with mqtt_viewer(cell.address()) as first, mqtt_viewer(cell.address()) as second:
        assert [await each.connect(issuer.token(competitions="*")) for each in (first, second)] == [0, 0]
        assert [await each.subscribe(CUP) for each in (first, second)] == [[1], [1]]


@pytest.mark.parametrize(
    "first", [packet(0x82, b"\0\1\0\1a\0"), packet(0x30, b"\0\1ax"), b"\x10\xff\xff\xff\xff\xff", packet(0x10, b"\0")]
)
async def test_nothing_is_answered_before_a_good_connect(cell: System, first: bytes) -> None:
    """A SUBSCRIBE or a PUBLISH before the CONNECT, and bytes that are no packet, close the socket."""
    async with mqtt_viewer(cell.address()) as viewer:
        await viewer.send(first)
        with pytest.raises(ConnectionClosed):
            await viewer.hear()


async def test_a_host_without_an_authorizer_takes_nobody(cell: System, issuer: Issuer) -> None:
    """Only livescore's own domain takes viewers: another endpoint of AWS demands a signature or a certificate."""
    address = cell.address()
    domain = address["url"].split("/")[4]
    other = {**address, "url": address["url"].replace(domain, "x" + domain)}
    async with mqtt_viewer(other) as viewer:
        assert await viewer.connect(issuer.token(competitions="*"), secrets.token_urlsafe(18)) == NOT_AUTHORIZED


async def test_viewers_are_counted_as_they_come_and_go(cell: System, issuer: Issuer, match: str, dynamodb: Any) -> None:
    """Lifecycle events of MiniStack reach the function: three come, one unsubscribes, one leaves, one is cut off."""
    counts = ViewerCounts(cell.name("matches"), dynamodb)
    topic, token = CHANNELS.feed(None, match, "all"), issuer.token()

    async def counted(expected: int) -> None:
        await eventually(lambda: counts.of_match(match) == expected, f"not {expected} viewers", seconds=60)

    async with AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(mqtt_viewer(cell.address())) for _ in range(3)]
        for each in (first, second, third):
            assert await each.connect(token) == 0
            assert await each.subscribe(topic) == [1]
        await counted(3)
        await first.unsubscribe(topic)
        await counted(2)
        await second.send(packet(0xE0, b""))
        await counted(1)
        third.socket.transport.abort()
        await counted(0)


def test_a_region_has_one_cell_of_iot_core(cells: System) -> None:
    """A second cell in the region is refused in a sentence: topics belong to the account in its region."""
    second = replace(cells, cells=(StackCell("iot-2", "eu-west-1", "iot-core"),)).at("iot-2")
    with pytest.raises(StackError, match="eu-west-1 has a cell of IoT Core already"):
        TRANSPORTS["iot-core"].provision(second)
