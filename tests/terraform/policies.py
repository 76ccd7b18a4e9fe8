"""The permissions of roles: no more than the code calls, no less, and none for every resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.terraform import broadcasting
from tests.terraform.applied import listed, statements
from tests.terraform.source import reached

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.terraform.applied import Applied

EVERYTHING = {
    frozenset({
        "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    }): "log delivery of a state machine names no resources (cw-logs.html)",
    frozenset({
        "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    }): "X-Ray names no resources for these",
}  # fmt: skip
"""Where AWS has no other form than the resource *: the actions, and why."""

PARTS = {
    r"arn:aws:logs:[^*]+:log-group:[^*]+:\*": "the streams of one group, whose names Lambda chooses",
    r"arn:aws:s3:::[^*/]+/\*": "the objects of one bucket",
    r"arn:aws:execute-api:[^*]+/(POST|DELETE|GET)/@connections/\*": "the connections of one stage, as viewers come",
    r"arn:aws:iot:[^*]+:topic/[a-z][a-z0-9-]+/\*": "the channels of one deployment",
    r"arn:aws:states:[^*]+:execution:[^*]+:\*": "the executions of one state machine",
}
"""A * within an ARN: which ARNs may have one, and what it stands for."""

PLATFORM = {
    "every function": {
        "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    },
    "with a key": {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"},
    "from a stream": {
        "kinesis:DescribeStream", "kinesis:DescribeStreamConsumer", "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards", "kinesis:SubscribeToShard",
        "s3:PutObject", "s3:ListBucket",
    },
    "from a queue": {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
}  # fmt: skip
"""Calls that Lambda itself makes with a function's role, and no code of ours."""

STEPS = {
    "dynamodb:updateItem": "dynamodb:UpdateItem",
    "dynamodb:putItem": "dynamodb:PutItem",
    "lambda:invoke": "lambda:InvokeFunction",
    "sqs:sendMessage": "sqs:SendMessage",
    "states:startExecution": "states:StartExecution",
}
"""A task of the state machine, and what IAM calls it."""


def too_wide(applied: Applied) -> list[str]:
    """Statements that allow more than they name."""
    found = []
    kinds = (
        "aws_iam_role_policy",
        "aws_iam_policy",
        "aws_s3_bucket_policy",
        "aws_sqs_queue_policy",
        "aws_sns_topic_policy",
    )
    for resource in (each for kind in kinds for each in applied.of(kind)):
        for statement in statements(resource["policy"]):
            if statement["Effect"] == "Allow":
                found += [f"{resource.address}: {why}" for why in _wide(statement)]
    return found


def _wide(statement: dict[str, Any]) -> Iterable[str]:
    actions = statement.get("Action", [])
    if "NotAction" in statement or "NotResource" in statement:
        yield "allows all but something"
    yield from (f"allows {action}" for action in actions if "*" in action)
    if "*" in listed(statement.get("Principal", [])) or statement.get("Principal") == {"AWS": "*"}:
        yield "allows everybody"
    for resource in statement.get("Resource", []):
        if resource == "*":
            if not any(set(actions) <= excused for excused in EVERYTHING):
                yield f"allows {', '.join(actions)} on everything"
        elif "*" in resource and not any(re.fullmatch(part, resource) for part in PARTS):
            yield f"allows {', '.join(actions)} on {resource}"


MADE = {
    "dynamodb": ("aws_dynamodb_table", "name", r"table/([^/]+)"),
    "kinesis": ("aws_kinesis_stream", "name", r"stream/([^/]+)"),
    "sqs": ("aws_sqs_queue", "name", r"(.+)"),
    "states": ("aws_sfn_state_machine", "name", r"(?:stateMachine|execution|express):([^:]+)"),
    "lambda": ("aws_lambda_function", "function_name", r"function:([^:]+)"),
    "logs": ("aws_cloudwatch_log_group", "name", r"log-group:([^:]+)"),
    "execute-api": ("aws_apigatewayv2_api", "id", r"([^/]+)"),
    "s3": ("aws_s3_bucket", "bucket", r"([^/]+)"),
}
"""A service, the resources that a role's ARNs of it name, by which argument, and where the ARN has it."""


def of_what_is_there(applied: Applied) -> list[str]:
    """ARNs in roles that name nothing that is made, in that region."""
    found = []
    exact = {str(each["arn"]) for each in applied.resources if each["arn"]}
    for role in applied.of("aws_iam_role_policy"):
        arns = {arn for each in statements(role["policy"]) for arn in each.get("Resource", []) if arn != "*"}
        for arn in sorted(arns - exact):
            service, region, name = (arn.split(":", 5)[place] for place in (2, 3, 5))
            if service not in MADE:
                continue
            kind, argument, pattern = MADE[service]
            named = re.match(pattern, name)
            # The name of a bucket is the world's: its ARN has no region.
            if named is None or named[1] not in {each[argument] for each in applied.of(kind, region or None)}:
                found.append(f"{role.address} names {arn}, which nothing makes")
    return found


def _of_absent_transports(applied: Applied) -> set[str]:
    """Actions for cells of transports that the deployment does not have."""
    there = {cell.transport for cell in applied.cells}
    return {action for action, transport in broadcasting.PUBLISHES.items() if transport not in there}


