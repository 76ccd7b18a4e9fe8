"""The function that says who may connect, with a key set from a real HTTP server."""

from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runtime.environment import SettingsError, settings
from subscriptions import authorizer
from tests.issuer import AUDIENCE, FORGED, ISSUER, Issuer, KeyServer, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:execute-api:us-east-1:000000000000:api/live/$connect"


class Gate:
    """The function, and what it has logged."""

    def __init__(self, server: KeyServer, patch: pytest.MonkeyPatch) -> None:
        self.server = server
        self._patch = patch
        self._log = io.StringIO()
        self._handler = logging.StreamHandler(self._log)
        self._handler.setFormatter(authorizer.logger.registered_formatter)
        self._logger = logging.getLogger(authorizer.logger.name)
        self._logger.addHandler(self._handler)
        self.set(JWKS_URL=server.url, ISSUER=ISSUER, VIEWER_AUDIENCE=f"more,{AUDIENCE}", ANONYMOUS="off", ORIGINS="*")

    def set(self, **variables: str) -> None:
        """Settings of the function."""
        for name, value in variables.items():
            self._patch.setenv(name, value)
        settings.cache_clear()

    def unset(self, name: str) -> None:
        """A setting that is missing."""
        self._patch.delenv(name)
        settings.cache_clear()

    def ask(self, token: str | None = None, *, query: Any = None, **headers: str) -> dict[str, Any]:
        """Its answer to a handshake."""
        query = {} if query is None else query
        query |= {} if token is None else {"token": [token]}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        event = {
            "type": "REQUEST",
            "methodArn": ARN,
            "headers": names or None,
            "multiValueHeaders": {name: [value] for name, value in names.items()} or None,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "requestContext": {"connectionId": "L0SM9cOFvHcCIhw="},
        }
        context: Any = SimpleNamespace()
        return authorizer.handler(event, context)

    def logged(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def close(self) -> None:
        """Leave the logger as it was."""
        self._logger.removeHandler(self._handler)


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    """The issuer's keys on HTTP."""
    with serving_keys(Issuer()) as server:
        yield server


@pytest.fixture
def gate(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The function with the issuer's settings, and nobody let in without a token."""
    gate = Gate(server, monkeypatch)
    yield gate
    gate.close()


def is_let_in(answer: dict[str, Any]) -> bool:
    """Whether the one statement of the policy allows ``$connect``."""
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    assert statement["Effect"] in ("Allow", "Deny")
    return bool(statement["Effect"] == "Allow")


@pytest.mark.parametrize("where", ["query", "subprotocol"])
@pytest.mark.parametrize("kid", ["rsa", "ec"])
def test_a_good_token_lets_in_from_either_place(gate: Gate, where: str, kid: str) -> None:
    """With what it says of its bearer as context, in which every value is text."""
    token = gate.server.issuer.token(kid, competitions=["league", "cup"])
    answer = gate.ask(token) if where == "query" else gate.ask(Sec_WebSocket_Protocol=f"livescore.v1, {token}")
    assert is_let_in(answer)
    assert answer["principalId"] == "ann"
    assert answer["context"] == {"subject": "ann", "competitions": "cup league"}


@pytest.mark.parametrize("anonymous", ["on", "off"])
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_denied_and_the_reason_only_logged(gate: Gate, name: str, anonymous: str) -> None:
    """Also where none is needed. Every answer is the same; the log has the reason, and neither has the token."""
    make, reason = FORGED[name]
    token = make(gate.server.issuer)
    gate.set(ANONYMOUS=anonymous)
    answer = gate.ask(token)
    assert not is_let_in(answer)
    assert (answer["principalId"], answer["context"]) == ("refused", {})
    (line,) = gate.logged()
    assert (line["message"], line["reason"]) == ("connect_refused", reason)
    assert not token or token not in json.dumps([line, answer])


def test_without_a_token(gate: Gate) -> None:
    """Refused, unless that is allowed; then everything is open."""
    assert not is_let_in(gate.ask())
    assert gate.logged()[0]["reason"] == "There is no token."
    gate.set(ANONYMOUS="on")
    answer = gate.ask()
    assert is_let_in(answer)
    assert answer["context"] == {"subject": "anonymous", "competitions": "*"}


@pytest.mark.parametrize(("anonymous", "competitions"), [("on", "*"), ("off", "")])
def test_a_token_that_says_nothing_of_competitions(gate: Gate, anonymous: str, competitions: str) -> None:
    """It is worth what no token is worth; one that names none has none."""
    gate.set(ANONYMOUS=anonymous)
    assert gate.ask(gate.server.issuer.token(competitions=None))["context"]["competitions"] == competitions
    assert gate.ask(gate.server.issuer.token(competitions=[]))["context"]["competitions"] == ""


@pytest.mark.parametrize(
    ("origins", "origin", "let_in"),
    [
        ("*", "https://anywhere.example", True),
        ("https://a.example, https://b.example", "https://b.example", True),
        ("https://a.example", "https://a.example.evil.example", False),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "null", False),
        ("https://a.example", "", False),
        ("https://a.example", None, True),
        ("", "https://a.example", False),
    ],
)
def test_only_pages_of_the_list_connect(gate: Gate, origins: str, origin: str | None, let_in: bool) -> None:
    """A page of another site is refused, whatever its token; a program states no origin."""
    gate.set(ORIGINS=origins)
    headers = {} if origin is None else {"origin": origin}
    assert is_let_in(gate.ask(gate.server.issuer.token(), **headers)) is let_in
    assert [line.get("reason") for line in gate.logged()] == [None if let_in else "The page is from another origin."]


@pytest.mark.parametrize(
    ("offered", "let_in"),
    [("livescore.v1", True), ("livescore.v1, livescore.v2", True), ("other, livescore.v1", True), ("other", True),
     ("livescore.v1, other", False), ("livescore.v1,", False)],
)  # fmt: skip
def test_other_subprotocols_are_no_tokens(gate: Gate, offered: str, let_in: bool) -> None:
    """Only what follows ours is one, and a bad one is refused though none is needed."""
    gate.set(ANONYMOUS="on")
    assert is_let_in(gate.ask(Sec_WebSocket_Protocol=offered)) is let_in


def test_two_tokens_are_refused(gate: Gate) -> None:
    """It must be clear which one counts, to us and to whoever is on the way; the same one twice is clear."""
    good, other = gate.server.issuer.token(), gate.server.issuer.token("ec")
    assert not is_let_in(gate.ask(query={"token": [good, other]}))
    assert not is_let_in(gate.ask(good, Sec_WebSocket_Protocol=f"livescore.v1, {other}"))
    assert not is_let_in(gate.ask(Sec_WebSocket_Protocol=f"livescore.v1, {good}, {other}"))
    assert not is_let_in(gate.ask(Sec_WebSocket_Protocol=f"livescore.v1, {good}, more"))
    assert not is_let_in(gate.ask(Sec_WebSocket_Protocol=f"livescore.v1, livescore.v2, {good}, {other}"))
    assert {line["reason"] for line in gate.logged()} == {"There is more than one token."}
    assert is_let_in(gate.ask(good, Sec_WebSocket_Protocol=f"livescore.v1, {good}"))


def test_an_issuer_that_is_not_there_lets_nobody_in(gate: Gate) -> None:
    """Good tokens are refused too, and the log says why; without its settings the function fails."""
    gate.set(JWKS_URL="")
    assert not is_let_in(gate.ask(gate.server.issuer.token()))
    assert [(line["message"], line["reason"]) for line in gate.logged()] == [
        ("issuer_keys_unfetched", "the URL is neither http nor https"),
        ("connect_refused", "The issuer's keys are not known."),
    ]
    gate.unset("ANONYMOUS")
    with pytest.raises(SettingsError, match="ANONYMOUS"):
        gate.ask(gate.server.issuer.token())
