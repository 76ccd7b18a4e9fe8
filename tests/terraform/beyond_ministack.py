"""Faults that MiniStack lets pass and AWS does not: in APIs, the state machine, and the code."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from devstack.builds.lambda_zips import PACKAGES
from tests.terraform.retries import states
from tests.terraform.source import reached

if TYPE_CHECKING:
    from tests.terraform.applied import Applied


def route_responses(applied: Applied) -> list[str]:
    """Without a route response and a selection expression AWS throws the answer away."""
    wanted = set(applied.system["websocket_api"]["two_way"])
    found = []
    for region in applied.gateway_cells:
        api = applied.api("WEBSOCKET", region)
        has = {
            each.address.rpartition("[")[2].strip('"]')
            for each in applied.of("aws_apigatewayv2_route_response", region.region)
            if api is not None and each["api_id"] == api["id"]
        }
        found += [f"{key} has no route response in {region}" for key in sorted(wanted - has)]
    return found


def identity_sources(applied: Applied) -> list[str]:
    """AWS refuses a request that lacks one of an authorizer's identity sources before it asks the function."""
    return [
        f"the viewers' authorizer in {each.region} wants {each['identity_sources']}"
        for each in applied.of("aws_apigatewayv2_authorizer")
        if each["authorizer_type"] == "REQUEST" and each["identity_sources"]
    ]


def throttles(applied: Applied) -> list[str]:
    """MiniStack keeps throttles and does not throttle; on AWS one that is not set is 0."""
    found = []
    for stage in applied.of("aws_apigatewayv2_stage"):
        for each in (*(stage["default_route_settings"] or [{}]), *(stage["route_settings"] or [])):
            some = each.get("throttling_rate_limit") and each.get("throttling_burst_limit")
            route = each.get("route_key") or "every route"
            found += [] if some else [f"{stage.address} throttles {route} to nothing"]
    return found


def error_names(applied: Applied) -> list[str]:
    """MiniStack says Runtime.HandlerError and Lambda.Unknown where AWS has other names."""
    found = []
    for name, step in states(json.loads(applied.definition)):
        for each in (*step.get("Retry", []), *step.get("Catch", [])):
            wrong = {"Runtime.HandlerError", "Lambda.Unknown"} & set(each["ErrorEquals"])
            if wrong and len(each["ErrorEquals"]) == len(wrong):
                found.append(f"{name} knows only MiniStack's {', '.join(sorted(wrong))}")
        if str(step.get("Resource", "")).endswith(":lambda:invoke"):
            caught = {
                error for each in (*step.get("Retry", []), *step.get("Catch", [])) for error in each["ErrorEquals"]
            }
            if not caught & {"States.ALL", "Lambda.TooManyRequestsException"}:
                found.append(f"{name} does nothing about a throttled function")
    return found


def map_siblings(applied: Applied) -> list[str]:
    """On AWS an iteration that fails stops its siblings: every task inside a Map catches everything."""
    found = []
    for name, step in states(json.loads(applied.definition)):
        if step.get("Type") == "Map":
            for inner, each in states(step["ItemProcessor"]):
                errors = {error for catch in each.get("Catch", []) for error in catch["ErrorEquals"]}
                if each["Type"] == "Task" and "States.ALL" not in errors:
                    found.append(
                        f"{inner} in {name} catches {sorted(errors) or 'nothing'}: its siblings would be stopped"
                    )
    return found


def described_executions(applied: Applied) -> list[str]:
    """Express executions cannot be described, stopped or listed on AWS."""
    calls = {"describe_execution", "list_executions", "get_execution_history", "stop_execution", "start_sync_execution"}
    return [
        f"{name} calls {call}"
        for name, described in applied.system["functions"].items()
        for call in sorted(calls & reached(applied.root, described["handler"]).names)
    ]


def unprocessed(applied: Applied) -> list[str]:
    """MiniStack processes every item of a batch; AWS may leave some."""
    return [
        f"{path.name} writes batches and does not look at what was left over"
        for package in PACKAGES
        for path in sorted((applied.root / package).rglob("*.py"))
        if _calls(path.read_text(), "batch_write_item") and "UnprocessedItems" not in path.read_text()
    ]


def consumed_capacity(applied: Applied) -> list[str]:
    """MiniStack does not compute the capacity of reads: nothing may be decided by it."""
    return [
        f"{path.name} reads ConsumedCapacity"
        for package in PACKAGES
        for path in sorted((applied.root / package).rglob("*.py"))
        if '"ConsumedCapacity"' in path.read_text()
    ]


def roles(applied: Applied) -> list[str]:
    """MiniStack asks no role: on AWS each function has one of its own."""
    functions = applied.of("aws_lambda_function")
    used = [each["role"] for each in functions]
    found = [
        f"{each['function_name']} in {each.region} shares its role"
        for each in functions
        if used.count(each["role"]) > 1
    ]
    return found + [
        f"{each['function_name']} in {each.region} may do nothing" for each in functions if not applied.policy(each)
    ]


def _calls(text: str, method: str) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr == method for call in calls)