def of_functions(applied: Applied) -> list[str]:
    """Where a function's role and what its code calls differ."""
    found = []
    for name, described in applied.system["functions"].items():
        platform = set(PLATFORM["every function"] | PLATFORM["with a key"])
        source = applied.system["event_sources"].get(name, {})
        if source:
            platform |= PLATFORM["from a stream" if "stream" in source else "from a queue"]
        calls = reached(applied.root, described["handler"]).actions - _of_absent_transports(applied)
        for region in applied.places(described):
            function = applied.function(name, region)
            if function is None:
                continue
            allowed = {action for each in applied.policy(function) for action in each.get("Action", [])}
            found += [f"{name} in {region} calls {each} and may not" for each in sorted(calls - allowed)]
            found += [f"{name} in {region} may {each} and never does" for each in sorted(allowed - calls - platform)]
            if not {"logs:CreateLogStream", "logs:PutLogEvents"} <= allowed:
                found.append(f"{name} in {region} cannot write its log")
    return found


def of_indexes(applied: Applied) -> list[str]:
    """Indexes that are described and that nobody may query, or that a role names and that are not described."""
    may: dict[str, set[str]] = {}
    for role in applied.of("aws_iam_role_policy"):
        for each in statements(role["policy"]):
            for arn in each.get("Resource", []):
                if "/index/" in arn:
                    may.setdefault(arn.rpartition(":table/")[2], set()).update(each["Action"])
    described = {
        f"{applied.prefix}-{name}{place.suffix}/index/{index}"
        for name, table in applied.system["tables"].items()
        for place in applied.places(table)
        for index in table["indexes"]
    }
    found = [f"nobody may query {each}" for each in sorted(described) if "dynamodb:Query" not in may.get(each, set())]
    return found + [f"a role names {each}, which is not in the description" for each in sorted(may.keys() - described)]


def of_counts(applied: Applied) -> list[str]:
    """Functions of a cell that may write a match at home: they count its viewers, in rows that are no match's."""
    found = []
    matches = f"table/{applied.prefix}-matches"
    for name, described in applied.system["functions"].items():
        if described["in"] == "home":
            continue
        for function in (applied.function(name, cell) for cell in applied.places(described)):
            for each in applied.policy(function) if function is not None else []:
                on_matches = any(arn.endswith(matches) for arn in each.get("Resource", []))
                only = each.get("Condition") == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "audience#*"}}
                if on_matches and "dynamodb:UpdateItem" in each["Action"] and not only:
                    found.append(f"{name} may update more than the counts of {matches}")
    return found


def of_listeners(applied: Applied) -> list[str]:
    """Where the API may read or delete rows of viewers that follow a match: it deletes only listeners that are gone."""
    found = []
    function = applied.function("api", applied.home)
    for each in applied.policy(function) if function is not None else []:
        tables = [arn for arn in each.get("Resource", []) if arn.rpartition("/")[2].startswith(f"{applied.prefix}-sub")]
        if tables and each.get("Condition") != {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "s-*"}}:
            found.append(f"api may {', '.join(each['Action'])} every row of {', '.join(tables)}")
    return found


def of_state_machines(applied: Applied) -> list[str]:
    """Where a state machine's role and its tasks differ."""
    found = []
    steps = set(re.findall(r'"arn:\$\{partition\}:states:::([\w:]+)"', applied.definition))
    unknown = sorted(steps - STEPS.keys())
    found += [f"what {step} needs is not known here" for step in unknown]
    needed = {STEPS[step] for step in steps & STEPS.keys()}
    for machine in applied.of("aws_sfn_state_machine"):
        allowed = {
            action
            for each in applied.policy_of(str(machine["role_arn"]).rpartition("/")[2])
            for action in each.get("Action", [])
        }
        where = f"the state machine in {machine.region}"
        found += [f"{where} calls {each} and may not" for each in sorted(needed - allowed)]
        extra = {each for each in allowed - needed if each.partition(":")[0] not in {"logs", "xray", "kms"}}
        found += [f"{where} may {each} and never does" for each in sorted(extra)]
    return found


def of_invocations(applied: Applied) -> list[str]:
    """Functions that an API calls and may not."""
    found = []
    home = applied.places({"in": "home"})
    pairs = [("http_api", home, ("function",)), ("websocket_api", applied.gateway_cells, ("function", "authorizer"))]
    for api, places, roles in pairs:
        for region in places:
            may = {
                (each["function_name"], each["qualifier"] or "")
                for each in applied.of("aws_lambda_permission", region.region)
                if each["principal"] == "apigateway.amazonaws.com" and each["source_arn"]
            }
            for role in roles:
                name = f"{applied.prefix}-{applied.system[api][role]}{region.suffix}"
                refused = [alias for alias in _called(applied, region.region, name) if (name, alias) not in may]
                found += [f"API Gateway may not invoke {name}{each and ':' + each} in {region}" for each in refused]
    return found


def _called(applied: Applied, region: str, function: str) -> set[str]:
    """The aliases of a function that APIs of a region call, "" for the function itself."""
    uris = [str(each["integration_uri"]) for each in applied.of("aws_apigatewayv2_integration", region)]
    uris += [str(each["authorizer_uri"]) for each in applied.of("aws_apigatewayv2_authorizer", region)]
    found = (re.search(rf":function:{function}(?::([\w-]+))?/", uri) for uri in uris)
    return {each[1] or "" for each in found if each}
