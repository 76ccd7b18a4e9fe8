"""Tables, queues, stream and state machine, against the description that devstack makes its own from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Resource


def tables(applied: Applied) -> list[str]:
    """Tables that are missing, or whose keys, indexes or expiry differ."""
    found = []
    for name, described in applied.system["tables"].items():
        for region in applied.places(described):
            here = applied.of("aws_dynamodb_table", region.region)
            table = next((each for each in here if each["name"] == f"{applied.prefix}-{name}{region.suffix}"), None)
            if table is None:
                found.append(f"there is no table {name} in {region}")
                continue
            where = f"table {name} in {region}"
            wanted = {key: described[key] for key in ("hash_key", "range_key", "ttl", "indexes")}
            if keys_of(table) != wanted:
                found.append(f"{where} has {keys_of(table)}, and {wanted} in the description")
            if any(each["type"] != "S" for each in table["attribute"]):
                found.append(f"{where} has keys that are no text")
            if table["billing_mode"] != "PAY_PER_REQUEST":
                found.append(f"{where} is not on demand")
            indexes = table["global_secondary_index"] or []
            if table["warm_throughput"] or any(each.get("warm_throughput") for each in indexes):
                found.append(
                    f"{where} states its warm throughput: once DynamoDB has raised that, a plan would replace it"
                )
            if not all(each["enabled"] for each in table["point_in_time_recovery"] or [{"enabled": False}]):
                found.append(f"{where} cannot be restored to a point in time")
    return found


def keys_of(table: Resource) -> dict[str, Any]:
    """A table's keys, indexes and expiry in the description's form."""
    return {
        "hash_key": table["hash_key"],
        "range_key": table["range_key"],
        "ttl": next((each["attribute_name"] for each in table["ttl"] or [] if each["enabled"]), None),
        "indexes": {
            index["name"]: {
                **{f"{key['key_type'].lower()}_key": key["attribute_name"] for key in index["key_schema"]},
                "projection": index["projection_type"],
            }
            for index in table["global_secondary_index"] or []
        },
    }


def queues(applied: Applied) -> list[str]:
    """Queues that are missing or differ, or whose dead letters go elsewhere."""
    found = []
    for name, described in applied.system["queues"].items():
        for region in applied.places(described):
            here = applied.of("aws_sqs_queue", region.region)
            queue = next((each for each in here if each["name"] == f"{applied.prefix}-{name}{region.suffix}"), None)
            if queue is None:
                found.append(f"there is no queue {name} in {region}")
                continue
            has = (queue["visibility_timeout_seconds"], queue["message_retention_seconds"])
            wanted = (described["visibility_timeout"], described["retention"])
            if has != wanted:
                found.append(
                    f"queue {name} in {region} has time-out and retention {has}, and {wanted} in the description"
                )
            if "dead_letter" in described:
                policies = applied.of("aws_sqs_queue_redrive_policy", region.region)
                target = f":{applied.prefix}-{described['dead_letter']}{region.suffix}"
                right = [
                    policy
                    for policy in (json.loads(each["redrive_policy"]) for each in policies)
                    if policy["deadLetterTargetArn"].endswith(target)
                    and policy["maxReceiveCount"] == described["max_receives"]
                ]
                if not right:
                    found.append(
                        f"what queue {name} in {region} cannot get rid of does not go to {described['dead_letter']}"
                    )
    return found


def state_machines(applied: Applied) -> list[str]:
    """State machines that are not the file that devstack runs, or whose placeholders stand for what is not there."""
    found = []
    wanted = pattern(applied.definition)
    for region in applied.gateway_cells:
        named = f"{applied.prefix}-broadcast{region.suffix}"
        machines = [each for each in applied.of("aws_sfn_state_machine", region.region) if each["name"] == named]
        if len(machines) != 1:
            found.append(f"there is not one state machine in {region}")
            continue
        [machine] = machines
        if machine["type"] != applied.system["state_machine"]["type"]:
            found.append(f"the state machine in {region} is {machine['type']}")
        match = re.fullmatch(wanted, machine["definition"])
        if match is None:
            found.append(f"the state machine in {region} is not {applied.system['state_machine']['definition']}")
            continue
        for name, value in match.groupdict().items():
            reference = applied.system["state_machine"]["substitutions"][name]
            kind, _, part = reference.partition(".")
            if kind in {"table", "function", "queue"} and f"{applied.prefix}-{part}{region.suffix}" not in re.split(
                r"[:/]", value
            ):
                found.append(f"the state machine in {region}: {name} is {value}, which is no {reference}")
            if kind in {"function", "queue"} and region.region not in value:
                found.append(f"the state machine in {region}: {name} is {value}, which is in another region")
    return found


def pattern(definition: str) -> str:
    """A pattern of what the file becomes: the same value for a name wherever it stands."""
    seen: set[str] = set()
    parts = re.split(r"\$\{(\w+)\}", definition)
    found = re.escape(parts[0])
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        found += (f"(?P={name})" if name in seen else f'(?P<{name}>[^"\\n]+?)') + re.escape(text)
        seen.add(name)
    return found
