"""The route of Momento's tokens: the viewer's own token decides, and the stand-in holds the given token to its rights.

The API's handler runs in this process; the rows are in the running system's DynamoDB, and the stand-in is a process.
"""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api import handler as api
from api import resources
from api.momento_access import (
    FAILED_SECONDS,
    LEAST_SECONDS,
    MAKING_SECONDS,
    RENEWED_SECONDS,
    MomentoAccess,
    MomentoCell,
    NoTokenError,
    tokens_url,
)
from devstack.child_process import free_port
from devstack.stack_cells import REGION, StackCell
from devstack.transports import momento
from runtime.secure_parameter import SecureParameter
from tests.channel_names import CHANNELS
from tests.issuer import AUDIENCE, FORGED, ISSUER, Issuer, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from tests.issuer import KeyServer

CELL = "momento-1"
_names = itertools.count(1)


@dataclass
class Clock:
    """Seconds since 1970, and how far the clock was moved."""

    moved: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return time.time() + self.moved


@dataclass(frozen=True)
class Bench:
    """The route, the stand-in, and an issuer of viewers' tokens."""

    url: str
    table: str
    dynamodb: Any
    issuer: Issuer
    clock: Clock = field(default_factory=Clock)
    parameter: str = field(default_factory=lambda: f"/key-{next(_names)}")

    def access(self, cell: str = CELL) -> MomentoAccess:
        """The tokens of one more process. Each test has rows of its own."""
        ssm = SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": momento.API_KEY}})
        made = MomentoCell(momento.CACHE, tokens_url(self.url), SecureParameter(self.parameter, lambda: ssm))
        return MomentoAccess(self.table, self.dynamodb, {cell: made}, self.clock)

    def ask(self, token: str | None, **query: str) -> tuple[int, dict[str, Any]]:
        """The answer of the API, which no cache may keep: it is for one viewer."""
        path = "/listeners/momento"
        about: dict[str, Any] = {"http": {"method": "GET", "path": path}, "requestId": "r", "stage": "$default"}
        event = {
            "version": "2.0", "rawPath": path, "requestContext": about,
            "queryStringParameters": {"cell": CELL, **query},
            "headers": {} if token is None else {"authorization": token},
        }  # fmt: skip
        context: Any = SimpleNamespace(
            function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
        )
        answer = api.handler(event, context)
        assert answer["headers"]["Cache-Control"] == "no-store"
        return answer["statusCode"], json.loads(answer["body"])

    def publish(self, channel: str, token: str) -> int:
        """The stand-in's status for a message."""
        headers = {"Authorization": token, "Content-Type": "text/plain"}
        return httpx.post(self._topic(channel), content="goal", headers=headers).status_code

    def poll(self, channel: str, token: str) -> int:
        """The stand-in's status for a poll that finds a message."""
        assert self.publish(channel, momento.API_KEY) == 204
        return httpx.get(self._topic(channel), params={"token": token, "sequence_number": "1"}).status_code

    def stats(self) -> dict[str, int]:
        """The stand-in's counters."""
        stats: dict[str, int] = httpx.get(f"{self.url}/_standin/stats").json()
        return stats

    def _topic(self, channel: str) -> str:
        return f"{self.url}/topics/{momento.CACHE}/{channel.replace('/', ':')}"


@pytest.fixture(scope="module")
def standin(system: System) -> Iterator[str]:
    """The stand-in as a process; its URL."""
    view = replace(system, cells=(StackCell(CELL, REGION, "momento"),), ports={CELL: free_port()}).at(CELL)
    process = momento.stand_in(view).start()
    yield f"http://127.0.0.1:{view.stand_in_port}"
    process.stop()


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    """An issuer's keys on HTTP."""
    with serving_keys(Issuer()) as server:
        yield server


