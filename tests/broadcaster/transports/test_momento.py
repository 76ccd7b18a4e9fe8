"""Messages to Momento Topics, and the meaning of its answers, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionError  # noqa: A004  # botocore's own

from broadcaster.transports import signed_http
from broadcaster.transports.description import CellDescription
from broadcaster.transports.momento import MomentoTopics, make_service, topic
from broadcaster.transports.transport import Clients
from runtime import aws, refusals
from runtime.secure_parameter import SecureParameter
from tests.broadcaster.transports.http_service import http_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broadcaster.transports.http_service import HttpService

CHANNEL = "livescore/c-world-cup-2022/wc22-final/all"


class Keys:
    """A client of ``ssm`` that gives key 1, key 2 and so on."""

    def __init__(self) -> None:
        self.read = 0

    def get_parameter(self, **asked: Any) -> Any:
        """The next key."""
        assert asked == {"Name": "/momento", "WithDecryption": True}
        self.read += 1
        return {"Parameter": {"Value": f"key {self.read}"}}


@pytest.fixture
def service() -> Iterator[HttpService]:
    """A service on loopback."""
    with http_service() as service:
        service.say((204, b""))
        yield service


@pytest.fixture
def keys() -> Keys:
    """The parameter with the key."""
    return Keys()


@pytest.fixture
def momento(service: HttpService, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> MomentoTopics:
    """Momento's side of the service."""
    monkeypatch.setattr(signed_http, "PAUSE_SECONDS", 0.001)
    return MomentoTopics(service.url, "my cache", "eu-west-1", SecureParameter("/momento", lambda: keys))


def test_a_frame_is_the_body_of_a_post_to_the_topic(momento: MomentoTopics, service: HttpService, keys: Keys) -> None:
    """The topic is the channel with colons, the body is the frame, the key is read once, and nothing is signed."""
    for frame in (b"{}", b'{"a":1}'):
        momento.publish(CHANNEL, frame)
    first, second = service.requests
    assert first.target == "/topics/my%20cache/livescore%3Ac-world-cup-2022%3Awc22-final%3Aall"
    assert (first.body, second.body) == (b"{}", b'{"a":1}')
    assert (first.headers["authorization"], first.headers["content-type"]) == ("key 1", "text/plain")
    assert keys.read == 1


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(429, "transient"), (500, "transient"), (401, "refused"), (403, "refused"), (404, "refused")],
)
def test_each_status_has_its_meaning(momento: MomentoTopics, service: HttpService, status: int, meaning: str) -> None:
    """A limit and a failure may pass; a key that is not accepted and an unknown cache need a person."""
    service.say((status, b'{"error":"no"}'))
    with pytest.raises(ClientError) as raised:
        momento.publish(CHANNEL, b"{}")
    assert refusals.judge(raised.value) == meaning
    assert "key 1" not in str(raised.value)


def test_a_refused_key_is_read_again(momento: MomentoTopics, service: HttpService, keys: Keys) -> None:
    """After a 401 the next frame reads the parameter again: an operator may have stored another key."""
    service.say((401, b""), (204, b""))
    with pytest.raises(ClientError):
        momento.publish(CHANNEL, b"{}")
    momento.publish(CHANNEL, b"{}")
    assert [each.headers["authorization"] for each in service.requests] == ["key 1", "key 2"]
    assert keys.read == 2


def test_a_service_that_is_down_is_a_passing_error(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is an error that passes."""
    monkeypatch.setattr(signed_http, "PAUSE_SECONDS", 0.001)
    with http_service() as service:
        url = service.url
    momento = MomentoTopics(url, "cache", "eu-west-1", SecureParameter("/momento", lambda: keys))
    with pytest.raises(ConnectionError) as raised:
        momento.publish(CHANNEL, b"{}")
    assert refusals.judge(raised.value) == "transient"


def test_a_topic_is_one_segment_of_a_path() -> None:
    """A channel's slashes become colons, so a topic is one segment, and two channels never share a topic."""
    assert topic("a/b/all") == "a%3Ab%3Aall"
    assert "/" not in topic(CHANNEL)


def test_a_key_with_a_new_line_is_in_no_error(service: HttpService) -> None:
    """A key that no header takes is refused without the key, and nothing is sent."""

    class Broken(Keys):
        def get_parameter(self, **_: Any) -> Any:
            return {"Parameter": {"Value": "secret\nkey"}}

    momento = MomentoTopics(service.url, "cache", "eu-west-1", SecureParameter("/momento", Broken))
    with pytest.raises(ClientError) as raised:
        momento.publish(CHANNEL, b"{}")
    assert refusals.judge(raised.value) == "refused"
    assert "secret" not in str(raised.value)
    assert not service.requests


def test_the_key_is_read_by_the_client_that_waits_least(
    service: HttpService, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Systems Manager that hangs holds a publish for seconds, not for half a minute."""
    monkeypatch.setattr(aws, "ssm", lambda: keys)
    texts = {"url": service.url, "cache": "cache", "api_key_parameter": "/momento"}
    description = CellDescription("mo", "eu-west-1", "momento", "-mo", texts)
    made = make_service(description, Clients(None, None, None, None, None))  # type: ignore[arg-type]
    made.publish(CHANNEL, b"{}")
    assert service.requests[0].headers["authorization"] == "key 1"
