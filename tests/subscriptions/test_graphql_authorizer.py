"""The function that states to AppSync GraphQL which channels a viewer may hear, with keys from a real HTTP server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from subscriptions import graphql_authorizer
from subscriptions.graphql_authorizer import CLOSED, KEPT_SECONDS, rights
from subscriptions.viewer_access import Viewer
from tests.channel_names import CHANNELS
from tests.issuer import FORGED, Issuer, serving_keys
from tests.subscriptions.viewer_gate import ViewerGate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer import KeyServer

NO = {"isAuthorized": False, "ttlOverride": 0}
OWN = CHANNELS.subject("ann").removeprefix("livescore/subjects/")


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    """The issuer's keys on HTTP."""
    with serving_keys(Issuer()) as server:
        yield server


@pytest.fixture
def gate(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ViewerGate]:
    """The function, which lets no viewer in without a token."""
    gate = ViewerGate(graphql_authorizer, server, monkeypatch)
    yield gate
    gate.close()


def question(token: str | None) -> dict[str, Any]:
    """A question of AppSync about a connection or a subscription: it tells neither the query nor the variables."""
    context = {"apiId": "api", "queryString": "", "operationName": "Deepdish:Connect", "variables": {}}
    return {"authorizationToken": token, "requestContext": context, "requestHeaders": {}}


def test_a_token_gives_the_rights_of_its_viewer(gate: ViewerGate) -> None:
    """The answer has the segments of the token's competitions and the own subject, and closes the mutation."""
    answer = gate.ask(question(gate.server.issuer.token(competitions="cup league")))
    assert answer == {
        "isAuthorized": True,
        "resolverContext": {"namespace": "livescore", "segments": "open c-cup c-league", "subject": OWN},
        "deniedFields": list(CLOSED),
        "ttlOverride": KEPT_SECONDS,
    }


@pytest.mark.parametrize("name", sorted(FORGED.keys() - {"empty"}))
def test_a_forged_token_is_refused(gate: ViewerGate, name: str) -> None:
    """Also where viewers need no token. The reason is in the log only, the token is nowhere, and nothing is kept."""
    make, reason = FORGED[name]
    token = make(gate.server.issuer)
    for anonymous in ("on", "off"):
        gate.set(ANONYMOUS=anonymous)
        assert gate.ask(question(token)) == NO
    assert gate.reasons == [reason] * 2
    assert token not in gate.logged


@pytest.mark.parametrize("token", ["anonymous", "", None])
def test_a_viewer_without_a_token_hears_every_match_and_no_messages(gate: ViewerGate, token: str | None) -> None:
    """Where viewers need no token, the word ``anonymous`` opens all matches; elsewhere it opens nothing."""
    assert gate.ask(question(token)) == NO
    gate.set(ANONYMOUS="on")
    assert gate.ask(question(token))["resolverContext"] == {
        "namespace": "livescore",
        "segments": "open *",
        "subject": "",
    }


@pytest.mark.parametrize(("seconds", "kept"), [(3600, KEPT_SECONDS), (20, 20), (-30, 0)])
def test_an_answer_is_kept_no_longer_than_its_token_is_valid(gate: ViewerGate, seconds: int, kept: int) -> None:
    """AppSync keeps an answer a minute, and less if the token ends sooner."""
    token = gate.server.issuer.token(exp=int(time.time()) + seconds)
    assert kept - 2 <= gate.ask(question(token))["ttlOverride"] <= kept


def test_a_token_with_the_subject_anonymous_is_a_viewer() -> None:
    """The subject of a token may be ``anonymous``: its viewer has a channel of its own all the same."""
    assert rights(Viewer("anonymous", frozenset(), 1), "livescore")["subject"].startswith("s-")
    assert rights(Viewer("anonymous", frozenset(), None), "livescore")["subject"] == ""
