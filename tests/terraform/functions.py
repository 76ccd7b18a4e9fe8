"""Functions: their handlers, and every environment variable that their code reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.terraform import broadcasting
from tests.terraform.source import reached

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Cell, Resource


def handlers(applied: Applied) -> list[str]:
    """Functions of the description that are missing, or differ from it, or name no code."""
    found = []
    for name, described in applied.system["functions"].items():
        for region in applied.places(described):
            function = applied.function(name, region)
            if function is None:
                found.append(f"there is no function {name} in {region}")
                continue
            where = f"{name} in {region}"
            try:
                reached(applied.root, function["handler"])
            except KeyError:
                found.append(f"{where}: there is no {function['handler']}")
            found += [
                f"{where}: {argument} is {function[argument]} and {described[key]} in the description"
                for argument, key in (("handler", "handler"), ("memory_size", "memory"), ("timeout", "timeout"))
                if function[argument] != described[key]
            ]
            if function["architectures"] != ["arm64"]:
                found.append(f"{where} does not run on arm64")
    names = {
        f"{applied.prefix}-{name}{place.suffix}"
        for name, described in applied.system["functions"].items()
        for place in applied.places(described)
    }
    extra = [each for each in applied.of("aws_lambda_function") if each["function_name"] not in names]
    return found + [f"{each['function_name']} is not in the description" for each in extra]


def environments(applied: Applied) -> list[str]:
    """Variables that the code reads and are not given, are given and not read, or name what is not there."""
    found = []
    for name, described in applied.system["functions"].items():
        for region in applied.places(described):
            function = applied.function(name, region)
            if function is None:
                continue
            given: dict[str, str] = (function["environment"] or [{"variables": {}}])[0]["variables"]
            try:
                read = reached(applied.root, described["handler"]).settings
            except KeyError:
                continue
            where = f"{name} in {region}"
            found += [f"{where} reads {each}, which is not given" for each in sorted(read - given.keys())]
            found += [f"{where} is given {each}, which it does not read" for each in sorted(given.keys() - read)]
            for variable, reference in described["environment"].items():
                value, right = given.get(variable), _right(applied, reference, region)
                if value is not None and right is not None and value not in right:
                    found.append(f"{where}: {variable} is {value!r}, which is no {reference}")
    return found


def _right(applied: Applied, reference: str, place: Cell) -> set[str] | None:
    """The values that a reference of the description may have in a cell or at home; None when any will do."""
    kind, _, name = reference.partition(".")
    match kind:
        case "table":
            tables = _there(applied, "tables", name, place)
            return {each["name"] for each in applied.of("aws_dynamodb_table") if (each.region, each["name"]) in tables}
        case "stream":
            return {each["name"] for each in applied.of("aws_kinesis_stream", applied.home)}
        case "queue":
            queues = _there(applied, "queues", name, place)
            return {_url(each) for each in applied.of("aws_sqs_queue") if (each.region, each["name"]) in queues}
        case "deployment":
            return {f"{applied.prefix}{place.suffix}"}
        case "namespace":
            return {applied.prefix}
        case "home_region":
            return {applied.home}
        case "cell":
            return {place.name}
        case "cells":
            return {json.dumps(_cells(applied), sort_keys=True, separators=(",", ":"))}
        case "connections_url":
            return {_texts(applied, place)["connections_url"]}
    return None


def _there(applied: Applied, kind: str, name: str, place: Cell) -> set[tuple[str, str]]:
    """Region and name of a table or queue as a function of ``place`` names it.

    A function at home names the tables of the cells without a suffix, and adds the suffix of each cell itself.
    """
    places = applied.places(applied.system[kind][name])
    if applied.system[kind][name]["in"] == "cell" and place.transport != "home":
        places = [place]
    suffix = "" if place.transport == "home" else None
    return {(each.region, f"{applied.prefix}-{name}{each.suffix if suffix is None else suffix}") for each in places}


def _url(queue: Resource) -> str:
    account = str(queue["arn"]).split(":")[4]
    return f"https://sqs.{queue.region}.amazonaws.com/{account}/{queue['name']}"


def _cells(applied: Applied) -> dict[str, Any]:
    """The cells by name with what the functions at home need of each."""
    return {
        cell.name: {"region": cell.region, "transport": cell.transport, "suffix": cell.suffix} | _texts(applied, cell)
        for cell in applied.cells
    }


def _texts(applied: Applied, cell: Cell) -> dict[str, str]:
    """The texts of a cell in CELLS, from the resources that Terraform has made."""
    match cell.transport:
        case "api-gateway":
            account = str(applied.of("aws_sqs_queue")[0]["arn"]).split(":")[4]
            machine = f"arn:aws:states:{cell.region}:{account}:stateMachine:{applied.prefix}-broadcast{cell.suffix}"
            api = applied.api("WEBSOCKET", cell)
            host = f"{api['id']}.execute-api.{cell.region}.amazonaws.com" if api else "no API"
            stage = applied.system["websocket_api"]["stage"]
            return {"state_machine": machine, "connections_url": f"https://{host}/{stage}"}
        case "appsync-events":
            return {"url": f"https://{broadcasting.hosts(applied, cell)[0]}/event"}
        case "appsync-graphql":
            return {"url": f"https://{broadcasting.hosts(applied, cell)[0]}/graphql"}
        case "iot-core":
            return {"url": f"https://{broadcasting.iot_endpoint(applied, cell)}"}
    return dict(broadcasting.MOMENTO)
