"""The site on this machine: one origin for pages, snapshots and operators, as CloudFront serves it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devstack.stack.ministack import StackError, free_port
from devstack.stack.site import serving
from devstack.stack_cells import StackCell
from devstack.system import ROOT, Provisioned
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.operator.api_client import Operator
    from devstack.system import System


@pytest.fixture(scope="module")
def site(system: System) -> Iterator[httpx.Client]:
    """A client of the site of the running system."""
    with serving(system, free_port()) as url, httpx.Client(base_url=url, trust_env=False) as http:
        yield http


def test_pages_come_with_the_described_policy(site: httpx.Client, system: System) -> None:
    """A page may connect only to its host and to the cells, and has every described header."""
    page = site.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    host = system.websocket_url.split("/")[2]
    policy = page.headers["content-security-policy"].split("; ")
    assert f"connect-src 'self' ws://{host}" in policy
    assert "script-src 'self'" in policy
    described = json.loads((ROOT / "terraform/site.json").read_text())["pages"]["headers"]
    told = {name: page.headers.get(name) for name in described if name != "Strict-Transport-Security"}
    assert told == {name: described[name] for name in told}


def test_pages_find_every_cell(system: System) -> None:
    """deployment.json has the address of each cell, and pages may connect to each; ``websockets`` has API Gateway's."""
    cells = (StackCell("main"), StackCell("events", transport="appsync-events"), StackCell("m", transport="momento"))
    gateway = "ws://127.0.0.1:7001/live"
    found = {
        "main": Provisioned(address={"url": gateway}),
        "events": Provisioned(address={"url": "ws://127.0.0.1:7002/event/realtime", "host": "x"}),
        "m": Provisioned(address={"url": "http://127.0.0.1:7003/", "cache": "livescore"}),
    }
    several = replace(system, cells=cells, provisioned=found)
    with serving(several, free_port()) as url, httpx.Client(base_url=url, trust_env=False) as http:
        told = http.get("/deployment.json").json()
        policy = http.get("/").headers["content-security-policy"].split("; ")
    assert told["version"] == 1
    assert told["websockets"] == {"main": gateway}
    assert told["cells"] == {
        "main": {"transport": "api-gateway", "region": "us-east-1", "url": gateway},
        "events": {
            "transport": "appsync-events", "region": "us-east-1", "namespace": "livescore",
            "url": "ws://127.0.0.1:7002/event/realtime", "host": "x",
        },
        "m": {
            "transport": "momento", "region": "us-east-1", "namespace": "livescore", "url": "http://127.0.0.1:7003/",
            "cache": "livescore",
        },
    }  # fmt: skip
    assert "connect-src 'self' http://127.0.0.1:7003 ws://127.0.0.1:7001 ws://127.0.0.1:7002" in policy


