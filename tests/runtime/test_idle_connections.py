"""Connections to AWS that are kept from one invocation to the next: what a freeze does to them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from botocore.exceptions import SSLError

from broadcaster.send.dynamodb_client import Client, make
from runtime import aws, tls_context
from runtime.thaw import IDLE_SECONDS, Usage
from subscriptions.issuer_keys import fetch
from tests.forgetting_service import ForgettingService, forgetting_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "us-east-1"
KEY: Any = {"TableName": "matches", "Key": {"match_id": {"S": "m"}, "item": {"S": "state"}}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock by which connections grow old; its only value is the time."""
    now = [0.0]
    monkeypatch.setattr(aws, "Usage", lambda: Usage(lambda: now[0]))
    return now


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgettingService]:
    """A service that clients of this process find."""
    with forgetting_service() as service:
        _point_at(service, monkeypatch)
        yield service


def _point_at(service: ForgettingService, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": service.url, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S",
        "AWS_DEFAULT_REGION": REGION,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def dynamodb(patience: aws.Patience = "hurried") -> Any:
    """A client as the functions have it, made for this test."""
    return aws.dynamodb.__wrapped__(REGION, patience)


def test_calls_that_follow_each_other_share_a_connection(service: ForgettingService, clock: list[float]) -> None:
    """Promise: a connection is kept while it is used."""
    db = dynamodb()
    for _ in range(5):
        db.get_item(**KEY)
        clock[0] += IDLE_SECONDS
    assert service.opened == 1


def test_a_connection_that_died_in_a_long_freeze_is_not_used(service: ForgettingService, clock: list[float]) -> None:
    """Promise: after more than 50 seconds a call waits for no answer on an old connection: it opens a new one."""
    db = dynamodb()
    db.get_item(**KEY)
    service.forget()
    clock[0] += IDLE_SECONDS + 1
    db.get_item(**KEY)
    assert (service.opened, service.swallowed) == (2, 0)


def test_a_connection_that_died_in_a_short_freeze_costs_one_try(service: ForgettingService, clock: list[float]) -> None:
    """Promise: a dead connection that is young enough to be used delays a call by its time-out, and loses nothing."""
    db = dynamodb()
    db.get_item(**KEY)
    service.forget()
    db.get_item(**KEY)
    assert (service.opened, service.swallowed) == (2, 1)


async def test_a_senders_client_opens_new_connections_after_a_freeze(service: ForgettingService) -> None:
    """Promise: the sender reads and writes on new connections after a long freeze, and on the old one before."""
    now = [0.0]
    made = Client((await make(REGION)).client, Usage(lambda: now[0]))
    await made.client.get_item(**KEY)
    now[0] += IDLE_SECONDS
    await made.freshen()
    await made.client.get_item(**KEY)
    assert service.opened == 1
    service.forget()
    now[0] += 1
    await made.freshen()
    await made.client.get_item(**KEY)
    assert (service.opened, service.swallowed) == (2, 0)
    await made.client.close()


def test_the_issuers_keys_are_fetched_on_a_connection_of_their_own(service: ForgettingService) -> None:
    """Promise: ten minutes after a fetch of the keys no connection of it is left that the next one could try."""
    fetch(service.url)
    service.forget()
    fetch(service.url)
    assert (service.opened, service.swallowed) == (2, 0)


@pytest.fixture
def authority() -> trustme.CA:
    """An authority that signs the service's certificate."""
    return trustme.CA()


@pytest.fixture
def behind_tls(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgettingService]:
    """The service over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with forgetting_service(context) as service:
        _point_at(service, monkeypatch)
        yield service


async def test_a_bundle_of_certificates_is_read_once(
    behind_tls: ForgettingService,
    authority: trustme.CA,
    clock: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Promise: all clients of a process share what they have read, so a new connection reads no file again."""
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    db = dynamodb()
    bundle.unlink()
    for _ in range(2):
        db.get_item(**KEY)
        clock[0] += IDLE_SECONDS + 1
    made = await make(REGION)
    await made.client.get_item(**KEY)
    await made.client.close()
    assert behind_tls.opened == 3


async def test_an_authority_that_is_not_in_the_bundle_is_not_trusted(
    behind_tls: ForgettingService, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: sharing what was read makes no client trust more than botocore's bundle."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with pytest.raises(SSLError):
        dynamodb("once").get_item(**KEY)
    made = await make(REGION)
    with pytest.raises(SSLError):
        await made.client.get_item(**KEY)
    await made.client.close()
    assert tls_context.context(None).minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_a_certificate_of_another_host_is_not_trusted(
    behind_tls: ForgettingService,
    authority: trustme.CA,
    clock: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Promise: no client talks to a host whose certificate names another one. aiobotocore's own context would."""
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_ENDPOINT_URL", behind_tls.url.replace("localhost", "127.0.0.1"))
    with pytest.raises(SSLError):
        dynamodb("once").get_item(**KEY)
    made = await make(REGION)
    with pytest.raises(SSLError):
        await made.client.get_item(**KEY)
    await made.client.close()
