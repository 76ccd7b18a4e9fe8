"""Functions: their handlers, and every environment variable that their code reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.terraform.source import reached

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Resource


def handlers(applied: Applied) -> list[str]:
    """Functions of the description that are missing, or differ from it, or name no code."""
    found = []
    for name, described in applied.system["functions"].items():
        for region in applied.regions(described["in"]):
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
    names = {f"{applied.prefix}-{name}" for name in applied.system["functions"]}
    extra = [each for each in applied.of("aws_lambda_function") if each["function_name"] not in names]
    return found + [f"{each['function_name']} is not in the description" for each in extra]


def environments(applied: Applied) -> list[str]:
    """Variables that the code reads and are not given, are given and not read, or name what is not there."""
    found = []
    for name, described in applied.system["functions"].items():
        for region in applied.regions(described["in"]):
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


def _right(applied: Applied, reference: str, region: str) -> set[str] | None:
    """The values that a reference of the description may have in a region; None when any will do."""
    kind, _, name = reference.partition(".")
    match kind:
        case "table":
            place = applied.regions(applied.system["tables"][name]["in"])
            here = [each for each in applied.of("aws_dynamodb_table") if each.region in place]
            return {each["name"] for each in here if each["name"] == f"{applied.prefix}-{name}"}
        case "stream":
            return {each["name"] for each in applied.of("aws_kinesis_stream", applied.home)}
        case "queue":
            place = applied.regions(applied.system["queues"][name]["in"])
            queues = [each for each in applied.of("aws_sqs_queue") if each.region in place]
            return {_url(each) for each in queues if each["name"] == f"{applied.prefix}-{name}"}
        case "deployment":
            return {applied.prefix}
        case "home_region":
            return {applied.home}
        case "cell":
            return {region}
        case "cells":
            return {_cells(applied)}
        case "connections_url":
            api = applied.api("WEBSOCKET", region)
            stage = applied.system["websocket_api"]["stage"]
            return {f"https://{api['id']}.execute-api.{region}.amazonaws.com/{stage}"} if api else set()
    return None


def _url(queue: Resource) -> str:
    account = str(queue["arn"]).split(":")[4]
    return f"https://sqs.{queue.region}.amazonaws.com/{account}/{queue['name']}"


def _cells(applied: Applied) -> str:
    """The cells as broadcaster/transports/description.py reads them, and as Terraform writes JSON."""
    account = str(applied.of("aws_sqs_queue")[0]["arn"]).split(":")[4]
    stage = applied.system["websocket_api"]["stage"]
    cells: dict[str, Any] = {
        each.region: {
            "region": each.region,
            "transport": "api-gateway",
            "suffix": "",
            "state_machine": f"arn:aws:states:{each.region}:{account}:stateMachine:{each['name']}",
            "connections_url": f"https://{api['id']}.execute-api.{each.region}.amazonaws.com/{stage}",
        }
        for each in applied.of("aws_sfn_state_machine")
        if (api := applied.api("WEBSOCKET", each.region))
    }
    return json.dumps(cells, sort_keys=True, separators=(",", ":"))