@pytest.fixture
def bench(
    system: System, dynamodb: Any, standin: str, keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """The route, which serves no viewer without a token."""
    bench = Bench(standin, system.name("matches"), dynamodb, keys.issuer)
    own = {"JWKS_URL": keys.url, "ISSUER": ISSUER, "VIEWER_AUDIENCE": AUDIENCE, "ANONYMOUS": "off"}
    for name, value in {**system.environment("api"), **own}.items():
        monkeypatch.setenv(name, value)
    access = bench.access()
    monkeypatch.setattr(resources, "momento_access", lambda: access)
    httpx.post(f"{standin}/_standin/reset")
    yield bench
    httpx.patch(f"{standin}/_standin/limits", json={"tokens_per_second": 5})


def test_a_viewer_listens_to_the_competitions_of_its_token(bench: Bench) -> None:
    """The token polls the own competition and nothing else, and publishes nothing; it says when it ends."""
    status, given = bench.ask("Bearer " + bench.issuer.token(competitions="cup"), competition="c-cup")
    assert status == 200
    assert time.time() + 3500 < given["expires"] <= time.time() + 3600
    token = given["token"]
    assert bench.poll(CHANNELS.feed("cup", "m1", "all"), token) == 200
    for foreign in (CHANNELS.feed("league", "m1", "all"), CHANNELS.feed(None, "m1", "all"), CHANNELS.subject("ann")):
        assert bench.poll(foreign, token) == 403
    assert bench.publish(CHANNELS.feed("cup", "m1", "all"), token) == 403


def test_a_token_of_a_competition_opens_none_whose_name_begins_like_it(bench: Bench) -> None:
    """The prefix of the topics of ``world`` does not fit ``world-cup``, and the process keeps both tokens apart."""
    bench.ask(bench.issuer.token(competitions="world-cup"), competition="c-world-cup")
    _, given = bench.ask(bench.issuer.token(competitions="world"), competition="c-world")
    assert bench.poll(CHANNELS.feed("world", "m1", "all"), given["token"]) == 200
    assert bench.poll(CHANNELS.feed("world-cup", "m1", "all"), given["token"]) == 403


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "BEARER  "])
def test_a_token_may_have_its_scheme_before_it(bench: Bench, scheme: str) -> None:
    """With or without the word Bearer in any letters (RFC 9110, section 11.1), the same token counts."""
    assert bench.ask(scheme + bench.issuer.token(competitions="cup"), competition="c-cup")[0] == 200
    assert bench.ask(scheme + "forged", competition="open")[0] == 401


def test_matches_without_a_competition_are_open_to_every_token(bench: Bench) -> None:
    """The segment ``open`` needs a valid token, and no competition."""
    status, given = bench.ask(bench.issuer.token(competitions=""), competition="open")
    assert (status, bench.poll(CHANNELS.feed(None, "m1", "score"), given["token"])) == (200, 200)


def test_a_foreign_competition_is_refused(bench: Bench) -> None:
    """A token that does not cover the competition is answered 403 with the code of every transport."""
    status, answer = bench.ask(bench.issuer.token(competitions="cup"), competition="c-league")
    assert (status, answer["error"]["code"]) == (403, "not_entitled")


@pytest.mark.parametrize("name", sorted(FORGED.keys() - {"empty"}))
def test_a_forged_token_is_refused(bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged or expired token is answered 401, also where viewers need none; nothing is made for it."""
    token = FORGED[name][0](bench.issuer)
    for anonymous in ("off", "on"):
        monkeypatch.setenv("ANONYMOUS", anonymous)
        status, answer = bench.ask(token, competition="open")
        assert (status, answer["error"]["code"]) == (401, "unauthorized")
    assert bench.stats()["tokens"] == 0


def test_a_viewer_without_a_token_is_refused_where_viewers_need_one(bench: Bench) -> None:
    """No token, and the word ``anonymous``, are answered 401."""
    assert [bench.ask(each, competition="open")[0] for each in (None, "anonymous")] == [401, 401]


def test_viewers_without_a_token_share_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where viewers need no token, one token serves every competition that anybody names, and no viewer's messages."""
    monkeypatch.setenv("ANONYMOUS", "on")
    tokens = {bench.ask(None, competition=f"c-{number}")[1]["token"] for number in range(5)}
    assert (len(tokens), bench.stats()["tokens"]) == (1, 1)
    token = tokens.pop()
    for channel in (CHANNELS.feed("any", "m", "all"), CHANNELS.feed(None, "m", "all"), CHANNELS.feed("é", "m", "all")):
        assert bench.poll(channel, token) == 200
    assert bench.poll(CHANNELS.subject("ann"), token) == 403
    assert bench.ask(None, subject="me")[0] == 403


def test_a_viewer_hears_its_own_messages_alone(bench: Bench) -> None:
    """``subject=me`` is a token for the messages to the token's own subject; the answer names the feed."""
    status, given = bench.ask(bench.issuer.token(sub="ann"), subject="me")
    assert (status, f"livescore/subjects/{given['feed']}") == (200, CHANNELS.subject("ann"))
    assert bench.poll(CHANNELS.subject("ann"), given["token"]) == 200
    assert bench.poll(CHANNELS.subject("bob"), given["token"]) == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cell": "other", "competition": "open"}, 404),
        ({}, 422),
        ({"competition": "open", "subject": "me"}, 422),
        ({"subject": "ann"}, 422),
        ({"competition": "*"}, 422),
        ({"competition": "c-cup:m1"}, 422),
        ({"competition": "subjects"}, 422),
    ],
)
def test_malformed_requests_are_refused(bench: Bench, query: dict[str, str], status: int) -> None:
    """A cell of another transport is unknown, and a request names one competition or the own messages."""
    assert bench.ask(bench.issuer.token(competitions="*"), **query)[0] == status


