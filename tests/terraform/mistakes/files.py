"""Mistakes in the code, the description, the state machine and the runbooks."""

from __future__ import annotations

from tests.terraform import beyond_ministack, event_sources, functions, policies, storage, watching
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
    MistakeInAFile(
        "six-minutes", beyond_ministack.execution_time, ASL, '"TimeoutSeconds": 295', '"TimeoutSeconds": 360', "360"
    ),
    MistakeInAFile(
        "hands-over-too-late",
        beyond_ministack.execution_time,
        "terraform/system.json",
        '"hand_over_seconds": {"default": 160',
        '"hand_over_seconds": {"default": 280',
        "280",
    ),
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
