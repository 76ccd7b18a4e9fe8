"""Makes a mistake: in the result of an apply, or in a file."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied

API = "operators_api.module.function.aws_lambda_function.this"
API_ROLE = "operators_api.module.function.aws_iam_role_policy.this"
CELL = 'module.cell["us-east-1"]'
SENDER = f'{CELL}.module.function["sender"].aws_lambda_function.this'
STREAM = 'aws_lambda_event_source_mapping.stream["fanout"]'
SOURCE_OF_WATCHDOG = 'aws_lambda_event_source_mapping.queue["watchdog"]'
AUTHORIZER = f'{CELL}.module.function["authorizer"].aws_lambda_function.this'
WEBSOCKET = f"{CELL}.module.viewers_api"
MACHINE = f"{CELL}.aws_sfn_state_machine.broadcast"
SITE = "aws_cloudfront_distribution.site"
OPERATORS = "aws_cloudfront_response_headers_policy.operators"
DEPLOYMENT = "aws_s3_object.deployment"
PAGES = "aws_cloudfront_response_headers_policy.pages"
SNAPSHOTS = "aws_cloudfront_cache_policy.snapshots"


@dataclass(frozen=True)
class Mistake:
    """A change of what was applied, and a check that has to find it with a sentence that holds ``says``."""

    name: str
    check: Callable[[Applied], list[str]]
    make: Callable[[Applied], Applied]
    says: str


def with_values(address: str, **values: Any) -> Callable[[Applied], Applied]:
    """Other values in a resource."""
    return lambda applied: applied.changed(address, **values)


def gone(address: str) -> Callable[[Applied], Applied]:
    """A resource is missing."""

    def make(applied: Applied) -> Applied:
        changed = applied.without(address)
        assert len(changed.resources) < len(applied.resources)
        return changed

    return make


def edit(address: str, argument: str, change: Callable[[Any], Any]) -> Callable[[Applied], Applied]:
    """An argument changed by a function; one that is JSON is given to it read."""

    def make(applied: Applied) -> Applied:
        [resource] = [each for each in applied.resources if address in each.address]
        value = deepcopy(resource[argument])
        is_json = isinstance(value, str)
        changed = change(json.loads(value) if is_json else value)
        return applied.changed(address, **{argument: json.dumps(changed) if is_json else changed})

    return make


def policy(address: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Applied], Applied]:
    """The statements of a policy changed in place."""

    def changed(policy: dict[str, Any]) -> dict[str, Any]:
        change(policy["Statement"])
        return policy

    return edit(address, "policy", changed)


def variables(address: str, change: Callable[[dict[str, str]], Any]) -> Callable[[Applied], Applied]:
    """The environment of a function changed in place."""

    def changed(environment: list[dict[str, Any]]) -> list[dict[str, Any]]:
        change(environment[0]["variables"])
        return environment

    return edit(address, "environment", changed)


def text(address: str, argument: str, old: str, new: str) -> Callable[[Applied], Applied]:
    """Some text of an argument replaced."""

    def make(applied: Applied) -> Applied:
        [resource] = [each for each in applied.resources if address in each.address]
        assert old in resource[argument]
        return applied.changed(address, **{argument: resource[argument].replace(old, new)})

    return make


def first(block: list[dict[str, Any]], **values: Any) -> list[dict[str, Any]]:
    """A block's list with other values in its first."""
    return [{**block[0], **values}, *block[1:]]


@dataclass(frozen=True)
class MistakeInAFile:
    """A change of a file of the checkout, by text, and a check that has to find it."""

    name: str
    check: Callable[[Applied], list[str]]
    path: str
    old: str
    new: str
    says: str
