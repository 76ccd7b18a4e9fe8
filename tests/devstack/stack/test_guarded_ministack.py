"""A stack on a developer's machine obeys programs of that machine, and no web page."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest
from aiohttp import web

from devstack.stack.guarded_ministack import EXECUTION_PAUSE_SECONDS, WithoutPause
from devstack.stack.ministack import environment
from devstack.stack.provision import client
from loadtest import browser as browsers
from tests.support import FROM_A_PAGE, needs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devstack.system import System


def new_function(name: str) -> str:
    """The body of Lambda's CreateFunction (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html)."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("evil.py", "def handler(event, context): return 'ran'")
    about = {
        "FunctionName": name, "Runtime": "python3.13", "Handler": "evil.handler",
        "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()},
    }  # fmt: skip
    return json.dumps(about)


def functions(system: System) -> set[str]:
    """The names of the functions that MiniStack has."""
    return {each["FunctionName"] for each in client(system, "lambda").list_functions()["Functions"]}


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_a_page_makes_no_function(system: System, headers: dict[str, str]) -> None:
    """A simple cross-origin POST runs no code on the developer's machine; the answer is a 403 with a sentence."""
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request"}
    asked = {"Content-Type": "text/plain", **signed, **headers}
    answer = httpx.post(f"{system.endpoint}/2015-03-31/functions", content=new_function("evil"), headers=asked)
    assert answer.status_code == 403
    assert answer.json()["message"].endswith(".")
    assert "access-control-allow-origin" not in answer.headers
    assert "evil" not in functions(system)


def test_calls_that_aws_signs_must_be_signed(system: System) -> None:
    """Requests of an old browser, without Sec-Fetch-Site and Origin, are refused, because a page cannot sign them."""
    answer = httpx.post(f"{system.endpoint}/2015-03-31/functions", content=new_function("unsigned"))
    assert (answer.status_code, "signed" in answer.json()["message"]) == (403, True)
    assert httpx.get(f"{system.endpoint}/?Action=ListQueues").status_code == 403
    assert "unsigned" not in functions(system)


def test_programs_go_on_being_served(system: System) -> None:
    """The API, the key set and the health check need no signature, under each name of this machine."""
    for path in ("/_ministack/health", "/_aws/execute-api/livescoreapi/$default/matches"):
        for host in ("127.0.0.1", "localhost", "[::1]"):
            answer = httpx.get(system.endpoint + path, headers={"Host": f"{host}:{system.port}"})
            assert (path, answer.status_code) == (path, 200)
    assert httpx.get(str(system.settings["jwks_url"])).json()["keys"]


@pytest.fixture
async def attacker() -> AsyncIterator[int]:
    """The port of a web server with an empty page."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>evil</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


ATTACK = """async ([root, body]) => {
    await fetch(`${root}/2015-03-31/functions`, {method: "POST", mode: "no-cors", body});
    const read = await fetch(`${root}/2015-03-31/functions`).then((answer) => answer.text(), () => "unreadable");
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: `${root}/2015-03-31/functions`, enctype: "text/plain"});
    const field = document.createElement("input");
    Object.assign(field, {name: body.slice(0, 1), value: body.slice(1)});
    form.append(field);
    document.body.append(form);
    return read;
}"""


async def test_a_real_page_in_a_real_browser_reaches_nothing(system: System, attacker: int) -> None:
    """In Chromium, pages of another origin and of a rebound name can neither create a function nor read an answer."""
    needs("Chromium", browsers.installed())
    async with browsers.chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        for start in (f"http://127.0.0.1:{attacker}/", f"http://evil.example:{attacker}/"):
            page = await browser.new_page()
            await page.goto(start)
            read = await page.evaluate(ATTACK, [system.endpoint, new_function("from-chromium")])
            assert read == "unreadable"
            async with page.expect_navigation():
                await page.evaluate("document.forms[0].submit()")
            assert "no requests from web pages" in await page.content()
            await page.close()
        rebound = await browser.new_page()
        answer = await rebound.goto(f"http://evil.example:{system.port}/2015-03-31/functions")
        assert answer is not None
        assert answer.status == 403
        assert "names of this machine" in await answer.text()
    assert all(name.startswith("livescore-") for name in functions(system))


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_the_token_endpoint_is_for_pages_of_this_machine(system: System, headers: dict[str, str]) -> None:
    """A page of this machine may exchange its code for a token; another site's page is refused."""
    ours = headers.get("Origin", "").startswith("http://127.0.0.1")
    for path in ("/oauth2/token", "/oauth2/login"):
        answer = httpx.post(system.endpoint + path, data={"grant_type": "authorization_code"}, headers=headers)
        assert (answer.status_code == 403) != ours


@pytest.mark.parametrize(("method", "path", "headers"), [
    ("GET", "/_aws/execute-api/?Action=ListQueues&Version=2012-11-05", {}),
    ("GET", "/_aws/execute-api/livescoreapi/$default/matches?%41ction=ListQueues", {}),
    ("POST", "/_aws/execute-api/livescoreapi", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    ("POST", "/_aws/execute-api/livescorews/live/@connections/abc", {}),
    ("DELETE", "/_aws/execute-api/livescorews/live/@connections/abc", {}),
    ("GET", "/login?Action=ListQueues", {"Origin": "http://localhost:3000"}),
    ("GET", "/oauth2/authorize?Action=ListQueues", {"Origin": "http://localhost:3000"}),
    ("PUT", "/oauth2/token", {"Origin": "http://localhost:3000", "X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    ("POST", "/oauth2/token", {"Origin": "http://localhost:3000", "X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    ("POST", "/login", {"Sec-Fetch-Site": "same-site", "X-Amz-Target": "DynamoDB_20120810.ListTables"}),
])  # fmt: skip
def test_no_path_lets_a_call_of_aws_through_unsigned(
    system: System, method: str, path: str, headers: dict[str, str]
) -> None:
    """An unsigned request with a target or an action is refused on every path, because MiniStack obeys those."""
    answer = httpx.request(method, f"http://127.0.0.1:{system.port}{path}", headers=headers, content=b"{}", timeout=20)
    assert answer.status_code == 403, answer.text


def test_an_execution_begins_without_ministacks_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack sleeps once before each execution; exactly that sleep is left out, and no other."""
    [code] = environment().glob("lib/python*/site-packages/ministack/services/stepfunctions.py")
    _, execution = code.read_text().split("def _run_execution(")
    assert execution.partition("\ndef ")[0].count(f"time.sleep({EXECUTION_PAUSE_SECONDS})") == 1
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = WithoutPause()
    clock.sleep(EXECUTION_PAUSE_SECONDS)
    clock.sleep(1.0)
    assert slept == [1.0]
    assert clock.time == time.time
