"""Where MiniStack differs from AWS, each with what holds us to AWS there.

What a system gets away with in MiniStack is found on AWS only, so each difference is checked: in what Terraform makes
(``state``), in the state machine's file, in the source, or by a test against the stand-in, which does as AWS does.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.terraform.source import PACKAGES, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.terraform.applied import Applied, Resource


MAY_FAIL = {
    "SetAside": "a batch that cannot even be set aside must not be forgotten: the execution fails, the watchdog begins again",
}
"""Tasks inside a Map that may stop their siblings, and why."""


@dataclass(frozen=True)
class Difference:
    """One difference: what MiniStack does, and what finds us relying on it."""

    ministack: str
    check: Callable[[Applied], list[str]]


def _stream(applied: Applied) -> Resource | None:
    """The event source of the stream."""
    sources = applied.of("aws_lambda_event_source_mapping", applied.home)
    return next((each for each in sources if ":kinesis:" in str(each["event_source_arn"])), None)


def starting_position(applied: Applied) -> list[str]:
    """LATEST misses records while a mapping is made or changed."""
    source = _stream(applied)
    if source is None:
        return ["the stream has no event source"]
    wanted = applied.system["event_sources"]["fanout"]["starting_position"]
    return [] if source["starting_position"] == wanted else [f"the stream is read from {source['starting_position']}"]


def retries(applied: Applied) -> list[str]:
    """A limit of retries throws away what was answered 202; bisecting leaves a poison record alone."""
    source = _stream(applied)
    found = []
    if source is not None and source["maximum_retry_attempts"] not in {None, -1}:
        found.append(f"the stream is given up after {source['maximum_retry_attempts']} retries")
    if source is not None and not source["bisect_batch_on_function_error"]:
        found.append("a batch of the stream that fails is not cut in two")
    return found


def record_age(applied: Applied) -> list[str]:
    """Records go to S3 just before the stream forgets them, not hours before, and not never."""
    source, [stream] = _stream(applied), applied.of("aws_kinesis_stream")
    if source is None:
        return []
    kept = min(stream["retention_period"] * 3600, 604800)
    age = source["maximum_record_age_in_seconds"]
    if age is None or not kept - 3600 <= age <= kept:
        return [f"records are given up after {age} seconds, and the stream keeps them for {kept}"]
    return []


def destination(applied: Applied) -> list[str]:
    """Only S3 is given the records themselves; the function's role writes them."""
    source = _stream(applied)
    if source is None:
        return []
    targets = [to["destination_arn"] for each in source["destination_config"] or [] for to in each["on_failure"]]
    if not targets or not targets[0].startswith("arn:aws:s3:::"):
        return ["records that grew too old do not go to S3"]
    function = applied.function("fanout", applied.home)
    allowed = [] if function is None else applied.policy(function)
    may = any("s3:PutObject" in each["Action"] and f"{targets[0]}/*" in each["Resource"] for each in allowed)
    return [] if may else ["the fan-out may not write records that grew too old to S3"]


def consumer(applied: Applied) -> list[str]:
    """MiniStack refuses enhanced fan-out: there its ARN would be the stream's."""
    source = _stream(applied)
    if source is None:
        return []
    if source["event_source_arn"] not in {each["arn"] for each in applied.of("aws_kinesis_stream_consumer")}:
        return ["the fan-out has no consumer of its own: it polls once a second"]
    if not 1 <= (source["parallelization_factor"] or 1) <= 10:
        return [f"the stream's parallelization factor is {source['parallelization_factor']}"]
    return []


def partial_answers(applied: Applied) -> list[str]:
    """A function answers with failed items if, and only if, its event source reads such an answer."""
    found = []
    for name in applied.system["event_sources"]:
        described = applied.system["functions"][name]
        module = described["handler"].rpartition(".")[0]
        answers = "batchItemFailures" in (applied.root / (module.replace(".", "/") + ".py")).read_text()
        sources = applied.of("aws_lambda_event_source_mapping", applied.home)
        mine = [each for each in sources if str(each["function_name"]).split(":")[6:7] == [f"{applied.prefix}-{name}"]]
        if not mine:
            found.append(f"{name} has no event source")
        for source in mine:
            reads = "ReportBatchItemFailures" in (source["function_response_types"] or [])
            if reads != answers:
                found.append(f"{name} {'names' if answers else 'names no'} failed items and its source {'reads' if reads else 'ignores'} them")
    return found


