"""Terraform would make on AWS the same as devstack has made in MiniStack: both are asked, not the description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from devstack.stack.provision import client
from tests.terraform import storage

if TYPE_CHECKING:
    from devstack.system import System
    from tests.terraform.applied import Applied, Resource


def test_the_tables_are_the_same(applied: Applied, system: System) -> None:
    """Keys, indexes and expiry of every table."""
    dynamodb = client(system, "dynamodb")
    for name in applied.system["tables"]:
        table = dynamodb.describe_table(TableName=system.name(name))["Table"]
        expiry = dynamodb.describe_time_to_live(TableName=system.name(name))["TimeToLiveDescription"]
        indexes = {
            each["IndexName"]: {**_keys(each["KeySchema"]), "projection": each["Projection"]["ProjectionType"]}
            for each in table.get("GlobalSecondaryIndexes", [])
        }
        here = {**_keys(table["KeySchema"]), "ttl": expiry["AttributeName"], "indexes": indexes}
        for made in (each for each in applied.of("aws_dynamodb_table") if each["name"] == table["TableName"]):
            assert storage.keys_of(made) == here


@pytest.mark.parametrize("protocol", ["HTTP", "WEBSOCKET"])
def test_the_routes_are_the_same(applied: Applied, system: System, protocol: str) -> None:
    """Every route of both APIs, who may use it, and whether it answers."""
    gateway = client(system, "apigatewayv2")
    [api] = [each for each in gateway.get_apis()["Items"] if each["ProtocolType"] == protocol]
    here = {each["RouteKey"]: _route(each) for each in gateway.get_routes(ApiId=api["ApiId"])["Items"]}
    made = applied.api(protocol, applied.home)
    assert made is not None
    routes = [each for each in applied.of("aws_apigatewayv2_route", applied.home) if each["api_id"] == made["id"]]
    assert {each["route_key"]: _made(each) for each in routes} == here


def test_the_state_machine_is_the_same(applied: Applied, system: System) -> None:
    """The same file, with other values in the same places."""
    states = client(system, "stepfunctions")
    [machine] = states.list_state_machines()["stateMachines"]
    here = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    pattern = storage.pattern(applied.definition)
    [made] = applied.of("aws_sfn_state_machine", applied.home)
    assert re.fullmatch(pattern, here["definition"])
    assert re.fullmatch(pattern, made["definition"])
    assert made["type"] == here["type"]


def test_the_functions_are_the_same(applied: Applied, system: System) -> None:
    """Every function's handler, memory, time-out, and the names of its variables."""
    functions = client(system, "lambda")
    for name in (*system.parts("functions", "home"), *system.at(system.cells[0].name).parts("functions", "cell")):
        here = functions.get_function_configuration(FunctionName=system.name(name))
        made = applied.function(name, applied.home)
        assert made is not None
        assert (made["handler"], made["memory_size"], made["timeout"]) == (
            here["Handler"],
            here["MemorySize"],
            here["Timeout"],
        )
        # MiniStack's functions share a folder of libraries, instead of a zip of their own with them.
        assert made["environment"][0]["variables"].keys() == here["Environment"]["Variables"].keys() - {"PYTHONPATH"}


def _keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {f"{each['KeyType'].lower()}_key": each["AttributeName"] for each in schema}


def _route(route: dict[str, Any]) -> tuple[str, str]:
    return route.get("RouteResponseSelectionExpression") or "", route.get("AuthorizationType") or "NONE"


def _made(route: Resource) -> tuple[str, str]:
    return route["route_response_selection_expression"] or "", route["authorization_type"] or "NONE"
