"""Where MiniStack differs from AWS, each with what holds us to AWS there.

A fault that MiniStack tolerates is found on AWS only, so each difference is checked: in what Terraform makes,
in the state machine's file, in the source, or by a test against the stand-in, which does as AWS does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.terraform import beyond_ministack, broadcasting, event_sources, lease, retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied


@dataclass(frozen=True)
class Difference:
    """One difference: what MiniStack does, and what finds us relying on it."""

    ministack: str
    check: Callable[[Applied], list[str]]


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


_BEYOND = "loadtest/test_beyond_ministack.py"

DIFFERENCES = (
    Difference("its Kinesis poller starts where it likes", event_sources.starting_position),
    Difference("its Kinesis poller ignores bisect and the limit of retries", event_sources.retries),
    Difference("its Kinesis poller ignores the age of records", event_sources.record_age),
    Difference("its Kinesis poller ignores destinations", event_sources.destination),
    Difference("its Kinesis poller refuses a consumer and ignores the parallelization factor", event_sources.consumer),
    Difference("its Kinesis poller ignores ReportBatchItemFailures", event_sources.partial_answers),
    Difference("its SQS poller invokes one batch after another, without a bound to set", event_sources.concurrency),
    Difference("a function may put messages into its own queue for ever", event_sources.recursion),
    Difference(
        "no INIT is said to be one, so clients are made in the first call",
        stand_in(
            "runtime/test_lifecycle.py::test_each_kind_of_init_does_its_work",
            "devstack/measurements/test_cold.py::test_the_first_call_makes_no_client",
        ),
    ),
    Difference(
        "a function is never frozen, and its connections stay",
        stand_in(
            "runtime/test_idle_connections.py::test_a_connection_that_died_in_a_long_freeze_is_not_used",
            "broadcaster/test_gateway.py::test_a_connection_that_died_in_a_long_freeze_is_not_used",
        ),
    ),
    Difference("routes answer without a route response", beyond_ministack.route_responses),
    Difference("throttles are ignored", beyond_ministack.throttles),
    Difference(
        "a throttle of a route makes nobody wait",
        stand_in("loadtest/test_route_throttles.py::test_a_route_is_throttled_by_itself"),
    ),
    Difference("$disconnect always fires", stand_in(f"{_BEYOND}::test_disconnect_is_best_effort")),
    Difference("a lost $disconnect never leaves a row", fault("disconnect-lost")),
    Difference(
        "connection ids are hexadecimal",
        stand_in(
            "loadtest/test_lambda_events.py::test_ids_have_awss_shape",
            "loadtest/test_standin_server.py::test_an_id_may_be_quoted_or_not",
        ),
    ),
    Difference("the subprotocol is never echoed", stand_in(f"{_BEYOND}::test_the_subprotocol_is_what_connect_says")),
    Difference(
        "frames and messages have no limit of size",
        stand_in(
            f"{_BEYOND}::test_a_viewer_sends_at_most_32_kb_a_frame_and_128_kb_a_message",
            f"{_BEYOND}::test_a_post_is_at_most_128_kb",
        ),
    ),
    Difference("idle connections stay", stand_in(f"{_BEYOND}::test_an_idle_connection_is_closed")),
    Difference("connections live for ever", stand_in(f"{_BEYOND}::test_an_old_connection_is_closed")),
    Difference("binary frames become text", stand_in("loadtest/test_lambda_events.py::test_a_message_event")),
    Difference("handlers' errors reach the client", stand_in(f"{_BEYOND}::test_a_function_that_fails")),
    Difference(
        "the account's throttle is never met",
        stand_in(f"{_BEYOND}::test_the_accounts_throttle", f"{_BEYOND}::test_a_slow_viewers_buffer"),
    ),
    Difference(
        "a connection may be posted to before $connect has ended",
        stand_in(f"{_BEYOND}::test_nobody_is_there_before_connect_has_finished"),
    ),
    Difference("an authorizer is asked whatever is missing", beyond_ministack.identity_sources),
    Difference("Step Functions has names of its own for a function's errors", beyond_ministack.error_names),
    Difference("a Map's siblings survive a failed iteration", beyond_ministack.map_siblings),
    Difference("TimeoutSeconds and the five minutes pass unnoticed", retries.execution_time),
    Difference("the state machine never finds a function busy", retries.busy_functions),
    Difference("a Retry ignores MaxDelaySeconds and jitter", lease.lease),
    Difference("every ARN is of the partition aws", retries.partition),
    Difference("Express executions can be described", beyond_ministack.described_executions),
    Difference(
        "input over 256 KB passes unnoticed",
        stand_in("broadcaster/test_plan.py::test_a_million_viewers_get_the_senders_that_the_default_budget_feeds"),
    ),
    Difference("UnprocessedItems never come", beyond_ministack.unprocessed),
    Difference(
        "tables never leave items or throttle",
        fault("prune-unprocessed", "prune-throttled", "ledger-throttled", "pages-throttled"),
    ),
    Difference("ConsumedCapacity of reads is not computed", beyond_ministack.consumed_capacity),
    Difference("no role is asked", beyond_ministack.roles),
    Difference("everybody may publish, whatever their roles say", broadcasting.publish_rights),
    Difference("IoT Core asks no policy, and no default authorizer", broadcasting.listeners),
    Difference(
        "the Lambda authorizer of AppSync Events is asked about publishes",
        stand_in("subscriptions/test_events_access.py::test_no_viewer_publishes"),
    ),
    Difference(
        "a wildcard of AppSync Events stands for one segment",
        stand_in(
            "subscriptions/test_events_access.py::test_a_foreign_channel_and_every_wildcard_is_refused",
            "subscriptions/test_channel_access.py::test_nobody_hears_a_wildcard_or_any_other_channel",
        ),
    ),
    Difference(
        "a subscription of AppSync Events may use the authorization of the handshake",
        stand_in("subscriptions/test_events_access.py::test_each_subscription_needs_the_token_again"),
    ),
    Difference(
        "IoT Core asks no custom authorizer",
        stand_in("subscriptions/test_iot_access.py::test_a_forged_token_opens_no_connection"),
    ),
    Difference(
        "IoT Core evaluates no policy of a custom authorizer",
        stand_in(
            "subscriptions/test_iot_access.py::test_a_foreign_topic_and_every_wildcard_closes_the_connection",
            "subscriptions/test_iot_access.py::test_no_viewer_publishes",
        ),
    ),
    Difference(
        "signatures of publishes are not verified",
        stand_in(
            "broadcaster/transports/test_signed_http.py::test_the_signature_is_right_for_the_service_and_the_host"
        ),
    ),
    Difference(
        "AppSync GraphQL has no subscriptions",
        stand_in(
            "loadtest/test_standin_graphql.py::test_the_messages_are_those_of_awss_simulator",
            "subscriptions/test_graphql_access.py::test_a_viewer_hears_what_its_token_covers",
        ),
    ),
    Difference(
        "the Lambda authorizer of AppSync GraphQL is told the query",
        stand_in(
            "loadtest/test_standin_graphql.py::test_the_authorizer_is_told_nothing_of_a_subscription",
            "terraform/test_graphql_resolvers.py::test_the_subscription_is_decided_as_on_every_transport",
        ),
    ),
    Difference(
        "lifecycle events come once and in order",
        stand_in("subscriptions/test_iot_viewers.py::test_the_count_is_right_whatever_the_order_and_however_often"),
    ),
    Difference("a source queue may show a message while it is being worked on", event_sources.visibility),
)
