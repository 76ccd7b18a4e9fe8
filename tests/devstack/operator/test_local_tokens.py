"""Tokens through real gateways: operators' over HTTP, viewers' on sockets, from devstack's identity provider."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from client import RefusedError, follow
from devstack.deployment.running_system import redrive
from devstack.operator.api_client import ApiError, Operator
from devstack.operator.local_tokens import LocalTokens, tokens_of
from devstack.stack.ministack import StackError, free_port
from devstack.stack.standin_process import StandIn
from loadtest.bearer import Bearer
from loadtest.token_sources import ClientCredentials, GivenToken, TokensError, tokens_from
from tests.issuer import AUDIENCE, FORGED, ISSUER, REASONS, Issuer, assemble, new_key, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devstack.system import System

KICK_OFF = {"kind": "kick_off"}


@pytest.fixture(scope="module")
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to the API, without a token."""
    with httpx.Client(base_url=system.api_url, timeout=20) as http:
        yield http


def post(http: httpx.Client, path: str, token: str | None, body: dict[str, Any]) -> httpx.Response:
    """A POST with a token."""
    return http.post(path, json=body, headers={} if token is None else {"Authorization": f"Bearer {token}"})


def forgeries(system: System) -> dict[str, str | None]:
    """Name -> a forged operator's token, made without the issuer's key, or no token."""
    good = tokens_of(system).token()
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    other = Issuer()
    other.keys = {kid: new_key()}
    own = {**other.public(kid), "kid": kid}

    def signed(**header: Any) -> str:
        return other.token(kid, header=header, **{**claims, "aud": None})

    return {
        "no token": None,
        "alg none": assemble({"alg": "none", "kid": kid}, claims, lambda _: b""),
        "HS256": assemble({"alg": "HS256", "kid": kid}, claims, lambda _: b"x" * 32),
        "wrong key": signed(),
        "key id that points elsewhere": signed(kid="../../elsewhere"),
        "jku": signed(jku="http://127.0.0.1:9/keys.json"),
        "jwk": signed(jwk=own),
        "truncated": good[:-8],
        "two parts": f"{head}.{body}",
        "not base64": "no.base64.here",
        "another's claims": f"{head}.{body[:-4]}AAAA.{signature}",
        "oversized": signed(padding="x" * 8192),
        "a viewer's": tokens_of(system, "viewer").token(),
    }


def test_every_route_that_writes_wants_a_token(system: System) -> None:
    """Every writing route and the audit require a token, and the authorizer names only routes that exist."""
    api = system.raw["http_api"]
    guarded = set(api["authorizer"]["routes"])
    writing = {route for route in api["routes"] if not route.startswith("GET ")}
    assert writing | {"GET /matches/{match}/audit"} <= guarded <= set(api["routes"])


def test_nobody_writes_without_an_operators_token(system: System, http: httpx.Client, match: str) -> None:
    """Every forged token gets a 401 without a reason on every writing route and the audit, and changes nothing."""
    bodies: dict[str, Any] = {
        "POST /matches": {"match": "forged", "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"},
        "PATCH /matches/{match}": {"kickoff": "2023-12-18T15:00:00Z"},
        "POST /matches/{match}/events": KICK_OFF,
    }
    requests = [
        (*route.replace("{match}", match).split(), bodies.get(route))
        for route in system.raw["http_api"]["authorizer"]["routes"]
    ]
    for name, token in forgeries(system).items():
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        for method, path, body in requests:
            answer = http.request(method, path, json=body, headers=headers)
            assert (name, method, path, answer.status_code) == (name, method, path, 401)
            assert answer.json() == {"message": "Unauthorized"}
    assert http.get("/matches/forged").status_code == 404
    assert http.get(f"/matches/{match}").json()["kickoff"].startswith("2022")
    assert http.get(f"/matches/{match}/events").json()["events"] == []


