"""The resolvers of AppSync GraphQL, run in Node: their rule against the stand-in's and against ``may_hear``."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from graphql import build_schema

from devstack.system import ROOT
from loadtest.standin import graphql_access
from loadtest.standin.graphql_documents import _APPSYNC
from matches.channels import Channels
from subscriptions.channel_access import may_hear
from subscriptions.graphql_authorizer import CLOSED, rights
from subscriptions.viewer_access import Viewer
from tests.channel_names import CHANNELS
from tests.support import needs

FILES = ROOT / "terraform/graphql"
VIEWERS = [
    Viewer("ann", frozenset({"cup"}), 1), Viewer("ann", frozenset(), 1), Viewer("bob", frozenset({"*"}), 1),
    Viewer("anonymous", frozenset({"*"}), None), Viewer("anonymous", frozenset(), None),
    Viewer("ann", frozenset({"weltmeisterschaft-für-alle"}), 1),
]  # fmt: skip
NAMESPACES = ["livescore", "derby", "livescore-2"]
NAMES = [
    CHANNELS.match("cup", "m1"), CHANNELS.match("league", "m1"), CHANNELS.match(None, "m1"),
    CHANNELS.match("weltmeisterschaft-für-alle", "m1"), "livescore/subjects", "livescore", "", "livescore/*/m1",
    "livescore/c-cup", "livescore/c-cup/m1/all", "other/c-cup/m1", "livescore//m1", "livescore/c-cup/",
    "/livescore/open/m1", "livescore/other/m1", "livescore/subjects/m1", "livescore/c/m1",
    "derby/c-cup/m1", "derby/open/m1", "derby/subjects", "livescore-2/open/m1", "livescor/open/m1",
]  # fmt: skip
FEEDS = ["all", "score", "*", "", *(CHANNELS.subject(each).rpartition("/")[2] for each in ("ann", "bob", "anonymous"))]


def run(name: str, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of a resolver."""
    node = shutil.which("node")
    needs("Node", node)
    command = [str(node), str(ROOT / "tests/terraform/graphql/resolve.mjs"), str(FILES / name)]
    ran = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=True)
    answers: list[dict[str, Any]] = json.loads(ran.stdout)
    return answers


def test_the_subscription_is_decided_as_on_every_transport() -> None:
    """For each case the resolver, the stand-in and ``may_hear`` agree, and the filter is exact."""
    table = list(itertools.product(NAMESPACES, VIEWERS, NAMES, FEEDS))
    cases = [
        {"args": {"channel": channel, "feed": feed}, "identity": {"resolverContext": rights(viewer, namespace)}}
        for namespace, viewer, channel, feed in table
    ]
    allowed = 0
    for (namespace, viewer, channel, feed), answer in zip(table, run("subscribe.js", cases), strict=True):
        expected = may_hear(Channels(namespace), f"{channel}/{feed}", viewer.competitions, viewer.own_subject)
        assert graphql_access.may_hear(rights(viewer, namespace), channel, feed) == expected, (
            namespace,
            viewer,
            channel,
            feed,
        )
        wanted = {
            "payload": None, "answer": None, "filter": {"channel": {"eq": channel}, "feed": {"eq": feed}},
        }  # fmt: skip
        assert answer == (wanted if expected else {"error": "not_entitled"}), (namespace, viewer, channel, feed)
        allowed += expected
    assert allowed > 20


def test_the_schema_closes_the_mutation_to_viewers() -> None:
    """Publishing is for IAM alone, the subscription for viewers alone, and both have one type."""
    text = (FILES / "schema.graphql").read_text()
    schema = build_schema(_APPSYNC + text)
    assert schema.mutation_type is not None
    assert schema.subscription_type is not None
    publish, heard = schema.mutation_type.fields["publish"], schema.subscription_type.fields["onFrame"]
    assert str(publish.type) == str(heard.type) == "Frame"
    directives = [[each.name.value for each in found.ast_node.directives] for found in (publish, heard)]
    assert directives == [["aws_iam"], ["aws_subscribe", "aws_lambda"]]
    assert set(schema.subscription_type.fields) == {"onFrame"}


def test_the_authorizer_closes_every_query_and_mutation_too() -> None:
    """A field that lost its directive would still be closed to viewers."""
    schema = build_schema(_APPSYNC + (FILES / "schema.graphql").read_text())
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    owners = (schema.query_type, schema.mutation_type)
    assert set(CLOSED) == {f"{owner.name}.{field}" for owner in owners for field in owner.fields}


@pytest.mark.parametrize("name", ["publish.js", "subscribe.js"])
def test_the_resolvers_use_only_what_appsync_runs(name: str) -> None:
    """A resolver has no throw, try, loop with a counter, regular expression or async code: APPSYNC_JS has none.

    (https://docs.aws.amazon.com/appsync/latest/devguide/resolver-util-reference-js.html)
    """
    code = "\n".join(line.partition("// ")[0] for line in (FILES / name).read_text().splitlines())
    outside = re.sub(r'"[^"]*"', '""', code)
    assert not re.search(r"\b(throw|try|catch|while|async|await|new|class|this)\b|for \(let|\+\+", outside)
    assert len(code) < 32_768
