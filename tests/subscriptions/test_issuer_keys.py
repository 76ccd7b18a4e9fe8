"""The issuer's keys, from a real HTTP server and with a clock of the test's."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from subscriptions.issuer_keys import DOCUMENT_BYTES, FRESH_SECONDS, KEPT_SECONDS, FetchError, KeySet, fetch
from subscriptions.token_verification import HandshakeRefusedError
from tests.issuer import Issuer, KeyServer, new_key, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator


class Scene:
    """An issuer, its server, and a key set that reads it at the test's time."""

    def __init__(self, server: KeyServer) -> None:
        self.server = server
        self.issuer = server.issuer
        self.now = 1000.0
        self.said: list[str] = []
        self.keys = KeySet(lambda: fetch(server.url), self.said.append, lambda: self.now)

    def knows(self, kid: str) -> bool:
        """Whether a key is there."""
        try:
            self.keys.key(kid)
        except HandshakeRefusedError:
            return False
        return True


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A new issuer, at a thousand seconds."""
    with serving_keys(Issuer()) as server:
        yield Scene(server)


def test_keys_are_fetched_once(scene: Scene) -> None:
    """Any number of tokens cost one request."""
    assert scene.server.asked == 0
    assert all(scene.knows(kid) for kid in ("rsa", "ec", "rsa"))
    assert scene.server.asked == 1


def test_an_early_fetch_that_fails_does_not_delay_the_first_token(scene: Scene) -> None:
    """Promise: keys that INIT could not fetch are fetched for the first token, and then not a second time."""
    scene.server.status = 500
    scene.keys.fetch_early()
    scene.server.status = 200
    assert scene.knows("rsa")
    scene.keys.fetch_early()
    assert scene.knows("ec")
    assert scene.server.asked == 2


def test_a_new_key_is_believed_at_once(scene: Scene) -> None:
    """The issuer has changed its keys: a token with the new one is verified, a minute after the last request."""
    assert scene.knows("rsa")
    scene.issuer.keys["new"] = new_key()
    scene.now += 60
    assert scene.knows("new")
    assert scene.server.asked == 2


def test_unknown_keys_ask_at_most_once_a_minute(scene: Scene) -> None:
    """A thousand forged key ids within a minute make no request but one, and the good keys go on."""
    assert scene.knows("rsa")
    for second in range(120):
        scene.now = 1000 + second
        assert not any(scene.knows(f"forged-{second}-{number}") for number in range(10))
        assert scene.knows("rsa")
    assert scene.server.asked == 2  # at 1000 and at 1060


def test_a_key_that_was_taken_back_is_forgotten(scene: Scene) -> None:
    """Keys are fetched again when they are old, though every token names one that is there."""
    assert scene.knows("ec")
    del scene.issuer.keys["ec"]
    scene.now += FRESH_SECONDS - 1
    assert scene.knows("ec")
    scene.now += 1
    assert not scene.knows("ec")
    assert scene.knows("rsa")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (302, b""),
        (200, b"not JSON"),
        (200, b'{"no":"keys"}'),
        (200, b'{"keys":[]}'),
        (200, b'{"keys":[{"kty":"oct","kid":"rsa"}]}'),
    ],
)
def test_old_keys_are_used_while_the_issuer_fails(scene: Scene, status: int, body: bytes) -> None:
    """However it fails it is asked once a minute, the log says so, and when it is back its new keys are believed."""
    assert scene.knows("rsa")
    scene.server.status, scene.server.body = status, body
    scene.issuer.keys["new"] = new_key()
    for second in range(int(FRESH_SECONDS), int(FRESH_SECONDS) + 120):
        scene.now = 1000 + second
        assert scene.knows("rsa")
        assert not scene.knows("new")
    assert scene.server.asked == 3
    assert len(scene.said) == 2
    scene.server.status, scene.server.body = 200, None
    scene.now += 60
    assert scene.knows("new")


def test_keys_that_cannot_be_renewed_are_not_used_for_ever(scene: Scene) -> None:
    """After an hour without an answer nobody is let in; it asks as often as without any keys, until they come."""
    assert scene.knows("rsa")
    scene.server.status = 503
    scene.now = 1000 + KEPT_SECONDS - 1
    assert scene.knows("rsa")
    scene.now += 1
    assert not scene.knows("rsa")
    asked = scene.server.asked
    scene.server.status = 200
    scene.now += 3
    assert not scene.knows("rsa")
    scene.now += 1  # five seconds after the last request
    assert scene.knows("rsa")
    assert scene.server.asked == asked + 1


def test_nobody_waits_for_a_key_that_is_there() -> None:
    """While one token has the stale keys renewed, and the issuer takes its time, others go on with what is there."""
    document = json.dumps(Issuer().key_set()).encode()
    begun, go_on, now = threading.Event(), threading.Event(), 1000.0

    def slowly() -> bytes:
        begun.set()
        assert go_on.wait(20)
        return document

    go_on.set()
    keys = KeySet(slowly, lambda _: None, lambda: now)
    old = keys.key("rsa")
    go_on.clear()
    begun.clear()
    now += FRESH_SECONDS
    with ThreadPoolExecutor(3) as pool:
        renewing = pool.submit(keys.key, "rsa")
        assert begun.wait(20)
        going_on = pool.submit(keys.key, "rsa")
        try:
            assert going_on.result(10) is old
            assert not renewing.done()
        finally:
            go_on.set()
        assert renewing.result(20) is not old


def test_without_any_key_it_asks_more_often(scene: Scene) -> None:
    """An issuer that was down when the function started keeps everybody out for seconds, not for a minute."""
    scene.server.status = 503
    assert not any(scene.knows("rsa") for _ in range(10))
    assert scene.server.asked == 1
    scene.server.status = 200
    scene.now += 4.9
    assert not scene.knows("rsa")
    scene.now += 0.1
    assert scene.knows("rsa")


def test_many_threads_ask_once(scene: Scene) -> None:
    """A thread that comes while the keys are fetched waits for them, and does not fetch them too."""
    gate = threading.Barrier(8)

    def look(_: int) -> bool:
        gate.wait()
        return scene.knows("rsa")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(8)))
    assert scene.server.asked == 1


def test_a_document_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends a byte now and then, each in time, holds nobody up for longer than the fetch may take."""
    monkeypatch.setattr("subscriptions.issuer_keys.FETCH_SECONDS", 0.1)
    given_up = threading.Event()

    def trickle(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer, contextlib.suppress(OSError):
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            while not given_up.wait(0.02):
                peer.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        trickling = pool.submit(trickle, server)
        try:
            with pytest.raises(FetchError, match="too slowly"):
                fetch(f"http://127.0.0.1:{server.getsockname()[1]}/keys.json")
        finally:
            given_up.set()
        trickling.result(20)


def test_what_cannot_be_fetched_is_said_without_its_content(scene: Scene) -> None:
    """Nobody listens, too long, redirected, no URL: each is a FetchError that repeats nothing."""
    scene.server.body = b"x" * (DOCUMENT_BYTES + 1)
    with pytest.raises(FetchError, match="too long"):
        fetch(scene.server.url)
    scene.server.status = 302
    with pytest.raises(FetchError, match="status 302"):
        fetch(scene.server.url)
    for url in ("http://127.0.0.1:9/keys.json", "", "file:///etc/passwd", "http://"):
        with pytest.raises(FetchError):
            fetch(url)