def test_an_operator_scores_what_is_covered(system: System, http: httpx.Client, match_id: str) -> None:
    """An operator of one competition may score its matches and matches without one, but no other matches."""
    scorer = tokens_of(system, "scorer").token()
    about = {"home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
    ours, theirs, none = f"{match_id}-a", f"{match_id}-b", f"{match_id}-c"
    for match, competition in ((ours, "World Cup 2022"), (none, None)):
        made = post(http, "/matches", scorer, {"match": match, "competition": competition, **about})
        assert made.status_code == 201
        assert post(http, f"/matches/{match}/events", scorer, KICK_OFF).status_code == 202
    body = {"match": theirs, "competition": "Another Cup", **about}
    assert post(http, "/matches", scorer, body).json()["error"]["code"] == "forbidden"
    assert post(http, "/matches", tokens_of(system).token(), body).status_code == 201
    for answer in (
        post(http, f"/matches/{theirs}/events", scorer, KICK_OFF),
        http.patch(f"/matches/{theirs}", json={"kickoff": about["kickoff"]}, headers={"Authorization": scorer}),
        http.get(f"/matches/{theirs}/audit", headers={"Authorization": scorer}),
    ):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"


def test_the_audit_names_the_operator_of_each_event(
    system: System, operator: Operator, http: httpx.Client, match: str
) -> None:
    """The audit names the operator who posted each event; answers for readers name nobody."""
    tokens = tokens_of(system)
    scorer = tokens_of(system, "scorer")
    with Operator(system.api_url, scorer) as other:
        operator.settled(match, operator.post_event(match, KICK_OFF)["event_id"])
        goal = {"kind": "goal", "team": "home", "minute": 1, "event_id": "g1"}
        other.settled(match, other.post_event(match, goal)["event_id"])
        operator.post_event(match, goal)
        assert [event["by"] for event in other.audit(match)] == [tokens.client, scorer.client]
    public = [http.get(f"/matches/{match}{path}").text for path in ("", "/events", "/events/g1", "/receipts")]
    assert not [text for text in public if tokens.client in text or scorer.client in text or '"by"' in text]
    assert [{**event, "by": None} for event in operator.audit(match)] == [
        {**event, "by": None} for event in operator.events(match)
    ]


def test_a_token_that_is_refused_is_fetched_again(system: System, match: str) -> None:
    """A refused token of a token source is fetched again; a token that the user gave is not, and ends in an error."""
    tokens = tokens_of(system)
    with httpx.Client(base_url=system.api_url, auth=Bearer(tokens), timeout=20) as http:
        good = tokens.token()
        tokens._token = good[:-8]  # noqa: SLF001  # as if it had gone bad
        assert http.post(f"/matches/{match}/events", json=KICK_OFF).status_code == 202
        assert tokens.token() not in (good, good[:-8])
    with Operator(system.api_url, GivenToken("stale")) as operator, pytest.raises(ApiError, match="not accept"):
        operator.post_event(match, KICK_OFF)


def test_a_token_is_kept_until_it_is_old(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is fetched once an hour, and replaced before it expires."""
    tokens, now = tokens_of(system), 1000.0
    monkeypatch.setattr("loadtest.token_sources.time.monotonic", lambda: now)
    first = tokens.token()
    now += 3539
    assert tokens.token() == first
    now += 2
    assert tokens.token() != first


def test_where_no_token_is_to_be_had(system: System) -> None:
    """A wrong secret, a dead token endpoint and an unknown API each give a sentence without the secret."""
    known = tokens_of(system)
    wrong = ClientCredentials(known.url, known.client, "not-the-secret")
    nobody = ClientCredentials(f"http://127.0.0.1:{free_port()}/oauth2/token", "c", "not-the-secret")
    elsewhere = LocalTokens("https://api.example")
    for tokens, said in ((wrong, "status 400"), (nobody, "URLError"), (elsewhere, "LIVESCORE_TOKEN")):
        with pytest.raises(TokensError, match=said) as refused:
            tokens.token()
        assert "not-the-secret" not in str(refused.value)


def test_a_url_in_an_error_shows_no_secret() -> None:
    """An error about any kind of wrong URL shows neither its user and password nor its query."""
    secret = "user:not-this@127.0.0.1"
    port = free_port()
    for url in (f"http://{secret}:{port}/t?token=not-this", f"//{secret}", "http://[not-this"):
        with pytest.raises(TokensError) as refused:
            ClientCredentials(url, "c", "s").token()
        assert "not-this" not in str(refused.value)
    with pytest.raises(TokensError, match=r"https://api\.example/live wants") as refused:
        LocalTokens("https://user:not-this@api.example/live?token=not-this").token()
    assert "not-this" not in str(refused.value)
    with pytest.raises(StackError, match=r"https://api\.example/live is not devstack's") as elsewhere:
        redrive("https://user:not-this@api.example/live?token=not-this", aws=False)
    assert "not-this" not in str(elsewhere.value)


def test_a_secret_follows_no_redirect() -> None:
    """A token endpoint that redirects is a failure, and the other address gets no request."""
    with serving_keys(Issuer()) as elsewhere, serving_keys(Issuer()) as endpoint:
        endpoint.status, endpoint.location = 302, elsewhere.url
        with pytest.raises(TokensError, match="status 302"):
            ClientCredentials(endpoint.url, "c", "s").token()
        assert (endpoint.asked, elsewhere.asked) == (1, 0)


def test_the_environment_says_where_tokens_come_from(system: System) -> None:
    """The environment has a token, or an app client, or neither."""
    assert tokens_from({}) is None
    given = tokens_from({"LIVESCORE_TOKEN": "t"})
    assert given is not None
    assert given.token() == "t"
    client = tokens_from(tokens_of(system).environment())
    assert client is not None
    assert client.token().count(".") == 2


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """A test issuer, whose key also signs the forged tokens."""
    return Issuer()


@pytest.fixture(scope="module")
def guarded(system: System, issuer: Issuer) -> Iterator[tuple[System, Path]]:
    """The system behind a stand-in that requires a token of that issuer, and the log of its functions."""
    with serving_keys(issuer) as keys, pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
        settings = {"jwks_url": keys.url, "issuer": ISSUER, "viewer_audience": AUDIENCE, "anonymous": "off",
                    "origins": "https://scores.example"}  # fmt: skip
        moved = dataclasses.replace(system, gateway_port=free_port(), settings={**system.settings, **settings})
        standin = StandIn(moved)
        standin.start()
        yield moved, standin.log
        standin.stop()


async def refusal(url: str, **more: Any) -> httpx.Response:
    """The answer to a handshake that must be refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **more):
            pass
    answer = refused.value.response
    return httpx.Response(answer.status_code, content=bytes(answer.body or b""))


async def test_forged_tokens_open_no_socket(guarded: tuple[System, Path], issuer: Issuer) -> None:
    """Over real sockets each bad token gets the same 403, and the log has each reason. Neither shows a token."""
    system, log = guarded
    for name, (make, reason) in FORGED.items():
        token, before = make(issuer), log.read_text()
        answer = await refusal(f"{system.websocket_url}?token={token}")
        if name == "oversized":  # the gateway itself takes no line that is longer than 8 KB
            assert answer.status_code == 414
            continue
        assert (name, answer.status_code) == (name, 403)
        assert answer.json() == {"message": "User is not authorized to access this resource with an explicit deny"}
        said = log.read_text().removeprefix(before)
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert [line["reason"] for line in lines if line["message"] == "connect_refused"] == [reason]
        assert not token or token not in said
    assert {reason for _, reason in FORGED.values()} | {"There is no token."} == REASONS


async def test_a_follower_with_a_forged_token_is_told(guarded: tuple[System, Path]) -> None:
    """If the gateway refuses the token, a loop over ``follow`` ends with a sentence that does not show it."""
    system, _ = guarded
    with pytest.raises(RefusedError, match="status 403") as refused:
        await asyncio.wait_for(anext(follow(system.websocket_url, "m", token="not-this")), 20)
    assert "not-this" not in str(refused.value)


async def test_only_a_good_token_gets_in(
    guarded: tuple[System, Path], issuer: Issuer, operator: Operator, match_id: str
) -> None:
    """A page on the list and a program get in with a good token; a token without competitions covers no match."""
    system, _ = guarded
    about = {"home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "competition": "World Cup 2022"}
    await asyncio.to_thread(lambda: operator.create_match(match=match_id, **about))
    subscribe = json.dumps({"action": "subscribe", "match": match_id})
    assert (await refusal(system.websocket_url)).status_code == 403
    url = f"{system.websocket_url}?token="
    assert (await refusal(url + issuer.token(), origin="https://evil.example")).status_code == 403
    for competitions, kind in (("*", "snapshot"), ("world-cup-2022", "snapshot"), ("other", "error"), (None, "error")):
        token = issuer.token("ec", competitions=competitions)
        origin: Any = "https://scores.example"
        async with connect(url + token, origin=origin) as socket:
            await socket.send(subscribe)
            assert json.loads(await asyncio.wait_for(socket.recv(), 20))["type"] == kind