def route_responses(applied: Applied) -> list[str]:
    """Without a route response and a selection expression AWS throws the answer away."""
    wanted = set(applied.system["websocket_api"]["two_way"])
    found = []
    for region in applied.cells:
        has = {each.address.rpartition("[")[2].strip('"]') for each in applied.of("aws_apigatewayv2_route_response", region)}
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
            if not each.get("throttling_rate_limit") or not each.get("throttling_burst_limit"):
                found.append(f"{stage.address} throttles {each.get('route_key') or 'every route'} to nothing")
    return found


def error_names(applied: Applied) -> list[str]:
    """MiniStack says Runtime.HandlerError and Lambda.Unknown; AWS has other names, so only theirs or States.ALL count."""
    found = []
    for name, step in _states(json.loads(applied.definition)):
        for each in (*step.get("Retry", []), *step.get("Catch", [])):
            wrong = {"Runtime.HandlerError", "Lambda.Unknown"} & set(each["ErrorEquals"])
            if wrong and len(each["ErrorEquals"]) == len(wrong):
                found.append(f"{name} knows only MiniStack's {', '.join(sorted(wrong))}")
        if str(step.get("Resource", "")).endswith(":lambda:invoke"):
            caught = {error for each in (*step.get("Retry", []), *step.get("Catch", [])) for error in each["ErrorEquals"]}
            if not caught & {"States.ALL", "Lambda.TooManyRequestsException"}:
                found.append(f"{name} does nothing about a throttled function")
    return found


def map_siblings(applied: Applied) -> list[str]:
    """On AWS an iteration that fails stops its siblings: every task inside a Map catches everything."""
    found = []
    for name, step in _states(json.loads(applied.definition)):
        if step.get("Type") == "Map":
            for inner, each in _states(step["ItemProcessor"]):
                errors = {error for catch in each.get("Catch", []) for error in catch["ErrorEquals"]}
                if each["Type"] == "Task" and "States.ALL" not in errors and inner not in MAY_FAIL:
                    found.append(f"{inner} in {name} catches {sorted(errors) or 'nothing'}: its siblings would be stopped")
    return found


def execution_time(applied: Applied) -> list[str]:
    """AWS ends an Express execution after five minutes: it hands over early enough for a sender that is tried again."""
    definition = json.loads(applied.definition)
    sender = applied.system["functions"]["sender"]["timeout"]
    hand_over = applied.system["settings"]["hand_over_seconds"]["default"]
    limit = definition.get("TimeoutSeconds", 300)
    if limit > 300 or hand_over + 2 * sender > limit:
        return [f"an execution hands over after {hand_over} s, a sender may take {sender} s twice, and the end is at {limit} s"]
    return []


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
    found = [f"{each['function_name']} in {each.region} shares its role" for each in functions if used.count(each["role"]) > 1]
    return found + [f"{each['function_name']} in {each.region} may do nothing" for each in functions if not applied.policy(each)]


def visibility(applied: Applied) -> list[str]:
    """AWS refuses a source queue that shows a message again before its function's time is up."""
    return [
        f"queue {source['queue']} shows a message again before {name} has ended"
        for name, source in applied.system["event_sources"].items()
        if "queue" in source
        and applied.system["queues"][source["queue"]]["visibility_timeout"] < applied.system["functions"][name]["timeout"]
    ]


def stand_in(*tests: str) -> Callable[[Applied], list[str]]:
    """A check that these tests exist, as ``path::name``, which try it against what does as AWS does."""

    def check(applied: Applied) -> list[str]:
        missing = []
        for test in tests:
            path, _, name = test.partition("::")
            if f"def {name}(" not in (applied.root / "tests" / path).read_text():
                missing.append(f"there is no {test}")
        return missing

    return check


