"""Two deployments in one account and region: no viewer of the one hears the other, on any broadcasting transport."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.credentials import ReadOnlyCredentials
from websockets.exceptions import ConnectionClosed

from api import handler as api
from api import resources
from api.momento_access import MomentoAccess, MomentoCell
from broadcaster.transports.appsync_events import AppSyncEvents
from broadcaster.transports.appsync_graphql import AppSyncGraphql
from broadcaster.transports.iot_core import IotCore
from devstack.builds.lambda_zips import build_parts
from devstack.child_process import free_port
from devstack.stack.provision import provision_cell
from devstack.stack_cells import REGION, StackCell
from devstack.system import ACCOUNT, SECRET
from devstack.transports import momento
from devstack.transports.ministack_resources import client
from devstack.transports.registry import TRANSPORTS
from matches.channels import Channels
from runtime.environment import settings
from runtime.secure_parameter import SecureParameter
from tests.channel_names import CHANNELS
from tests.loadtest.graphql_viewer import hear, joined, start
from tests.raw_viewers import events_viewer, mqtt_viewer
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from tests.issuer import Issuer

DERBY = Channels("derby")
OWN = DERBY.feed("cup", "m1", "all")
KEY = {"Parameter": {"Value": momento.API_KEY}}
FOREIGN = [CHANNELS.feed("cup", "m1", "all"), CHANNELS.feed(None, "m1", "score"), CHANNELS.subject("ann")]
CELLS = (
    StackCell("ev-1", REGION, "appsync-events"), StackCell("gql-1", REGION, "appsync-graphql"),
    StackCell("iot-1", "eu-west-1", "iot-core"), StackCell("mo-1", REGION, "momento"),
)  # fmt: skip


@pytest.fixture(scope="module")
def derby(cells: System) -> Iterator[System]:
    """The deployment ``derby`` beside the running one, with cells of the same names, and with the same issuer."""
    made = replace(
        cells, prefix="derby", cells=CELLS, provisioned={}, ports={"gql-1": free_port(), "mo-1": free_port()}
    )
    package, processes = build_parts(), []
    for each in made.each_cell():
        assert each.cell is not None
        if (stand_in := TRANSPORTS[each.cell.transport].stand_in) is not None:
            processes.append(stand_in(each).start())
        provision_cell(each, package)
    yield made
    for process in processes:
        process.stop()


@pytest.fixture
def token(viewers_issuer: tuple[Issuer, str]) -> str:
    """A token for everything, which both deployments take."""
    return viewers_issuer[0].token(sub="ann", competitions="*")


def signer() -> ReadOnlyCredentials:
    """The credentials of both deployments."""
    return ReadOnlyCredentials(ACCOUNT, SECRET, None)


async def test_iot_core_keeps_deployments_apart(derby: System, cells: System, token: str) -> None:
    """Both have one broker: the topics of the other close the connection, and its frames are not heard."""
    at, other = derby.at("iot-1"), cells.at("iot-1")
    for topic in FOREIGN:
        async with mqtt_viewer(at.address()) as viewer:
            assert await viewer.connect(token) == 0
            with pytest.raises(ConnectionClosed):
                await viewer.subscribe(topic)
    async with mqtt_viewer(at.address()) as viewer, mqtt_viewer(other.address()) as beside:
        assert [await each.connect(token) for each in (viewer, beside)] == [0, 0]
        await viewer.subscribe(OWN)
        await beside.subscribe(FOREIGN[0])
        service = IotCore(client(at, "iot-data"))
        for topic, frame in ((FOREIGN[0], b'{"of":"livescore"}'), (OWN, b'{"of":"derby"}')):
            await asyncio.to_thread(service.publish, topic, frame)
        assert await viewer.event() == {"of": "derby"}
        assert await beside.event() == {"of": "livescore"}


async def test_appsync_events_keeps_deployments_apart(derby: System, token: str) -> None:
    """Even if one API has the namespaces of both, the channels of the other are refused and not heard."""
    at = derby.at("ev-1")
    appsync: Any = client(at, "appsync")
    [api_id] = [each["apiId"] for each in appsync.list_apis()["apis"] if each["name"] == at.name("viewers")]
    own = appsync.get_channel_namespace(apiId=api_id, name="derby")["channelNamespace"]
    modes = {each: own[each] for each in ("publishAuthModes", "subscribeAuthModes")}
    appsync.create_channel_namespace(apiId=api_id, name=CHANNELS.namespace, **modes)
    service = AppSyncEvents(at.texts()["url"], at.region, signer)
    async with events_viewer(at.address(), token) as viewer:
        for channel in FOREIGN:
            refused = await viewer.subscribe(f"/{channel}")
            assert (refused["type"], refused["errors"][0]["errorType"]) == ("subscribe_error", "UnauthorizedException")
        assert (await viewer.subscribe(f"/{OWN}"))["type"] == "subscribe_success"
        for channel, frame in ((FOREIGN[0], b'{"of":"livescore"}'), (OWN, b'{"of":"derby"}')):
            await asyncio.to_thread(service.publish, channel, frame)
        assert await viewer.event() == {"of": "derby"}


async def test_appsync_graphql_keeps_deployments_apart(derby: System, token: str) -> None:
    """Even at one API, the channels of the other deployment are refused and not heard."""
    at = derby.at("gql-1")
    service = AppSyncGraphql(at.texts()["url"], at.region, signer)
    viewer = await joined(at.address()["url"], token)
    for channel in FOREIGN:
        of_match, _, feed = channel.rpartition("/")
        refused = await start(viewer, of_match, feed, token=token)
        assert refused["payload"]["errors"][0]["errorType"] == "not_entitled"
    of_match, _, feed = OWN.rpartition("/")
    assert (await start(viewer, of_match, feed, token=token))["type"] == "start_ack"
    for channel, frame in ((FOREIGN[0], b"livescore"), (OWN, b"derby")):
        await asyncio.to_thread(service.publish, channel, frame)
    assert (await hear(viewer))["payload"]["data"]["onFrame"]["frame"] == "derby"
    await viewer.close()


@pytest.mark.parametrize("query", [{"competition": "c-cup"}, {"competition": "open"}, {"subject": "me"}])
def test_momento_keeps_deployments_apart(
    derby: System, system: System, dynamodb: Any, token: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have one cache: the token that a viewer gets of one deployment opens no topic of the other."""
    at = derby.at("mo-1")
    for name, value in at.environment("api").items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    key = SecureParameter("/key", lambda: SimpleNamespace(get_parameter=lambda **_: KEY))
    cell = MomentoCell(momento.CACHE, at.texts()["url"], key)
    access = MomentoAccess(system.name("matches"), dynamodb, {"derby-mo-1": cell})
    monkeypatch.setattr(resources, "momento_access", lambda: access)
    about: dict[str, Any] = {
        "http": {"method": "GET", "path": "/listeners/momento"},
        "requestId": "r",
        "stage": "$default",
    }
    event = {
        "version": "2.0", "rawPath": "/listeners/momento", "requestContext": about,
        "queryStringParameters": {"cell": "derby-mo-1", **query}, "headers": {"authorization": token},
    }  # fmt: skip
    context: Any = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
    )
    # Momento makes few tokens a second, and the other cases of this test may have used up this one's.
    answer = until(lambda: (found := api.handler(event, context))["statusCode"] == HTTPStatus.OK and found)
    given = json.loads(answer["body"])["token"]
    statuses = {}
    for channel in (DERBY.subject("ann") if query.get("subject") else OWN, *FOREIGN):
        url = f"{at.texts()['url']}/topics/{momento.CACHE}/{channel.replace('/', ':')}"
        sent = httpx.post(url, content="goal", headers={"Authorization": momento.API_KEY, "Content-Type": "text/plain"})
        assert sent.status_code == 204
        statuses[channel] = httpx.get(url, params={"token": given, "sequence_number": "1"}).status_code
    assert list(statuses.values()) == [200, 403, 403, 403], statuses
    settings.cache_clear()