def test_processes_share_a_token(bench: Bench) -> None:
    """However many processes ask at once, one token is made for a competition."""
    processes = [bench.access() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda each: each.token(CELL, "c-shared", ["livescore:c-shared:"]), processes))
    assert len({each.token for each in given}) == 1
    assert bench.stats()["tokens"] == 1


class CountedTable:
    """DynamoDB, which counts the reads of rows."""

    def __init__(self, dynamodb: Any) -> None:
        self.reads = 0
        self._dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def get_item(self, **asked: Any) -> Any:
        """Read a row."""
        self.reads += 1
        return self._dynamodb.get_item(**asked)


def test_a_process_answers_the_viewers_of_a_competition_from_its_memory(bench: Bench) -> None:
    """However many viewers ask a process for a competition's token, it reads one row: the route bears a crowd."""
    table = CountedTable(bench.dynamodb)
    access = replace(bench, dynamodb=table).access()
    given = {access.token(CELL, "c-crowd", ["livescore:c-crowd:"]).token for _ in range(1000)}
    assert (len(given), table.reads, bench.stats()["tokens"]) == (1, 1, 1)


def test_a_token_for_own_messages_is_in_no_memory(bench: Bench) -> None:
    """A process reads the row of the viewer's own subject each time. No name of a competition leads to it."""
    table = CountedTable(bench.dynamodb)
    access = replace(bench, dynamodb=table).access()
    own = access.own_token(CELL, "s-ann", "livescore:subjects:s-ann")
    assert access.own_token(CELL, "s-ann", "livescore:subjects:s-ann") == own
    assert table.reads == 2
    others = [access.token(CELL, "every-other", ["livescore:c-"]), access.token(CELL, "c-mine", ["livescore:c-mine:"])]
    assert own.token not in {each.token for each in others}
    assert len({each.token for each in others}) == 2


def test_a_process_that_has_waited_in_vain_does_not_wait_again_at_once(bench: Bench) -> None:
    """While Momento is down, viewers are answered after one look at the table, and the next viewer finds a process."""
    table = CountedTable(bench.dynamodb)
    access = Bench("http://127.0.0.1:9", bench.table, table, bench.issuer, bench.clock, bench.parameter).access()
    waits = []
    for _ in range(3):
        before = table.reads
        with pytest.raises(NoTokenError):
            access.token(CELL, "c-silent", ["livescore:c-silent:"])
        waits.append(table.reads - before)
    assert waits[0] > 3
    assert waits[1:] == [1, 1]
    bench.clock.moved = FAILED_SECONDS + MAKING_SECONDS
    before = table.reads
    with pytest.raises(NoTokenError):
        access.token(CELL, "c-silent", ["livescore:c-silent:"])
    assert table.reads - before > 3