def fault(*kinds: str) -> Callable[[Applied], list[str]]:
    """A check that ``livescore faults`` still has these kinds of fault, which make AWS's answers."""

    def check(applied: Applied) -> list[str]:
        known = (applied.root / "docs/reliability.md").read_text()
        return [f"there is no fault {kind}" for kind in kinds if f"| `{kind}` |" not in known]

    return check


def _states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, step in machine["States"].items():
        yield name, step
        if "ItemProcessor" in step:
            yield from _states(step["ItemProcessor"])


def _calls(text: str, method: str) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr == method for call in calls)


_BEYOND = "loadtest/test_beyond_ministack.py"

DIFFERENCES = (
    Difference("its Kinesis poller starts where it likes", starting_position),
    Difference("its Kinesis poller ignores bisect and the limit of retries", retries),
    Difference("its Kinesis poller ignores the age of records", record_age),
    Difference("its Kinesis poller ignores destinations", destination),
    Difference("its Kinesis poller refuses a consumer and ignores the parallelization factor", consumer),
    Difference("its Kinesis poller ignores ReportBatchItemFailures", partial_answers),
    Difference("routes answer without a route response", route_responses),
    Difference("throttles are ignored", throttles),
    Difference("a throttle of a route makes nobody wait", stand_in("loadtest/test_route_throttles.py::test_a_route_is_throttled_by_itself")),
    Difference("$disconnect always fires", stand_in(f"{_BEYOND}::test_disconnect_is_best_effort")),
    Difference("a lost $disconnect never leaves a row", fault("disconnect-lost")),
    Difference("connection ids are hexadecimal", stand_in("loadtest/test_events.py::test_ids_have_awss_shape", "loadtest/test_gateway.py::test_an_id_may_be_quoted_or_not")),
    Difference("the subprotocol is never echoed", stand_in(f"{_BEYOND}::test_the_subprotocol_is_what_connect_says")),
    Difference("frames and messages have no limit of size", stand_in(f"{_BEYOND}::test_a_viewer_sends_at_most_32_kb_a_frame_and_128_kb_a_message", f"{_BEYOND}::test_a_post_is_at_most_128_kb")),
    Difference("idle connections stay", stand_in(f"{_BEYOND}::test_an_idle_connection_is_closed")),
    Difference("connections live for ever", stand_in(f"{_BEYOND}::test_an_old_connection_is_closed")),
    Difference("binary frames become text", stand_in("loadtest/test_events.py::test_a_message_event")),
    Difference("handlers' errors reach the client", stand_in(f"{_BEYOND}::test_a_function_that_fails")),
    Difference("the account's throttle is never met", stand_in(f"{_BEYOND}::test_the_accounts_throttle", f"{_BEYOND}::test_a_slow_viewers_buffer")),
    Difference("a connection may be posted to before $connect has ended", stand_in(f"{_BEYOND}::test_nobody_is_there_before_connect_has_finished")),
    Difference("an authorizer is asked whatever is missing", identity_sources),
    Difference("Step Functions has names of its own for a function's errors", error_names),
    Difference("a Map's siblings survive a failed iteration", map_siblings),
    Difference("TimeoutSeconds and the five minutes pass unnoticed", execution_time),
    Difference("Express executions can be described", described_executions),
    Difference("input over 256 KB passes unnoticed", stand_in("broadcaster/test_plan.py::test_a_million_viewers_take_what_the_default_budget_feeds")),
    Difference("UnprocessedItems never come", unprocessed),
    Difference("tables never leave items or throttle", fault("prune-unprocessed", "prune-throttled", "ledger-throttled", "pages-throttled")),
    Difference("ConsumedCapacity of reads is not computed", consumed_capacity),
    Difference("no role is asked", roles),
    Difference("a source queue may show a message while it is being worked on", visibility),
)  # fmt: skip
