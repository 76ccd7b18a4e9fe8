"""Calls that AWS refuses: botocore's real errors from a real socket, and the report of them."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
)

from broadcaster.send.dynamodb_client import make
from runtime import aws, refusals
from runtime.metrics import Metrics
from runtime.refusals import judge
from tests.refusing_service import refusing_service
from tests.silent_service import silent_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "us-east-1"
KEY: Any = {"TableName": "matches", "Key": {"match_id": {"S": "m"}, "item": {"S": "state"}}}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Reads the lines about refusals, of which none has been reported yet."""
    monkeypatch.setattr(refusals, "_reported", {})
    monkeypatch.setattr(refusals, "_counted", {})
    log, logger = io.StringIO(), logging.getLogger(refusals.logger.name)
    handler = logging.StreamHandler(log)
    handler.setFormatter(refusals.logger.registered_formatter)
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in log.getvalue().splitlines()]
    logger.removeHandler(handler)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes a client as a function has it, for a service at a URL."""

    def dynamodb(url: str) -> Any:
        for name, value in {
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S",
            "AWS_DEFAULT_REGION": REGION,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        return aws.dynamodb.__wrapped__(REGION, "hurried")

    return dynamodb


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "ResourceNotFoundException", "ValidationException"]
)
def test_a_refusal_is_loud_at_once(code: str, lines: Any, dynamodb: Any) -> None:
    """Promise: a call that AWS refuses is tried once, and reported at the level error with its service and its code."""
    with refusing_service(code) as service:
        with pytest.raises(ClientError, match=code):
            dynamodb(service.url).get_item(**KEY)
        assert service.calls == 1
    [line] = lines()
    assert (line["level"], line["message"]) == ("ERROR", "aws_refused")
    assert (line["aws_service"], line["operation"], line["code"]) == ("dynamodb", "GetItem", code)
    assert (line["region"], line["reason"]) == (REGION, f"{code} for a test")


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("InternalServerError", 500), ("ConditionalCheckFailedException", 400)],
)
def test_an_error_that_passes_is_no_refusal(code: str, status: int, lines: Any, dynamodb: Any) -> None:
    """Promise: neither what another try may not meet, nor an answer of DynamoDB, is reported as a refusal."""
    with refusing_service(code, status) as service, pytest.raises(ClientError, match=code) as raised:
        dynamodb(service.url).get_item(**KEY)
    assert judge(raised.value) == ("answer" if code.startswith("Conditional") else "transient")
    assert lines() == []


def test_one_refusal_is_one_line_a_minute(lines: Any, dynamodb: Any) -> None:
    """A sender that is refused four times a second fills no log, and each code has a line of its own."""
    with refusing_service("AccessDeniedException") as service:
        db = dynamodb(service.url)
        for code in ("AccessDeniedException", "AccessDeniedException", "ExpiredTokenException"):
            service.code = code
            with pytest.raises(ClientError):
                db.get_item(**KEY)
    assert [line["code"] for line in lines()] == ["AccessDeniedException", "ExpiredTokenException"]


def test_a_refusal_that_lasts_is_reported_each_minute(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that lasts for hours has a line in every minute."""
    for at in (1_000.0, 1_059.9, 1_060.0, 1_119.9, 1_120.0):
        monkeypatch.setattr("runtime.refusals.time.monotonic", lambda at=at: at)
        refusals.report(REGION, "dynamodb", "GetItem", "AccessDeniedException", "no")
    assert len(lines()) == 3


def test_a_refusal_counts_in_the_metrics(
    lines: Any, dynamodb: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: an invocation that AWS has refused something has the metric AwsRefused, though it ends well."""
    monkeypatch.setenv("DEPLOYMENT", "north")
    metrics = Metrics("routes")
    with refusing_service("AccessDeniedException") as service:
        db = dynamodb(service.url)

        @metrics.publish_after
        def handler() -> None:
            with pytest.raises(ClientError):
                db.get_item(**KEY)

        handler()
    [line] = [json.loads(each) for each in capsys.readouterr().out.splitlines() if "_aws" in each]
    assert (line["service"], line["AwsRefused"]) == ("routes", [1.0])


def test_a_call_without_credentials_is_refused(lines: Any, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a function without credentials says so at once, and is not taken for a network that fails."""
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    with refusing_service("none") as service:
        monkeypatch.setattr(aws, "_session", aws._session.__wrapped__)  # noqa: SLF001
        with pytest.raises(NoCredentialsError) as raised:
            dynamodb(service.url).get_item(**KEY)
        assert service.calls == 0
    assert judge(raised.value) == "refused"
    [line] = lines()
    assert (line["aws_service"], line["operation"], line["code"]) == ("dynamodb", "GetItem", "NoCredentialsError")


async def test_a_senders_client_is_watched_as_well(lines: Any, dynamodb: Any) -> None:
    """Promise: what DynamoDB refuses a sender is reported, a query that orjson decodes included."""
    with refusing_service("AccessDeniedException") as service:
        dynamodb(service.url)
        sender = await make(REGION)
        try:
            with pytest.raises(ClientError):
                await sender.client.get_item(**KEY)
            with pytest.raises(ClientError):
                await sender.client.query(TableName="subscriptions", KeyConditionExpression="pk = :pk")
        finally:
            await sender.client.close()
    assert [(line["operation"], line["code"]) for line in lines()] == [
        ("GetItem", "AccessDeniedException"), ("Query", "AccessDeniedException"),
    ]  # fmt: skip


def test_an_answer_that_does_not_come_is_transient(lines: Any) -> None:
    """Promise: a call whose connection fails, or that nobody answers, is not refused."""
    with silent_service() as silent:
        client = silent.client("dynamodb", 1)
        refusals.watch(client)
        with pytest.raises(BotoCoreError) as raised:
            client.get_item(**KEY)
        assert judge(raised.value) == "transient"
    with pytest.raises(BotoCoreError) as raised:
        client.get_item(**KEY)
    assert judge(raised.value) == "transient"
    assert judge(TimeoutError("late")) == "transient"
    assert lines() == []


def test_a_call_that_cannot_be_built_is_invalid(dynamodb: Any) -> None:
    """A call with parameters of the wrong type fails for ever: it is neither transient nor a refusal."""
    with pytest.raises(ParamValidationError) as raised:
        dynamodb("http://127.0.0.1:1").get_item(TableName="matches", Key=7)
    assert judge(raised.value) == "invalid"


def test_a_source_of_credentials_that_does_not_answer_is_transient() -> None:
    """Promise 6: credentials that cannot be fetched at this moment refuse nothing; the next call asks again."""
    assert judge(CredentialRetrievalError(provider="container", error_msg="timed out")) == "transient"


def test_a_refusal_before_the_first_invocation_does_not_hide_the_next(
    lines: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal in INIT, where nothing counts, leaves the metric to the next refusal in an invocation."""
    monkeypatch.setenv("DEPLOYMENT", "test")

    def refuse() -> None:
        refusals.report(REGION, "dynamodb", "GetItem", "AccessDeniedException", "no")

    refuse()
    assert "AwsRefused" not in capsys.readouterr().out
    Metrics("watchdog").publish_after(refuse)()
    assert "AwsRefused" in capsys.readouterr().out
    assert len(lines()) == 1
