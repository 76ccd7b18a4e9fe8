"""Mistakes in what roles may do."""

from __future__ import annotations

from typing import Any

from tests.terraform import policies
from tests.terraform.mistakes.making import API_ROLE, CELL, WEBSOCKET, Mistake, gone, policy, with_values


def _everything(statements: list[dict[str, Any]]) -> None:
    statements[0]["Resource"] = "*"


def _any_action(statements: list[dict[str, Any]]) -> None:
    statements[0]["Action"] = "dynamodb:*"


def _any_table(statements: list[dict[str, Any]]) -> None:
    statements[0]["Resource"] = "arn:aws:dynamodb:eu-west-1:123456789012:table/*"


def _elsewhere(statements: list[dict[str, Any]]) -> None:
    statements[0]["Resource"] = "arn:aws:dynamodb:us-east-1:123456789012:table/livescore-matches"


def _less(statements: list[dict[str, Any]]) -> None:
    del statements[0]


def _more(statements: list[dict[str, Any]]) -> None:
    statements.append({"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "arn:aws:dynamodb:a:1:table/t"})


def _public(statements: list[dict[str, Any]]) -> None:
    statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Principal": "*"})


def _no_index(statements: list[dict[str, Any]]) -> None:
    statements[:] = [each for each in statements if "/index/" not in str(each["Resource"])]


def _another_index(statements: list[dict[str, Any]]) -> None:
    [by_day] = [each for each in statements if "/index/" in str(each["Resource"])]
    by_day["Resource"] = by_day["Resource"].replace("by_day", "by_month")


def _any_row(statements: list[dict[str, Any]]) -> None:
    for each in statements:
        each.pop("Condition", None)


MISTAKES = [
    Mistake("nobody-may-use-the-index", policies.of_indexes, policy(API_ROLE, _no_index), "nobody may query"),
    Mistake("policy-for-another-index", policies.of_indexes, policy(API_ROLE, _another_index), "by_month"),
    Mistake(
        "routes-may-change-a-match",
        policies.of_counts,
        policy(f'{CELL}.module.function["routes"].aws_iam_role_policy.this', _any_row),
        "routes may update more",
    ),
    Mistake(
        "receipt-may-change-a-match",
        policies.of_counts,
        policy(f'{CELL}.module.function["receipt"].aws_iam_role_policy.this', _any_row),
        "receipt may update more",
    ),
    Mistake("api-may-delete-viewers", policies.of_listeners, policy(API_ROLE, _any_row), "every row of"),
    Mistake("policy-for-another-region", policies.of_what_is_there, policy(API_ROLE, _elsewhere), "nothing makes"),
    Mistake("policy-for-everything", policies.too_wide, policy(API_ROLE, _everything), "on everything"),
    Mistake("policy-of-every-action", policies.too_wide, policy(API_ROLE, _any_action), "allows dynamodb:*"),
    Mistake("policy-for-every-table", policies.too_wide, policy(API_ROLE, _any_table), "table/*"),
    Mistake("policy-lacks-a-call", policies.of_functions, policy(API_ROLE, _less), "and may not"),
    Mistake("policy-allows-what-nobody-calls", policies.of_functions, policy(API_ROLE, _more), "may dynamodb:Scan"),
    Mistake("public-bucket-policy", policies.too_wide, policy("web[0].aws_s3_bucket_policy", _public), "everybody"),
    Mistake(
        "state-machine-lacks-a-call",
        policies.of_state_machines,
        policy(f"{CELL}.aws_iam_role_policy.state_machine", _less),
        "and may not",
    ),
    Mistake(
        "api-may-not-invoke-the-alias",
        policies.of_invocations,
        with_values(f"{WEBSOCKET}.aws_lambda_permission.routes", qualifier=None),
        "livescore-routes:live in us-east-1",
    ),
    Mistake(
        "api-may-not-invoke",
        policies.of_invocations,
        gone(f"{WEBSOCKET}.aws_lambda_permission.authorizer"),
        "may not invoke",
    ),
]