def test_a_file_that_is_known_is_not_sent_again(site: httpx.Client) -> None:
    """An answer is compressed if the client accepts that, and a 304 if the client has it already."""
    for coding in ("br", "gzip"):
        page = site.get("/style.css", headers={"Accept-Encoding": coding})
        assert page.headers["content-encoding"] == coding
        assert page.text == (ROOT / "web/style.css").read_text()
        assert int(page.headers["content-length"]) < len(page.content) / 2
    again = site.get("/style.css", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/..%2fbiome.json", "/livescore.d.ts", "/nothing.html"])
def test_only_the_files_of_the_site_are_served(site: httpx.Client, path: str) -> None:
    """Files beside the site, or in its folder for developers only, are not served."""
    assert site.get(path).status_code == 404


def test_snapshots_are_kept_for_a_second(site: httpx.Client, operator: Operator, match: str) -> None:
    """Requests within a second share one answer, whatever unknown parameters they have; older answers are not used."""
    first = site.get(f"/matches/{match}")
    assert first.json()["seq"] == 0
    posted = operator.post_event(match, {"kind": "kick_off"})
    operator.settled(match, posted["event_id"])
    seen = until(lambda: site.get(f"/matches/{match}?nonsense=1").json()["seq"], seconds=10)
    assert seen == site.get(f"/matches/{match}").json()["seq"] == 1


def test_reading_is_all_that_readers_can_do(site: httpx.Client, match: str) -> None:
    """A POST on the readers' path is refused with a sentence, and does not reach the API."""
    answer = site.post(f"/matches/{match}/events", json={"kind": "kick_off"})
    assert answer.status_code == 403
    assert "Operators post below /operators" in answer.json()["error"]["message"]


def test_a_viewers_token_comes_to_the_api_for_its_service(site: httpx.Client) -> None:
    """Below /listeners the site passes the query and the viewer's token on, keeps nothing, and serves GET alone."""
    path = "/listeners/momento?cell=us-east-1&competition=open"
    answer = site.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_cell")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert site.get("/listeners/other").status_code == 404
    assert site.post(path).status_code == 405


def test_a_page_of_another_origin_may_send_its_viewers_token(site: httpx.Client) -> None:
    """The browser asks first. The site allows Authorization below /listeners, and nowhere else."""
    asks = {
        "Origin": "https://fans.example", "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }  # fmt: skip
    answer = site.options("/listeners/momento?cell=us-east-1&competition=open", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "GET" in answer.headers["access-control-allow-methods"]
    for path in ("/matches", "/operators/matches"):
        assert not site.options(path, headers=asks).is_success


def test_an_operator_posts_through_the_site(site: httpx.Client, match: str) -> None:
    """Below /operators, an event with the site's token is accepted, and an event without a token is refused."""
    token = site.get("/tokens/operator").json()["token"]
    event = {"kind": "kick_off", "event_id": "through-the-site"}
    path = f"/operators/matches/{match}/events"
    assert site.post(path, json=event).status_code == 401
    answer = site.post(path, json=event, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["event_id"]) == (202, "through-the-site")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_tokens_are_for_our_own_pages(site: httpx.Client, headers: dict[str, str]) -> None:
    """Neither another site's page nor a request for another host name gets the operator's token."""
    answer = site.get("/tokens/operator", headers=headers)
    assert answer.status_code == 403
    assert "token" not in answer.json()


def test_a_body_that_is_packed_wrongly_is_refused_in_a_sentence(site: httpx.Client) -> None:
    """A body that is not gzip, as its header claims, is answered with 400 in the API's form of an error."""
    answer = site.post("/operators/matches", content=b"junk", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_two_sites_in_one_request_get_no_token(site: httpx.Client) -> None:
    """A request with two values of Sec-Fetch-Site gets no token, in any order."""
    headers = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    assert site.get("/tokens/operator", headers=headers).status_code == 403


def test_an_api_that_is_gone_is_a_sentence(system: System) -> None:
    """If the API does not answer, the site answers 502 with a sentence, and does not keep this answer."""
    nowhere: Any = replace(system, port=free_port())
    with serving(nowhere, free_port()) as url:
        answer = httpx.get(f"{url}matches/m", trust_env=False)
    assert answer.status_code == 502
    assert "does not answer" in answer.json()["error"]["message"]


def test_a_site_port_in_use_is_said_before_anything_starts() -> None:
    """`livescore up` ends with status 1 and a sentence that names the option, before it builds anything."""
    livescore = str(Path(sys.executable).parent / "livescore")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [livescore, "up", "--port", str(free_port()), "--site-port", str(port)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert f"Port {port} for the pages is in use. Choose another with --site-port." in ran.stderr
    assert "Preparing" not in ran.stderr


def test_the_site_ends_with_its_block(system: System) -> None:
    """After the block nothing listens on the port, and it can be used again at once."""
    port = free_port()
    for _ in range(2):
        with serving(system, port) as url:
            assert httpx.get(url, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_taken_port_is_a_stack_error(system: System) -> None:
    """A site on a port in use raises StackError, also without the command."""
    port = free_port()
    with serving(system, port), pytest.raises(StackError, match="in use"), serving(system, port):
        pass
