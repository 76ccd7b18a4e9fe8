"""Mistakes in tables, queues and state machines."""

from __future__ import annotations

from tests.terraform import storage
from tests.terraform.mistakes.making import CELL, MACHINE, Mistake, gone, text, with_values

MISTAKES = [
    Mistake(
        "changed-key",
        storage.tables,
        with_values(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', range_key="connection"),
        "in the description",
    ),
    Mistake(
        "no-expiry",
        storage.tables,
        with_values(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', ttl=[]),
        "in the description",
    ),
    Mistake(
        "index-missing",
        storage.tables,
        with_values(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', global_secondary_index=[]),
        "in the description",
    ),
    Mistake(
        "provisioned-table",
        storage.tables,
        with_values("module.ledger.aws_dynamodb_table.this", billing_mode="PROVISIONED"),
        "on demand",
    ),
    Mistake(
        "warm-throughput-stated",
        storage.tables,
        with_values(
            "module.ledger.aws_dynamodb_table.this",
            warm_throughput=[{"read_units_per_second": 12000, "write_units_per_second": 4000}],
        ),
        "a plan would replace it",
    ),
    Mistake(
        "no-restoring",
        storage.tables,
        with_values("module.ledger.aws_dynamodb_table.this", point_in_time_recovery=[{"enabled": False}]),
        "point in time",
    ),
    Mistake(
        "table-missing",
        storage.tables,
        gone(f'{CELL}.module.table["broadcasts"].aws_dynamodb_table.this'),
        "no table broadcasts",
    ),
    Mistake(
        "queue-forgets",
        storage.queues,
        with_values('aws_sqs_queue.this["set-aside"]', message_retention_seconds=60),
        "retention",
    ),
    Mistake("no-dead-letters", storage.queues, gone("aws_sqs_queue_redrive_policy"), "cannot get rid of"),
    Mistake(
        "other-state-machine",
        storage.state_machines,
        text(MACHINE, "definition", '"TimeoutSeconds"', '"TimeoutSecs"'),
        "is not broadcaster",
    ),
    Mistake(
        "sender-of-another-region",
        storage.state_machines,
        text(
            MACHINE,
            "definition",
            "us-east-1:123456789012:function:livescore-sender",
            "eu-west-1:123456789012:function:livescore-sender",
        ),
        "another region",
    ),
    Mistake("standard-executions", storage.state_machines, with_values(MACHINE, type="STANDARD"), "is STANDARD"),
]
