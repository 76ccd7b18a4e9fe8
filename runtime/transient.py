"""Pure: the codes with which AWS refuses a call, and whether the next try of the call may succeed.

A code that no table here has is a refusal. AccessDeniedException, UnrecognizedClientException,
InvalidSignatureException, ExpiredTokenException and ResourceNotFoundException, for example, come again at every try
until a person changes the deployment. runtime/refusals.py reports refusals and judges botocore's exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

Verdict = Literal["transient", "answer", "invalid", "refused"]
"""The meaning of an error of AWS.

``transient``: the next try may succeed. ``answer``: the service has answered the question of the call, as a failed
condition does. ``invalid``: the call itself is wrong, and the same call fails for ever. ``refused``: the deployment is
wrong (permissions, credentials, a missing table or queue, a key of KMS).
"""

EVERY_SERVICE: Final = frozenset({
    # Codes of throttling and of passing faults that botocore itself tries again, whatever the service
    # (ThrottledRetryableChecker and TransientRetryableChecker in
    # https://github.com/boto/botocore/blob/develop/botocore/retries/standard.py). LimitExceededException and
    # EC2ThrottledException are left out: the services below say throttling with another code, or with the status 429.
    "BandwidthLimitExceeded", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException",
    # Common errors of AWS with a status of 5xx
    # (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html).
    "InternalFailure", "InternalServerError", "ServiceUnavailable",
    # The clock of a thawed environment may be wrong for a moment.
    "RequestExpired", "RequestTimeTooSkewed",
})  # fmt: skip

SERVICES: Final[dict[str, frozenset[str]]] = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    "dynamodb": frozenset({
        "ProvisionedThroughputExceededException", "ReplicatedWriteConflictException", "TransactionConflictException",
        "TransactionInProgressException",
    }),
    # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
    "kinesis": frozenset({
        "InternalFailureException", "KMSThrottlingException", "ProvisionedThroughputExceededException",
    }),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html and API_ReceiveMessage.
    # SQS may name an error as its older protocol did
    # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html).
    "sqs": frozenset({"KMS.ThrottlingException", "KmsThrottled", "OverLimit"}),
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    "stepfunctions": frozenset({"ExecutionLimitExceeded", "KmsThrottlingException"}),
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    "lambda": frozenset({
        "EC2ThrottledException", "EC2UnexpectedException", "ENILimitReachedException", "ResourceConflictException",
        "ResourceNotReadyException", "ServiceException",
    }),
}  # fmt: skip
"""The codes that are transient in one service, by botocore's name of the service."""

CODES: Final = EVERY_SERVICE.union(*SERVICES.values())
"""All of them: no code is transient in one service and a refusal in another."""

REASONS: Final = frozenset({
    "None", "ConditionalCheckFailed", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict",
})  # fmt: skip
"""Reasons with which DynamoDB cancels a transaction that may succeed later
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

INVALID_REASONS: Final = frozenset({"DuplicateItem", "ItemCollectionSizeLimitExceeded", "ValidationError"})
"""Reasons with which DynamoDB cancels a transaction that can never be written. Any unknown reason is a refusal."""

ANSWERS: Final = frozenset({"ConditionalCheckFailedException", "ExecutionAlreadyExists", "GoneException"})
"""Codes that answer the question which a call asked."""

INVALID: Final = frozenset({
    "InvalidExecutionInput", "InvalidMessageContents",
    # Of IoT Core's Publish (https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_Publish.html).
    "InvalidRequestException",
    "ItemCollectionSizeLimitExceededException", "PayloadTooLargeException", "SerializationException",
    "ValidationException",
})  # fmt: skip
"""Codes that blame the content of the call: another call of the same operation may well succeed."""

CANCELED: Final = "TransactionCanceledException"
"""The code of a transaction of DynamoDB that was not done; its reasons say why."""

TOO_MANY_REQUESTS: Final = 429
GONE: Final = 410
SERVER_ERRORS: Final = 500


def verdict(code: str, status: int | None = None, reasons: Collection[str] = ()) -> Verdict:
    """The meaning of an error that a service answered with.

    ``status``: the HTTP status, None if it is not known. ``reasons``: of a canceled transaction, the codes of its
    reasons, "None" for a part that did not cancel it.
    """
    if code in CODES or (status is not None and (status == TOO_MANY_REQUESTS or status >= SERVER_ERRORS)):
        return "transient"
    if code == CANCELED:
        if not INVALID_REASONS.isdisjoint(reasons):
            return "invalid"
        if not REASONS.issuperset(reasons):
            return "refused"
        return "answer" if set(reasons) <= {"None", "ConditionalCheckFailed"} else "transient"
    if code in ANSWERS or status == GONE:
        return "answer"
    return "invalid" if code in INVALID else "refused"
