"""The codes of AWS that another try may not meet again, and those that it will."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from botocore.session import Session

from runtime.transient import ANSWERS, CODES, INVALID, SERVICES, verdict


@pytest.mark.parametrize(
    "code",
    [
        "AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
        "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "NotAuthorized",
        "OptInRequired", "ResourceNotFoundException", "StateMachineDoesNotExist", "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue", "KMSDisabledException", "KmsAccessDeniedException", "a code of 2031",
    ],
)  # fmt: skip
def test_a_refusal_is_not_transient(code: str) -> None:
    """Promise: missing rights, wrong credentials, a missing table or key, and unknown codes are refusals."""
    assert verdict(code, 400) == verdict(code, 403) == verdict(code) == "refused"


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestThrottled", "KMS.ThrottlingException"],
)
def test_throttling_is_transient(code: str) -> None:
    """Promise: a service that is asked too often is asked again."""
    assert verdict(code, 400) == verdict(code) == "transient"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 509])
def test_a_status_says_that_an_error_passes(status: int) -> None:
    """Promise: 429 and every 5xx are transient, whatever their code is."""
    assert verdict("a code of 2031", status) == verdict("AccessDenied", status) == "transient"


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        ((), "answer"),
        (("None", "ConditionalCheckFailed"), "answer"),
        (("TransactionConflict", "None"), "transient"),
        (("ConditionalCheckFailed", "ThrottlingError"), "transient"),
        (("None", "ProvisionedThroughputExceeded"), "transient"),
        (("TransactionConflict", "ValidationError"), "invalid"),
        (("ItemCollectionSizeLimitExceeded",), "invalid"),
        (("AccessDenied", "None"), "refused"),
        (("a reason of 2031",), "refused"),
    ],
)
def test_a_canceled_transaction_says_why(reasons: tuple[str, ...], meaning: str) -> None:
    """Promise: a transaction that DynamoDB canceled passes, unless a part of it can never be written."""
    assert verdict("TransactionCanceledException", 400, reasons) == meaning


@pytest.mark.parametrize(
    "code",
    [
        "ValidationException",
        "SerializationException",
        "PayloadTooLargeException",
        "InvalidExecutionInput",
        "InvalidRequestException",
    ],
)
def test_a_call_that_is_wrong_is_invalid(code: str) -> None:
    """Promise: an error that blames the content of a call is no error of the deployment."""
    assert verdict(code, 400) == "invalid"


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException", "ExecutionAlreadyExists", "GoneException"])
def test_an_answer_is_no_error(code: str) -> None:
    """Promise: a failed condition is the answer of DynamoDB to the condition."""
    assert verdict(code, 400) == "answer"
    assert verdict("410", 410) == "answer"


def test_no_code_has_two_meanings() -> None:
    """The tables of codes have none in common."""
    assert not CODES & ANSWERS
    assert not CODES & INVALID
    assert not ANSWERS & INVALID


def test_codes_that_botocore_tries_again_are_transient() -> None:
    """Every code after which botocore tries again is transient here, but for one that runtime/transient.py explains."""
    lists: tuple[Any, Any] = (ThrottledRetryableChecker, TransientRetryableChecker)
    tried = {*lists[0]._THROTTLED_ERROR_CODES, *lists[1]._TRANSIENT_ERROR_CODES}  # noqa: SLF001
    assert tried - CODES == {"LimitExceededException"}


def test_services_define_their_codes() -> None:
    """Botocore's model of a service has each of its codes, but for a name of SQS's older protocol."""
    session = Session()
    for name, codes in SERVICES.items():
        shapes = {shape.name for shape in session.get_service_model(name).error_shapes}
        assert codes - shapes <= {"KMS.ThrottlingException"}, name


def test_every_modelled_fault_of_a_service_is_transient() -> None:
    """An error that the model of a service calls its own fault is transient, by its code or by its status of 5xx."""
    session = Session()
    found = set()
    for name in SERVICES:
        shapes: Any = session.get_service_model(name).error_shapes
        for shape in shapes:
            # ``metadata`` leaves "fault" out.
            if shape._shape_model.get("fault"):  # noqa: SLF001
                error = shape.metadata.get("error", {})
                assert verdict(shape.name, error.get("httpStatusCode")) == "transient", shape.name
                found.add(shape.name)
    assert {"InternalServerError", "InternalFailureException"} <= found
