"""Errors of AWS at the edge of the functions: which of them pass, and a loud report of each that does not.

Every client of botocore and aiobotocore is watched; the sender's gateway reports a 403 itself. A call that AWS refuses,
or calls invalid, is reported where it is answered: with the event ``aws_refused`` at the level error, and with the
metric AwsRefused of the invocation. So a refusal is loud even where its caller goes on without the answer. botocore
does not try a refused call again, and neither do we wait.
"""

from __future__ import annotations

import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, which is no ConnectionError of Python
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    ParamValidationError,
    TokenRetrievalError,
)

from runtime import metrics
from runtime.transient import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.transient import Verdict

AWS_ERRORS = (ClientError, BotoCoreError, TimeoutError)
"""The errors of a call of AWS. ``judge`` says what each means."""

PASSING = (
    ConnectionError, HTTPClientError, IncompleteReadError, FlexibleChecksumError, CredentialRetrievalError,
    MetadataRetrievalError, TokenRetrievalError, OSError,
)  # fmt: skip
"""Errors that pass: the answer did not come, or not whole, or a source of credentials did not answer.

TimeoutError is an OSError."""

REPORT_SECONDS = 60.0
"""A process reports the same refusal at most once in this time: a sender may meet it four times a second."""

logger = Logger(service="aws")
_reported: dict[tuple[str, str, str, str], float] = {}
"""When a refusal was logged last, by region, service, operation and code."""
_counted: dict[tuple[str, str, str, str], float] = {}
"""When a refusal was counted last, by the same."""


def judge(error: Exception) -> Verdict:
    """The meaning of one of ``AWS_ERRORS``, or of an OSError."""
    if isinstance(error, ClientError):
        return _judge_answer(error.response)
    if isinstance(error, PASSING):
        return "transient"
    return "invalid" if isinstance(error, ParamValidationError) else "refused"


def _judge_answer(answer: Mapping[str, Any]) -> Verdict:
    """The same for an answer of botocore that is an error."""
    reasons = [each.get("Code", "None") for each in answer.get("CancellationReasons", [])]
    return verdict(answer["Error"]["Code"], answer.get("ResponseMetadata", {}).get("HTTPStatusCode"), reasons)


def watch(client: Any) -> None:
    """Report each refusal that this client of botocore or aiobotocore meets."""
    region: str = client.meta.region_name

    def answered(parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        if "Error" in parsed and _judge_answer(parsed) in ("refused", "invalid"):
            said = parsed["Error"]
            report(region, model.service_model.service_name, model.name, said["Code"], said.get("Message", ""))

    def failed(exception: Exception, event_name: str, **_: Any) -> None:
        # Before anything was sent: without credentials, for example.
        if isinstance(exception, AWS_ERRORS) and judge(exception) in ("refused", "invalid"):
            service, operation = event_name.split(".")[1:]
            report(region, service, operation, type(exception).__name__, str(exception))

    # Written out, the name would be taken for a method of the ledger's by the check of IAM policies (tests/terraform).
    heard = attrgetter("meta.events")(client)
    heard.register("after-call", answered)
    heard.register("after-call-error", failed)


def report(region: str, service: str, operation: str, code: str, message: str) -> None:
    """Report a call that AWS has refused, unless it was reported within ``REPORT_SECONDS``."""
    refusal, now = (region, service, operation, code), time.monotonic()
    if now - _reported.get(refusal, -REPORT_SECONDS) >= REPORT_SECONDS:
        _reported[refusal] = now
        logger.error("aws_refused", region=region, aws_service=service, operation=operation, code=code, reason=message)
    # In INIT no invocation runs that could count it: then the next refusal counts.
    if now - _counted.get(refusal, -REPORT_SECONDS) >= REPORT_SECONDS and metrics.note("AwsRefused"):
        _counted[refusal] = now
