"""The proxy that injects faults, between a real client and a real server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from devstack.stack.call_proxy import Call
from devstack.stack.provision import client
from devstack.stack_cells import StackCell
from devstack.system import Provisioned
from tests.support import FROM_A_PAGE
from trials.faults import callers
from trials.faults.proxy import FaultProxy
from trials.faults.rules import Book, Do, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

GET = Call("api", "GetItem", b'{"match_id": {"S": "m1"}}')


def test_a_rule_hits_the_calls_that_it_names_and_no_other() -> None:
    """A rule hits only calls of its function, operation, match and text, after ``skip`` and for ``times`` calls."""
    book = Book()
    armed = book.arm(Rule("api", "GetItem", Do.REFUSE, ("match_id",), skip=1, times=2), "m1")
    others = (
        Call("fanout", "GetItem", GET.body),
        Call("api", "Query", GET.body),
        Call("api", "GetItem", b"match_id m2"),
    )
    assert [book.take(each, killable=True) for each in others] == [None] * 3
    assert [book.take(GET, killable=True) for _ in range(4)] == [None, armed, armed, None]
    book.arm(Rule("api", "GetItem", Do.KILL_BEFORE), "m1")
    assert book.take(GET, killable=False) is None
    book.disarm("m1")
    assert book.take(GET, killable=True) is None


@pytest.fixture(scope="module")
def proxied(system: System) -> Iterator[tuple[FaultProxy, str]]:
    """A proxy before the running system, and the URL by which api would call."""
    with FaultProxy() as proxy:
        changed = proxy.before(system)
        yield proxy, changed.overrides["api"]["AWS_ENDPOINT_URL"]


def describe(url: str) -> httpx.Response:
    """One call of DynamoDB, as api makes it."""
    scope = "000000000000/20260101/us-east-1/dynamodb/aws4_request"
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.DescribeTable",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
    }
    return httpx.post(url, headers=headers, content=b'{"TableName": "livescore-matches"}', timeout=20, trust_env=False)


def test_what_no_rule_names_is_passed_on(proxied: tuple[FaultProxy, str], system: System) -> None:
    """Without a rule the proxy changes nothing: the answer is the service's."""
    _, url = proxied
    there = client(system, "dynamodb").describe_table(TableName=system.name("matches"))["Table"]["TableName"]
    assert describe(url).json()["Table"]["TableName"] == there


def test_the_services_of_cells_are_behind_the_proxy(system: System) -> None:
    """The URLs in the fan-out's CELLS lead through the proxy to their services, and a rule may refuse a publish."""
    cells = (StackCell("events", transport="appsync-events"),)
    found = {"events": Provisioned({"url": f"{system.endpoint}/_ministack/health?match=m7"})}
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/appsync/aws4_request"}
    with FaultProxy() as proxy:
        changed = replace(proxy.before(system), cells=cells, provisioned=found)
        url = json.loads(changed.environment("fanout")["CELLS"])["events"]["url"]
        assert url.startswith(changed.overrides["fanout"]["AWS_ENDPOINT_URL"])
        assert httpx.get(url, trust_env=False).status_code == 200
        proxy.book.arm(Rule("fanout", "Publish", Do.REFUSE, error="ThrottlingException", status=429), "m7")
        answers = [httpx.post(url, content=b"m7", headers=headers, trust_env=False).status_code for _ in range(2)]
    assert answers[0] == 429
    assert answers[1] != 429


def test_a_refusal_is_one_of_aws(proxied: tuple[FaultProxy, str]) -> None:
    """The caller gets one error in AWS's form, and then the service's answer."""
    proxy, url = proxied
    proxy.book.arm(Rule("api", "DescribeTable", Do.REFUSE, error="ThrottlingException", status=400), "livescore")
    refused = describe(url)
    assert (refused.status_code, refused.json()["__type"].rpartition("#")[2]) == (400, "ThrottlingException")
    assert describe(url).status_code == 200


@pytest.mark.parametrize("do", [Do.RESET_BEFORE, Do.RESET_AFTER, Do.GARBLE])
def test_a_broken_connection_is_broken(proxied: tuple[FaultProxy, str], do: Do) -> None:
    """The caller gets no readable answer."""
    proxy, url = proxied
    proxy.book.arm(Rule("api", "DescribeTable", do), "livescore")
    with pytest.raises(httpx.TransportError):
        describe(url)
    assert describe(url).status_code == 200


def test_only_processes_of_the_session_are_found() -> None:
    """A caller is found by its port, and no process outside the session ever is."""
    program = "import socket,sys; s=socket.create_connection(('127.0.0.1',int(sys.argv[1]))); print(s.getsockname()[1],"
    program += " flush=True); sys.stdin.read()"
    with socket.create_server(("127.0.0.1", 0)) as server:
        # The leader of a session of its own, with the caller as its child.
        leader = "import subprocess,sys; sys.exit(subprocess.call([sys.executable,'-c',sys.argv[1],sys.argv[2]]))"
        command = [sys.executable, "-c", leader, program, str(server.getsockname()[1])]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        ) as running:
            assert running.stdout is not None
            port = int(running.stdout.readline())
            found = callers.pid_of(running.pid, port)
            assert found is not None
            assert os.getsid(found) == running.pid
            assert callers.pid_of(os.getsid(0), port) is None
            callers.kill(found)
            assert running.wait(20) != 0


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_a_page_reaches_no_service_through_a_proxy(proxied: tuple[FaultProxy, str], headers: dict[str, str]) -> None:
    """The ports of the proxies refuse web pages themselves, and count no call of them."""
    _, url = proxied
    answer = httpx.post(url, headers=headers, content=b"{}", timeout=20, trust_env=False)
    assert (answer.status_code, answer.json()["message"][-1]) == (403, ".")
