"""AppSync Events and IoT Core in MiniStack, at 127.0.0.1: programs reach them, and pages of other sites do not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from devstack.stack.guarded_ministack import _at_host
from devstack.transports.ministack_resources import client, url_of_host
from tests.support import FROM_A_PAGE

if TYPE_CHECKING:
    from devstack.system import System

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/appsync/aws4_request"}
CHANNEL = "/livescore/open/wc22/all"
EVENT = json.dumps({"seq": 1})
FROM_ANOTHER_SITE = [each for each in FROM_A_PAGE if "127.0.0.1" not in each.get("Origin", "")]


@pytest.fixture(scope="module")
def api(system: System) -> dict[str, Any]:
    """An Event API with a key and the namespace ``livescore``."""
    appsync = client(system, "appsync")
    modes = ("authProviders", "connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
    config = {each: [{"authType": "API_KEY"}] for each in modes}
    made: dict[str, Any] = appsync.create_api(name="guarded", eventConfig=config)["api"]
    appsync.create_channel_namespace(apiId=made["apiId"], name="livescore")
    return made | {"key": appsync.create_api_key(apiId=made["apiId"])["apiKey"]["id"]}


def event_url(system: System, api: dict[str, Any]) -> str:
    """The URL to publish at."""
    return url_of_host(system, "http", api["dns"]["HTTP"], "/event")


def realtime(system: System, api: dict[str, Any]) -> tuple[str, list[Subprotocol]]:
    """The URL for viewers, and the subprotocols of the handshake."""
    about = json.dumps({"host": api["dns"]["HTTP"], "x-api-key": api["key"]}).encode()
    header = "header-" + base64.urlsafe_b64encode(about).decode().rstrip("=")
    url = url_of_host(system, "ws", api["dns"]["REALTIME"], "/event/realtime")
    return url, [Subprotocol("aws-appsync-event-ws"), Subprotocol(header)]


async def test_an_event_reaches_a_viewer(system: System, api: dict[str, Any]) -> None:
    """A signed POST at 127.0.0.1 reaches a viewer that is connected at 127.0.0.1: no name must resolve."""
    url, subprotocols = realtime(system, api)
    async with connect(url, subprotocols=subprotocols, origin=None) as socket:
        authorization = {"host": api["dns"]["HTTP"], "x-api-key": api["key"]}
        about = {"type": "subscribe", "id": "1", "channel": CHANNEL, "authorization": authorization}
        await socket.send(json.dumps(about))
        assert json.loads(await socket.recv())["type"] == "subscribe_success"
        asked = {"channel": CHANNEL, "events": [EVENT]}
        async with httpx.AsyncClient() as http:
            headers = {**SIGNED, "x-api-key": api["key"]}
            answer = await http.post(event_url(system, api), json=asked, headers=headers)
        assert (answer.status_code, len(answer.json()["successful"])) == (200, 1)
        told = json.loads(await socket.recv())
        assert (told["type"], told["id"], EVENT in told["event"]) == ("data", "1", True)


def test_an_event_must_be_signed(system: System, api: dict[str, Any]) -> None:
    """A caller with only the API's key publishes nothing: on AWS publishing is for IAM only."""
    asked = {"channel": CHANNEL, "events": [EVENT]}
    answer = httpx.post(event_url(system, api), json=asked, headers={"x-api-key": api["key"]})
    assert (answer.status_code, "signed" in answer.json()["message"]) == (403, True)


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_a_page_publishes_no_event(system: System, api: dict[str, Any], headers: dict[str, str]) -> None:
    """A POST of a web page is refused, of this machine's pages too, even if it has a signature."""
    asked = {"channel": CHANNEL, "events": [EVENT]}
    more = {**SIGNED, "x-api-key": api["key"], **headers}
    answer = httpx.post(event_url(system, api), json=asked, headers=more)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def iot_url(system: System) -> str:
    """The URL for viewers at IoT Core."""
    host = client(system, "iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    return url_of_host(system, "ws", host, "/mqtt")


@pytest.mark.parametrize("headers", FROM_ANOTHER_SITE, ids=str)
@pytest.mark.parametrize("service", ["appsync", "iot"])
async def test_a_page_of_another_site_opens_no_websocket(
    system: System, api: dict[str, Any], service: str, headers: dict[str, str]
) -> None:
    """Handshakes of other sites' pages, and for other host names, are refused with 403."""
    url, subprotocols = realtime(system, api) if service == "appsync" else (iot_url(system), [Subprotocol("mqtt")])
    others = {name: value for name, value in headers.items() if name != "Host"}
    url = url.replace("127.0.0.1", headers.get("Host", "127.0.0.1"), 1)
    at: dict[str, Any] = {"host": "127.0.0.1", "port": system.port}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, subprotocols=subprotocols, additional_headers=others, **at):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("service", ["appsync", "iot"])
async def test_a_page_of_this_machine_opens_a_websocket(system: System, api: dict[str, Any], service: str) -> None:
    """The viewer's page of the site opens a WebSocket of each service."""
    url, subprotocols = realtime(system, api) if service == "appsync" else (iot_url(system), [Subprotocol("mqtt")])
    async with connect(url, subprotocols=subprotocols, origin=Origin("http://127.0.0.1:4580")) as socket:
        assert socket.subprotocol == subprotocols[0]


@pytest.mark.parametrize("name", ["HTTP", "REALTIME"])
def test_a_request_that_names_such_a_host_itself_is_refused(system: System, api: dict[str, Any], name: str) -> None:
    """A name that may resolve to this machine (DNS rebinding) is refused, also the very name that MiniStack knows."""
    for host in (api["dns"][name], f"{api['apiId']}.appsync-api.us-east-1.evil.example:{system.port}"):
        answer = httpx.post(f"{system.endpoint}/event", headers={**SIGNED, "Host": host}, json={})
        assert (answer.status_code, "names of this machine" in answer.json()["message"]) == (403, True)
        routed = httpx.post(event_url(system, api), headers={**SIGNED, "Host": host}, json={})
        assert (routed.status_code, "names of this machine" in routed.json()["message"]) == (403, True)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/event"), ("POST", "/v2/apis"), ("POST", "/event/realtime"), ("POST", "/event/../v2/apis"),
])  # fmt: skip
def test_such_a_host_has_no_other_path(system: System, api: dict[str, Any], method: str, path: str) -> None:
    """Below the path of a host there is nothing but the event's POST, signed or not."""
    url = httpx.URL(url_of_host(system, "http", api["dns"]["HTTP"], "")).copy_with(
        raw_path=f"/_host/{api['dns']['HTTP']}{path}".encode()
    )
    answer = httpx.request(method, url, headers=SIGNED)
    assert (answer.status_code, "no such path" in answer.json()["message"]) == (403, True)


def test_a_viewers_socket_is_in_the_region_of_its_host() -> None:
    """MiniStack reads the region of an MQTT connection from a signature, so the guard adds the host's."""
    path = "/_host/abc-ats.iot.eu-west-1.127.0.0.1:4566/mqtt"
    given = {"type": "websocket", "path": path, "headers": [(b"host", b"127.0.0.1:4566")], "query_string": b"token=a"}
    found = _at_host(given)
    assert dict(found["headers"])[b"host"] == b"abc-ats.iot.eu-west-1.127.0.0.1:4566"
    assert (found["path"], found["raw_path"]) == ("/mqtt", b"/mqtt")
    query = found["query_string"].decode()
    assert query.startswith("token=a&X-Amz-Credential=")
    assert "/eu-west-1/" in query
