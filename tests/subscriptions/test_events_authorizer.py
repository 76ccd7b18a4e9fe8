"""The function that says which channels of AppSync Events a viewer may hear, with keys from a real HTTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subscriptions import events_authorizer
from tests.channel_names import CHANNELS
from tests.issuer import FORGED, Issuer, serving_keys
from tests.subscriptions.viewer_gate import ViewerGate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer import KeyServer

CUP = "/" + CHANNELS.feed("cup", "m1", "all")
OPEN = "/" + CHANNELS.feed(None, "m2", "score")
YES, NO = {"isAuthorized": True, "ttlOverride": 0}, {"isAuthorized": False, "ttlOverride": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    """The issuer's keys on HTTP."""
    with serving_keys(Issuer()) as server:
        yield server


@pytest.fixture
def gate(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ViewerGate]:
    """The function, which lets no viewer in without a token."""
    gate = ViewerGate(events_authorizer, server, monkeypatch)
    yield gate
    gate.close()


def question(operation: str, token: str | None, channel: str | None = None) -> dict[str, Any]:
    """A question of AppSync, in the form that it documents."""
    namespace = None if channel is None else channel.strip("/").partition("/")[0]
    context = {"operation": operation, "channel": channel, "channelNamespaceName": namespace, "apiId": "api"}
    return {"authorizationToken": token, "requestContext": context, "requestHeaders": {}}


def test_a_token_opens_the_connection_and_the_channels_of_its_competitions(gate: ViewerGate) -> None:
    """The viewer may connect, and hear its competitions, open matches and its own messages; nothing is cached."""
    token = gate.server.issuer.token(competitions="cup")
    own = "/" + CHANNELS.subject("ann")
    assert gate.ask(question("EVENT_CONNECT", token)) == YES
    assert [gate.ask(question("EVENT_SUBSCRIBE", token, each)) for each in (CUP, CUP[1:], OPEN, own)] == [YES] * 4


@pytest.mark.parametrize("operation", ["EVENT_CONNECT", "EVENT_SUBSCRIBE"])
@pytest.mark.parametrize("name", sorted(FORGED.keys() - {"empty"}))
def test_a_forged_token_is_refused_at_both_questions(gate: ViewerGate, name: str, operation: str) -> None:
    """Also where viewers need no token. The reason is in the log only, and the token is nowhere."""
    make, reason = FORGED[name]
    token = make(gate.server.issuer)
    for anonymous in ("on", "off"):
        gate.set(ANONYMOUS=anonymous)
        assert gate.ask(question(operation, token, OPEN if operation == "EVENT_SUBSCRIBE" else None)) == NO
    assert gate.reasons == [reason] * 2
    assert token not in gate.logged


@pytest.mark.parametrize(
    "channel",
    ["/" + CHANNELS.feed("league", "m1", "all"), "/livescore/*", "/livescore/c-cup/*", "/livescore/c-cup/m1/*", "/*",
     "/livescore/open/*", "/" + CHANNELS.subject("bob"), "/livescore/subjects/*", "/other/x", "", None, "//" + CUP,
     CUP + "/"],
)  # fmt: skip
def test_other_channels_and_wildcards_are_refused(gate: ViewerGate, channel: str | None) -> None:
    """A foreign competition, another viewer's messages and every wildcard are closed to a good token."""
    token = gate.server.issuer.token(competitions="cup")
    assert gate.ask(question("EVENT_SUBSCRIBE", token, channel)) == NO
    assert gate.reasons == ["The token does not cover the channel."]


@pytest.mark.parametrize("operation", ["EVENT_PUBLISH", "", None])
def test_no_viewer_publishes(gate: ViewerGate, operation: Any) -> None:
    """Every other question than those about a connection and a subscription is answered with a refusal."""
    assert gate.ask(question(operation, gate.server.issuer.token(), CUP)) == NO


def test_a_viewer_without_a_token_sends_the_word_anonymous(gate: ViewerGate) -> None:
    """Where viewers need no token the word opens every match, and no viewer's messages; elsewhere it opens nothing."""
    assert gate.ask(question("EVENT_CONNECT", "anonymous")) == NO
    assert gate.reasons == ["There is no token."]
    gate.set(ANONYMOUS="on")
    assert gate.ask(question("EVENT_CONNECT", "anonymous")) == YES
    assert gate.ask(question("EVENT_SUBSCRIBE", "anonymous", CUP)) == YES
    assert gate.ask(question("EVENT_SUBSCRIBE", "anonymous", "/" + CHANNELS.subject("anonymous"))) == NO
