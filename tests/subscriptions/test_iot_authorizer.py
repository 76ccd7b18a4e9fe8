"""The function that gives an MQTT connection its policy, with keys from a real HTTP server."""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from devstack.stack.iot_policies import allows
from subscriptions import iot_authorizer
from tests.channel_names import CHANNELS
from tests.issuer import FORGED, Issuer, serving_keys
from tests.subscriptions.viewer_gate import ViewerGate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer import KeyServer

CLIENT = "vT6yYxw3Qk2m9s0aLb7cZ1"
IOT = "arn:aws:iot:eu-west-1:000000000000:"


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    """The issuer's keys on HTTP."""
    with serving_keys(Issuer()) as server:
        yield server


@pytest.fixture
def gate(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ViewerGate]:
    """The function, which lets no viewer in without a token."""
    gate = ViewerGate(iot_authorizer, server, monkeypatch)
    yield gate
    gate.close()


def connect(token: str | None, client: Any = CLIENT) -> dict[str, Any]:
    """A CONNECT as IoT Core describes it to the function."""
    password = {} if token is None else {"password": base64.b64encode(token.encode()).decode()}
    mqtt = {"username": "livescore", "clientId": client, **password}
    return {"protocols": ["tls", "http", "mqtt"], "protocolData": {"mqtt": mqtt}, "connectionMetadata": {"id": "c-1"}}


def is_refused(answer: dict[str, Any]) -> bool:
    """Whether the answer lets nobody in. The form is the same as of every other answer."""
    assert re.fullmatch("[a-zA-Z0-9]{1,128}", answer["principalId"])
    assert 300 <= answer["disconnectAfterInSeconds"] <= 86400
    assert 300 <= answer["refreshAfterInSeconds"] <= 86400
    assert bool(answer["policyDocuments"]) is answer["isAuthenticated"]
    return not answer["isAuthenticated"]


def test_a_token_gives_the_policy_of_its_competitions(gate: ViewerGate) -> None:
    """The policy is for the client id of this CONNECT, in the function's own region and account."""
    answer = gate.ask(connect(gate.server.issuer.token(competitions="cup")))
    assert not is_refused(answer)
    policy = answer["policyDocuments"]
    assert allows(policy, "iot:Connect", f"{IOT}client/{CLIENT}")
    assert allows(policy, "iot:Subscribe", f"{IOT}topicfilter/{CHANNELS.feed('cup', 'm1', 'all')}")
    assert not allows(policy, "iot:Subscribe", f"{IOT}topicfilter/{CHANNELS.feed('league', 'm1', 'all')}")


@pytest.mark.parametrize("name", sorted(FORGED.keys() - {"empty"}))
def test_a_forged_token_is_refused_and_the_reason_only_logged(gate: ViewerGate, name: str) -> None:
    """Also where viewers need no token. The token is nowhere in the log."""
    make, reason = FORGED[name]
    token = make(gate.server.issuer)
    for anonymous in ("on", "off"):
        gate.set(ANONYMOUS=anonymous)
        assert is_refused(gate.ask(connect(token)))
    assert gate.reasons == [reason] * 2
    assert token not in gate.logged


@pytest.mark.parametrize("token", [None, "", "anonymous"])
def test_a_viewer_without_a_token_connects_where_viewers_need_none(gate: ViewerGate, token: str | None) -> None:
    """The password is missing, empty or the word ``anonymous``; elsewhere such a viewer is refused."""
    assert is_refused(gate.ask(connect(token)))
    assert gate.reasons == ["There is no token."]
    gate.set(ANONYMOUS="on")
    answer = gate.ask(connect(token))
    assert not is_refused(answer)
    assert answer["disconnectAfterInSeconds"] == 86400
    assert allows(answer["policyDocuments"], "iot:Subscribe", f"{IOT}topicfilter/{CHANNELS.feed('cup', 'm1', 'all')}")


@pytest.mark.parametrize(("left", "seconds"), [(7200, 7200), (10, 300), (-50, 300), (10**6, 86400)])
def test_the_connection_ends_when_the_token_ends(gate: ViewerGate, left: int, seconds: int) -> None:
    """As far as IoT Core can: no connection is shorter than 300 s or longer than 86,400 s."""
    now = int(time.time())
    answer = gate.ask(connect(gate.server.issuer.token(exp=now + left, iat=now - 100)))
    assert seconds - 5 <= answer["disconnectAfterInSeconds"] <= seconds
    assert answer["refreshAfterInSeconds"] == answer["disconnectAfterInSeconds"]


@pytest.mark.parametrize("client", [None, "", "a", "x" * 21, "x" * 65, "a/" + CLIENT, CLIENT + "#", CLIENT + "*", 7])
def test_a_client_id_that_others_could_guess_is_refused(gate: ViewerGate, client: Any) -> None:
    """The id has at least 22 random characters, so no viewer takes another's connection over."""
    assert is_refused(gate.ask(connect(gate.server.issuer.token(), client)))
    assert "client id" in gate.reasons[0]


def test_a_password_that_is_no_text_is_refused(gate: ViewerGate) -> None:
    """Also where viewers need no token: it is no missing password. An event without the MQTT part is refused too."""
    gate.set(ANONYMOUS="on")
    event = connect(None)
    for password in ("====", "//79/A==", 7):
        event["protocolData"]["mqtt"]["password"] = password
        assert is_refused(gate.ask(event))
    assert is_refused(gate.ask({"protocolData": {"http": {}}}))


def test_too_many_competitions_are_refused_with_the_reason_in_the_log(gate: ViewerGate) -> None:
    """A viewer gets the whole policy or none, so no match of its token is refused without a word."""
    token = gate.server.issuer.token(competitions=[f"l{each}" for each in range(600)])
    assert len(token) < 8192
    assert is_refused(gate.ask(connect(token)))
    assert gate.reasons == ["The token covers more competitions than the policies of a connection hold."]
