"""Mistakes in the code, the description, the state machine and the runbooks."""

from __future__ import annotations

from tests.terraform import beyond_ministack, event_sources, functions, policies, retries, storage, watching
from tests.terraform.mistakes.making import MistakeInAFile

ASL = "broadcaster/broadcast.asl.json"
MISTAKES = [
    MistakeInAFile(
        "code-reads-another-variable",
        functions.environments,
        "matches/api.py",
        'setting("STREAM")',
        'setting("STREAM_NAME")',
        "reads STREAM_NAME",
    ),
    MistakeInAFile(
        "code-calls-something-new",
        policies.of_functions,
        "matches/api.py",
        "aws.kinesis().put_record(",
        "aws.dynamodb().batch_write_item(), aws.kinesis().put_record(",
        "calls dynamodb:BatchWriteItem",
    ),
    MistakeInAFile(
        "another-state-machine",
        storage.state_machines,
        ASL,
        '"StartAt"',
        '"Comment2": "", "StartAt"',
        "is not broadcaster",
    ),
    MistakeInAFile(
        "only-ministacks-error",
        beyond_ministack.error_names,
        ASL,
        '"States.ALL"',
        '"Runtime.HandlerError"',
        "MiniStack",
    ),
    MistakeInAFile(
        "siblings-are-stopped", beyond_ministack.map_siblings, ASL, '"States.ALL"', '"States.TaskFailed"', "siblings"
    ),
    MistakeInAFile("six-minutes", retries.execution_time, ASL, '"TimeoutSeconds": 295', '"TimeoutSeconds": 360', "360"),
    MistakeInAFile(
        "hands-over-too-late",
        retries.execution_time,
        "terraform/system.json",
        '"hand_over_seconds": {"default": 100',
        '"hand_over_seconds": {"default": 110',
        "110",
    ),
    MistakeInAFile("pauses-without-a-bound", retries.lease, ASL, '"MaxDelaySeconds": 8,', "", "the lease lasts 60.0 s"),
    MistakeInAFile(
        "a-lease-that-ends-before-the-first-sender",
        retries.lease,
        "terraform/system.json",
        '"lease_seconds": {"default": 90',
        '"lease_seconds": {"default": 88',
        "a lease of 88 s",
    ),
    MistakeInAFile(
        "senders-renew-too-late",
        retries.lease,
        "broadcaster/carousel.py",
        "lease_seconds * 2 / 3",
        "lease_seconds / 3",
        "do not renew",
    ),
    MistakeInAFile(
        "a-busy-function-fails-a-batch", retries.busy_functions, ASL, '"MaxAttempts": 8', '"MaxAttempts": 3', "3 times"
    ),
    MistakeInAFile(
        "an-error-of-lambda-fails-a-batch",
        retries.busy_functions,
        ASL,
        '"Lambda.SdkClientException"',
        '"Lambda.SomeException"',
        "Lambda.SdkClientException",
    ),
    MistakeInAFile(
        "every-error-before-another",
        retries.errors_that_are_tried_again,
        ASL,
        '"Lambda.ServiceException"',
        '"States.ALL"',
        "must be alone and last",
    ),
    MistakeInAFile(
        "a-failed-condition-is-tried-again",
        retries.errors_that_are_tried_again,
        ASL,
        '"MaxAttempts": 0',
        '"MaxAttempts": 4',
        "which is an answer",
    ),
    MistakeInAFile(
        "an-error-is-not-tried-again",
        retries.errors_that_are_tried_again,
        ASL,
        '"States.ALL"',
        '"DynamoDB.ThrottlingException"',
        "gives up at once",
    ),
    MistakeInAFile("one-partition", retries.partition, ASL, "arn:${partition}:", "arn:aws:", "is of one partition"),
    MistakeInAFile(
        "executions-described",
        beyond_ministack.described_executions,
        "broadcaster/starter.py",
        ".start_execution(",
        ".describe_execution(",
        "describe_execution",
    ),
    MistakeInAFile(
        "left-overs-forgotten",
        beyond_ministack.unprocessed,
        "broadcaster/pruning.py",
        "UnprocessedItems",
        "Unprocessed",
        "left over",
    ),
    MistakeInAFile(
        "capacity-counted",
        beyond_ministack.consumed_capacity,
        "subscriptions/store.py",
        '"Items"',
        '"ConsumedCapacity"',
        "ConsumedCapacity",
    ),
    MistakeInAFile(
        "message-shown-twice",
        event_sources.visibility,
        "terraform/system.json",
        '"visibility_timeout": 30',
        '"visibility_timeout": 3',
        "shows a message again",
    ),
    MistakeInAFile(
        "failed-items-not-named",
        event_sources.partial_answers,
        "broadcaster/watchdog.py",
        "batchItemFailures",
        "failures",
        "names no failed items",
    ),
    MistakeInAFile(
        "runbook-renamed",
        watching.runbooks,
        "docs/operations.md",
        "### set-aside-batches",
        "### batches",
        "no section #set-aside-batches",
    ),
    MistakeInAFile(
        "runbook-of-no-alarm",
        watching.runbooks,
        "docs/operations.md",
        "### set-aside-batches",
        "### nobody-comes\n\n### set-aside-batches",
        "#nobody-comes",
    ),
]