def test_a_process_that_was_overtaken_makes_no_second_token(bench: Bench) -> None:
    """It has read that there is no token, and another process makes one before it claims the right to make one."""

    class Overtaken:
        """DynamoDB, whose first answer is from before the token was made."""

        reads = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(bench.dynamodb, name)

        def get_item(self, **asked: Any) -> Any:
            self.reads += 1
            return {} if self.reads == 1 else bench.dynamodb.get_item(**asked)

    first = bench.access().token(CELL, "c-overtaken", ["livescore:c-overtaken:"])
    slow = replace(bench, dynamodb=Overtaken()).access()
    assert slow.token(CELL, "c-overtaken", ["livescore:c-overtaken:"]) == first
    assert bench.stats()["tokens"] == 1


def test_a_token_is_replaced_before_it_ends(bench: Bench) -> None:
    """With a quarter of an hour left a new token is made; the old one is valid until it ends."""
    access = bench.access()
    first = access.token(CELL, "c-new", ["livescore:c-new:"])
    assert access.token(CELL, "c-new", ["livescore:c-new:"]) == first
    bench.clock.moved = 3600 - RENEWED_SECONDS + 5
    second = access.token(CELL, "c-new", ["livescore:c-new:"])
    assert second.token != first.token
    assert bench.poll(CHANNELS.feed("new", "m1", "all"), first.token) == 200


def test_an_old_token_serves_while_momento_makes_none(bench: Bench) -> None:
    """While Momento refuses, the token that is there is given until its last minute; then there is none."""
    access = bench.access()
    first = access.token(CELL, "c-down", ["livescore:c-down:"])
    broken = Bench("http://127.0.0.1:9", bench.table, bench.dynamodb, bench.issuer, bench.clock, bench.parameter)
    bench.clock.moved = 3600 - RENEWED_SECONDS + 5
    assert broken.access().token(CELL, "c-down", ["livescore:c-down:"]) == first
    bench.clock.moved = 3600 - LEAST_SECONDS + 5
    with pytest.raises(NoTokenError):
        broken.access().token(CELL, "c-down", ["livescore:c-down:"])


def test_a_key_that_momento_refuses_is_read_again(bench: Bench) -> None:
    """An operator may have stored another key. gRPC-web refuses inside HTTP 200."""
    keys = iter(["a withdrawn key", momento.API_KEY])
    ssm = SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": next(keys)}})
    cell = MomentoCell(momento.CACHE, tokens_url(bench.url), SecureParameter(bench.parameter, lambda: ssm))
    access = MomentoAccess(bench.table, bench.dynamodb, {CELL: cell}, bench.clock)
    with pytest.raises(NoTokenError):
        access.token(CELL, "c-rotated", ["livescore:c-rotated:"])
    bench.clock.moved = MAKING_SECONDS + 1
    assert access.token(CELL, "c-rotated", ["livescore:c-rotated:"]).token


def test_all_processes_together_stay_within_momentos_limit(bench: Bench) -> None:
    """Sixteen processes want sixteen tokens at once: Momento, which makes five a second, never refuses one."""

    def made(number: int) -> bool:
        try:
            bench.access().token(CELL, f"c-many-{number}", [f"livescore:c-many-{number}:"])
        except NoTokenError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(made, range(16)))
    stats = bench.stats()
    assert (stats["refused"], stats["tokens"]) == (0, sum(results))
    assert stats["tokens"] >= 2


def test_viewers_that_want_their_messages_leave_half_of_the_tokens_to_the_matches(bench: Bench) -> None:
    """In each second at most one of the two tokens is made for a single viewer: matches never wait for all viewers."""
    tokens = [bench.issuer.token(sub=f"crowd-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda token: bench.ask(token, subject="me")[0], tokens))
    rows = bench.dynamodb.query(
        TableName=bench.table,
        KeyConditionExpression="match_id = :id",
        ExpressionAttributeValues={":id": {"S": f"momento#{bench.parameter}"}},
    )["Items"]
    assert {row["made"]["N"] for row in rows} == {"1"}
    assert given.count(200) == len(rows)


def test_the_tokens_endpoint_is_momentos() -> None:
    """Tokens are made at the host of the same Momento cell that its SDK for browsers asks."""
    url = "https://api.cache.cell-us-east-1-1.prod.a.momentohq.com"
    assert tokens_url(url) == "https://web.token.cell-us-east-1-1.prod.a.momentohq.com"
