"""A mistake of each kind, made in what was applied: the check that is there for it finds it."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform import differences, functions, policies, routes, site, storage, watching
from tests.terraform.applied import Applied

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path



@dataclass(frozen=True)
class Mistake:
    """A change of what was applied, and a check that has to find it with a sentence that holds ``says``."""

    name: str
    check: Callable[[Applied], list[str]]
    make: Callable[[Applied], Applied]
    says: str


def _set(address: str, **values: Any) -> Callable[[Applied], Applied]:
    """Other values in a resource."""
    return lambda applied: applied.changed(address, **values)


def _gone(address: str) -> Callable[[Applied], Applied]:
    """A resource is missing."""

    def make(applied: Applied) -> Applied:
        changed = applied.without(address)
        assert len(changed.resources) < len(applied.resources)
        return changed

    return make


def _edit(address: str, argument: str, change: Callable[[Any], Any]) -> Callable[[Applied], Applied]:
    """An argument changed by a function; one that is JSON is given to it read."""

    def make(applied: Applied) -> Applied:
        [resource] = [each for each in applied.resources if address in each.address]
        value = deepcopy(resource[argument])
        is_json = isinstance(value, str)
        changed = change(json.loads(value) if is_json else value)
        return applied.changed(address, **{argument: json.dumps(changed) if is_json else changed})

    return make


def _policy(address: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Applied], Applied]:
    """The statements of a policy changed in place."""

    def edit(policy: dict[str, Any]) -> dict[str, Any]:
        change(policy["Statement"])
        return policy

    return _edit(address, "policy", edit)


def _variables(address: str, change: Callable[[dict[str, str]], Any]) -> Callable[[Applied], Applied]:
    """The environment of a function changed in place."""

    def edit(environment: list[dict[str, Any]]) -> list[dict[str, Any]]:
        change(environment[0]["variables"])
        return environment

    return _edit(address, "environment", edit)


def _text(address: str, argument: str, old: str, new: str) -> Callable[[Applied], Applied]:
    """Some text of an argument replaced."""

    def make(applied: Applied) -> Applied:
        [resource] = [each for each in applied.resources if address in each.address]
        assert old in resource[argument]
        return applied.changed(address, **{argument: resource[argument].replace(old, new)})

    return make


def _first(block: list[dict[str, Any]], **values: Any) -> list[dict[str, Any]]:
    return [{**block[0], **values}, *block[1:]]


def _everything(statements: list[dict[str, Any]]) -> None:
    statements[0]["Resource"] = "*"


def _any_action(statements: list[dict[str, Any]]) -> None:
    statements[0]["Action"] = "dynamodb:*"


def _any_table(statements: list[dict[str, Any]]) -> None:
    statements[0]["Resource"] = "arn:aws:dynamodb:eu-west-1:123456789012:table/*"


def _less(statements: list[dict[str, Any]]) -> None:
    del statements[0]


def _more(statements: list[dict[str, Any]]) -> None:
    statements.append({"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "arn:aws:dynamodb:a:1:table/t"})


def _public(statements: list[dict[str, Any]]) -> None:
    statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Principal": "*"})


API = 'operators_api.module.function.aws_lambda_function.this'
API_ROLE = 'operators_api.module.function.aws_iam_role_policy.this'
CELL = 'module.cell["us-east-1"]'
SENDER = f'{CELL}.module.function["sender"].aws_lambda_function.this'
STREAM = 'aws_lambda_event_source_mapping.stream["fanout"]'
SOURCE_OF_WATCHDOG = 'aws_lambda_event_source_mapping.queue["watchdog"]'
WEBSOCKET = f"{CELL}.module.viewers_api"
MACHINE = f"{CELL}.aws_sfn_state_machine.broadcast"
SITE = "aws_cloudfront_distribution.site"
PAGES = "aws_cloudfront_response_headers_policy.pages"
SNAPSHOTS = "aws_cloudfront_cache_policy.snapshots"

MISTAKES = [
    Mistake("policy-for-everything", policies.too_wide, _policy(API_ROLE, _everything), "on everything"),
    Mistake("policy-of-every-action", policies.too_wide, _policy(API_ROLE, _any_action), "allows dynamodb:*"),
    Mistake("policy-for-every-table", policies.too_wide, _policy(API_ROLE, _any_table), "table/*"),
    Mistake("policy-lacks-a-call", policies.of_functions, _policy(API_ROLE, _less), "and may not"),
    Mistake("policy-allows-what-nobody-calls", policies.of_functions, _policy(API_ROLE, _more), "may dynamodb:Scan"),
    Mistake("public-bucket-policy", policies.too_wide, _policy("web[0].aws_s3_bucket_policy", _public), "everybody"),
    Mistake("state-machine-lacks-a-call", policies.of_state_machines, _policy(f"{CELL}.aws_iam_role_policy.state_machine", _less), "and may not"),
    Mistake("api-may-not-invoke", policies.of_invocations, _gone(f"{WEBSOCKET}.aws_lambda_permission.authorizer"), "may not invoke"),
    Mistake("wrong-handler", functions.handlers, _set(API, handler="matches.api.handle"), "there is no matches.api.handle"),
    Mistake("handler-of-no-module", functions.handlers, _set(API, handler="matches.apis.handler"), "there is no matches.apis.handler"),
    Mistake("other-memory", functions.handlers, _set(SENDER, memory_size=512), "memory_size"),
    Mistake("other-processor", functions.handlers, _set(SENDER, architectures=["x86_64"]), "arm64"),
    Mistake("function-missing", functions.handlers, _gone(SENDER), "no function sender"),
    Mistake("variable-missing", functions.environments, _variables(API, lambda given: given.pop("STREAM")), "reads STREAM"),
    Mistake("variable-misspelt", functions.environments, _variables(API, lambda given: given.update(STREAMS="x")), "given STREAMS"),
    Mistake("variable-of-another-table", functions.environments, _variables(API, lambda given: given.update(MATCHES_TABLE="livescore-subscriptions")), "no table.matches"),
    Mistake("connections-of-another-region", functions.environments, _variables(SENDER, lambda given: given.update(CONNECTIONS_URL="https://livescore-websocket.execute-api.eu-west-1.amazonaws.com/live")), "no connections_url"),
    Mistake("connections-without-a-stage", functions.environments, _variables(SENDER, lambda given: given.update(CONNECTIONS_URL="https://livescore-websocket.execute-api.us-east-1.amazonaws.com")), "no connections_url"),
    Mistake("home-elsewhere", functions.environments, _variables(SENDER, lambda given: given.update(HOME_REGION="us-east-1")), "no home_region"),
    Mistake("cell-left-out", functions.environments, _variables(API, lambda given: given.update(CELLS="{}")), "no cells"),
    Mistake("changed-key", storage.tables, _set(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', range_key="connection"), "in the description"),
    Mistake("no-expiry", storage.tables, _set(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', ttl=[]), "in the description"),
    Mistake("index-missing", storage.tables, _set(f'{CELL}.module.table["subscriptions"].aws_dynamodb_table.this', global_secondary_index=[]), "in the description"),
    Mistake("provisioned-table", storage.tables, _set("module.ledger.aws_dynamodb_table.this", billing_mode="PROVISIONED"), "on demand"),
    Mistake("no-restoring", storage.tables, _set("module.ledger.aws_dynamodb_table.this", point_in_time_recovery=[{"enabled": False}]), "point in time"),
    Mistake("table-missing", storage.tables, _gone(f'{CELL}.module.table["broadcasts"].aws_dynamodb_table.this'), "no table broadcasts"),
    Mistake("queue-forgets", storage.queues, _set('aws_sqs_queue.this["set-aside"]', message_retention_seconds=60), "retention"),
    Mistake("no-dead-letters", storage.queues, _gone("aws_sqs_queue_redrive_policy"), "cannot get rid of"),
    Mistake("other-state-machine", storage.state_machines, _text(MACHINE, "definition", '"TimeoutSeconds"', '"TimeoutSecs"'), "is not broadcaster"),
    Mistake("sender-of-another-region", storage.state_machines, _text(MACHINE, "definition", "us-east-1:123456789012:function:livescore-sender", "eu-west-1:123456789012:function:livescore-sender"), "another region"),
    Mistake("standard-executions", storage.state_machines, _set(MACHINE, type="STANDARD"), "is STANDARD"),
    Mistake("missing-route", routes.http, _gone('operators_api.aws_apigatewayv2_route.this["GET /matches/{match}"]'), "has no GET /matches/{match}"),
    Mistake("open-route", routes.http, _set('aws_apigatewayv2_route.this["POST /matches"]', authorization_type="NONE", authorizer_id=None), "POST /matches takes no"),
    Mistake("route-without-a-scope", routes.http, _set('aws_apigatewayv2_route.this["POST /matches"]', authorization_scopes=[]), "POST /matches takes no"),
    Mistake("missing-socket-route", routes.websocket, _gone(f'{WEBSOCKET}.aws_apigatewayv2_route.this["sync"]'), "has no sync"),
    Mistake("open-door", routes.websocket, _set(f'{WEBSOCKET}.aws_apigatewayv2_route.this["$connect"]', authorization_type="NONE"), "everybody in"),
    Mistake("route-leads-elsewhere", routes.websocket, _set(f"{WEBSOCKET}.aws_apigatewayv2_integration.routes", integration_uri="arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:livescore-authorizer/invocations"), "does not lead to routes"),
    Mistake("missing-route-response", routes.websocket, _gone(f'{WEBSOCKET}.aws_apigatewayv2_route_response.this["sync"]'), "sync has no route response"),
    Mistake("missing-selection-expression", routes.websocket, _set(f'{WEBSOCKET}.aws_apigatewayv2_route.this["sync"]', route_response_selection_expression=None), "no selection expression"),
    Mistake("zero-throttle", routes.websocket, _edit(f"{WEBSOCKET}.aws_apigatewayv2_stage", "default_route_settings", lambda block: _first(block, throttling_rate_limit=0)), "to nothing"),
    Mistake("throttle-not-set", differences.throttles, _set(f"{WEBSOCKET}.aws_apigatewayv2_stage", default_route_settings=[]), "to nothing"),
    Mistake("other-throttle", routes.http, _edit("operators_api.aws_apigatewayv2_stage", "default_route_settings", lambda block: _first(block, throttling_rate_limit=7)), "in the description"),
    Mistake("latest", differences.starting_position, _set(STREAM, starting_position="LATEST"), "LATEST"),
    Mistake("retry-limit", differences.retries, _set(STREAM, maximum_retry_attempts=3), "after 3 retries"),
    Mistake("no-bisecting", differences.retries, _set(STREAM, bisect_batch_on_function_error=False), "cut in two"),
    Mistake("short-record-age", differences.record_age, _set(STREAM, maximum_record_age_in_seconds=3600), "3600 seconds"),
    Mistake("endless-record-age", differences.record_age, _set(STREAM, maximum_record_age_in_seconds=-1), "-1 seconds"),
    Mistake("no-destination", differences.destination, _set(STREAM, destination_config=[]), "do not go to S3"),
    Mistake("destination-sqs", differences.destination, _set(STREAM, destination_config=[{"on_failure": [{"destination_arn": "arn:aws:sqs:eu-west-1:1:q"}]}]), "do not go to S3"),
    Mistake("no-consumer", differences.consumer, _set(STREAM, event_source_arn="arn:aws:kinesis:eu-west-1:123456789012:stream/livescore-events"), "polls"),
    Mistake("items-not-reported", differences.partial_answers, _set(SOURCE_OF_WATCHDOG, function_response_types=[]), "ignores"),
    Mistake("items-reported-by-nobody", differences.partial_answers, _set(STREAM, function_response_types=["ReportBatchItemFailures"]), "names no failed items"),
    Mistake("response-missing", differences.route_responses, _gone(f'{WEBSOCKET}.aws_apigatewayv2_route_response.this["subscribe"]'), "subscribe has no"),
    Mistake("identity-source", differences.identity_sources, _set(f"{WEBSOCKET}.aws_apigatewayv2_authorizer.viewers", identity_sources=["route.request.querystring.token"]), "wants"),
    Mistake("role-for-all", differences.roles, _set("aws_lambda_function.this", role="arn:aws:iam::123456789012:role/one"), "shares its role"),
    Mistake("alarm-missing", watching.alarms, _gone('aws_cloudwatch_metric_alarm.this["us-east-1/goal-to-gateway"]'), "no alarm goal-to-gateway"),
    Mistake("alarm-tells-nobody", watching.alarms, _set('aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]', alarm_actions=[]), "tells nobody"),
    Mistake("alarm-of-nothing", watching.alarms, _set("aws_lambda_function.this", function_name="other"), "which is not in"),
    Mistake("runbook-missing", watching.runbooks, _set('aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]', alarm_description="Runbook: docs/operations.md#nowhere"), "no section #nowhere"),
    Mistake("runbook-not-named", watching.runbooks, _set('aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]', alarm_description="It fails."), "has no runbook"),
    Mistake("dashboard-without-a-cell", watching.dashboards, _text("aws_cloudwatch_dashboard", "dashboard_body", '"us-east-1"', '"eu-west-1"'), "of us-east-1"),
    Mistake("metric-that-nobody-writes", watching.metrics_are_written, _text("aws_cloudwatch_dashboard", "dashboard_body", "GoalToGateway", "GoalToGlass"), "no code writes GoalToGlass"),
    Mistake("host-passed-on", site.distribution, _edit(SITE, "ordered_cache_behavior", lambda block: _first(block, origin_request_policy_id="Managed-AllViewer")), "Host"),
    Mistake("tokens-passed-on", site.distribution, _edit(SNAPSHOTS, "parameters_in_cache_key_and_forwarded_to_origin", lambda block: _first(block, headers_config=[{"header_behavior": "whitelist", "headers": [{"items": ["Authorization"]}]}])), "headers of the caller"),
    Mistake("stale-snapshots", site.distribution, _set(SNAPSHOTS, max_ttl=60), "60 seconds"),
    Mistake("posts-through-the-cache", site.distribution, _edit(SITE, "ordered_cache_behavior", lambda block: _first(block, allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"])), "more than reading"),
    Mistake("errors-kept", site.distribution, _set(SITE, custom_error_response=[]), "404"),
    Mistake("another-origin", site.distribution, _edit(SITE, "origin", lambda block: [{**each, "domain_name": "example.org"} for each in block]), "not the HTTP API"),
    Mistake("inline-scripts", site.pages, _edit(PAGES, "security_headers_config", lambda block: _first(block, content_security_policy=[{"content_security_policy": "default-src 'none'; script-src 'self' 'unsafe-inline'"}])), "scripts of"),
    Mistake("no-headers", site.pages, _set(PAGES, security_headers_config=[]), "no security headers"),
    Mistake("cell-out-of-reach", site.pages, _edit(PAGES, "security_headers_config", lambda block: _first(block, content_security_policy=[{"content_security_policy": "default-src 'none'; script-src 'self'; connect-src 'self'"}])), "reach the cell"),
    Mistake("public-bucket", site.bucket, _set("web[0].aws_s3_bucket_public_access_block", block_public_policy=False), "made public"),
    Mistake("unsigned-origin", site.bucket, _edit(SITE, "origin", lambda block: [{**each, "origin_access_control_id": ""} for each in block]), "sign"),
    Mistake("bucket-for-another-distribution", site.bucket, _set(SITE, arn="arn:aws:cloudfront::1:distribution/other"), "is open to"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(applied: Applied, mistake: Mistake) -> None:
    """The check says what is wrong, and had not said it before."""
    before = mistake.check(applied)
    found = [sentence for sentence in mistake.check(mistake.make(applied)) if sentence not in before]
    assert any(mistake.says in sentence for sentence in found), found


@dataclass(frozen=True)
class MistakeInAFile:
    """A change of a file of the checkout, by text, and a check that has to find it."""

    name: str
    check: Callable[[Applied], list[str]]
    path: str
    old: str
    new: str
    says: str


ASL = "broadcaster/broadcast.asl.json"
IN_FILES = [
    MistakeInAFile("code-reads-another-variable", functions.environments, "matches/api.py", 'setting("STREAM")', 'setting("STREAM_NAME")', "reads STREAM_NAME"),
    MistakeInAFile("code-calls-something-new", policies.of_functions, "matches/api.py", "aws.kinesis().put_record(", "aws.dynamodb().delete_item(), aws.kinesis().put_record(", "calls dynamodb:DeleteItem"),
    MistakeInAFile("another-state-machine", storage.state_machines, ASL, '"StartAt"', '"Comment2": "", "StartAt"', "is not broadcaster"),
    MistakeInAFile("only-ministacks-error", differences.error_names, ASL, '"States.ALL"', '"Runtime.HandlerError"', "MiniStack"),
    MistakeInAFile("siblings-are-stopped", differences.map_siblings, ASL, '"States.ALL"', '"States.TaskFailed"', "siblings"),
    MistakeInAFile("six-minutes", differences.execution_time, ASL, '"TimeoutSeconds": 295', '"TimeoutSeconds": 360', "360"),
    MistakeInAFile("hands-over-too-late", differences.execution_time, "terraform/system.json", '"hand_over_seconds": {"default": 160', '"hand_over_seconds": {"default": 280', "280"),
    MistakeInAFile("executions-described", differences.described_executions, "broadcaster/starter.py", ".start_execution(", ".describe_execution(", "describe_execution"),
    MistakeInAFile("left-overs-forgotten", differences.unprocessed, "broadcaster/pruning.py", "UnprocessedItems", "Unprocessed", "left over"),
    MistakeInAFile("capacity-counted", differences.consumed_capacity, "subscriptions/store.py", '"Items"', '"ConsumedCapacity"', "ConsumedCapacity"),
    MistakeInAFile("message-shown-twice", differences.visibility, "terraform/system.json", '"visibility_timeout": 30', '"visibility_timeout": 3', "shows a message again"),
    MistakeInAFile("failed-items-not-named", differences.partial_answers, "broadcaster/watchdog.py", "batchItemFailures", "failures", "names no failed items"),
    MistakeInAFile("runbook-renamed", watching.runbooks, "docs/operations.md", "### set-aside-batches", "### batches", "no section #set-aside-batches"),
    MistakeInAFile("runbook-of-no-alarm", watching.runbooks, "docs/operations.md", "### set-aside-batches", "### nobody-comes\n\n### set-aside-batches", "#nobody-comes"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", IN_FILES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_a_file_is_found(applied: Applied, mistake: MistakeInAFile, tmp_path: Path) -> None:
    """The check reads the file, says what is wrong, and had not said it before."""
    for part in ("matches", "subscriptions", "broadcaster", "docs"):
        shutil.copytree(applied.root / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "terraform").mkdir()
    shutil.copy(applied.root / "terraform/system.json", tmp_path / "terraform")
    text = (tmp_path / mistake.path).read_text()
    assert mistake.old in text
    (tmp_path / mistake.path).write_text(text.replace(mistake.old, mistake.new))
    before = mistake.check(applied)
    found = [each for each in mistake.check(Applied(applied.resources, tmp_path)) if each not in before]
    assert any(mistake.says in sentence for sentence in found), found


def test_a_test_that_is_gone_is_missed(applied: Applied, tmp_path: Path) -> None:
    """A difference that a test against the stand-in holds is open when that test is gone, and so is one by a fault."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text("def test_it() -> None: ...\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/reliability.md").write_text("| `kind` | 2 |\n")
    there = Applied(applied.resources, tmp_path)
    assert not differences.stand_in("test_one.py::test_it")(there)
    assert differences.stand_in("test_one.py::test_that")(there)
    assert not differences.fault("kind")(there)
    assert differences.fault("kinds")(there)
