"""Documents against our schema: what the stand-in for AppSync GraphQL takes, and how it refuses the others."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from devstack.system import ROOT
from loadtest.standin import graphql_documents
from loadtest.standin.graphql_documents import DocumentError, Documents

SUBSCRIBE = 'subscription S($channel: String!) { onFrame(channel: $channel, feed: "all") { frame kept: feed } }'


def documents() -> Documents:
    """The documents of the schema that Terraform deploys."""
    return Documents((ROOT / "terraform/graphql/schema.graphql").read_text())


def test_a_document_names_its_field_its_arguments_and_what_it_selects() -> None:
    """Variables and constants become arguments; an alias becomes the key of the answer."""
    asked = documents().operation(SUBSCRIBE, {"channel": "livescore/open/m"})
    assert (asked.kind, asked.field, asked.key) == ("subscription", "onFrame", "onFrame")
    assert asked.arguments == {"channel": "livescore/open/m", "feed": "all"}
    assert asked.selected == {"frame": "frame", "kept": "feed"}
    renamed = documents().operation("{ mine: version }", None)
    assert (renamed.kind, renamed.field, renamed.key, renamed.selected) == ("query", "version", "mine", {})


def test_only_the_subscription_is_open_to_viewers() -> None:
    """The mutation has @aws_iam and no @aws_lambda, so no viewer publishes."""
    allows = documents().allows
    assert allows("subscription", "onFrame", "aws_lambda")
    assert allows("mutation", "publish", "aws_iam")
    assert not allows("mutation", "publish", "aws_lambda")
    assert not allows("query", "version", "aws_lambda")


@pytest.mark.parametrize(
    ("query", "variables", "kind"),
    [
        (7, None, "MalformedHttpRequestException"),
        ("subscription {", None, "InvalidSyntaxError"),
        ("{ nothing }", None, "ValidationError"),
        ("query A { version } query B { version }", None, "ValidationError"),
        ("{ version other: version }", None, "ValidationError"),
        ("query A { ...F } fragment F on Query { version }", None, "ValidationError"),
        ("{ __typename }", None, "ValidationError"),
        (SUBSCRIBE, {"channel": 7}, "VariableTypeMismatch"),
        (SUBSCRIBE, None, "VariableTypeMismatch"),
    ],
)
def test_a_document_that_appsync_refuses_is_refused(query: Any, variables: Any, kind: str) -> None:
    """Each with AppSync's name for the kind of error."""
    with pytest.raises(DocumentError) as refused:
        documents().operation(query, variables)
    assert refused.value.kind == kind


def test_a_variable_that_is_null_is_no_value_for_an_argument() -> None:
    """A variable with a default may be left out, but may not be null where the schema needs a value."""
    query = 'subscription S($feed: String = "all") { onFrame(channel: "c", feed: $feed) { frame } }'
    assert documents().operation(query, {}).arguments["feed"] == "all"
    with pytest.raises(DocumentError):
        documents().operation(query, {"feed": None})


def test_many_different_documents_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is parsed once; after a thousand others the stand-in has forgotten it, and parses it again."""
    parsed: list[str] = []

    def noting(text: str, **more: Any) -> Any:
        parsed.append(text)
        return parse(text, **more)

    monkeypatch.setattr(graphql_documents, "parse", noting)
    read = documents()
    for number in (0, 0, *range(1, 1001), 0):
        read.operation(f"query Q{number} {{ version }}", None)
    assert parsed.count("query Q0 { version }") == 2
    assert parsed.count("query Q1000 { version }") == 1
