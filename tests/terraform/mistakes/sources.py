"""Mistakes that only AWS would show, MiniStack not."""

from __future__ import annotations

from tests.terraform import beyond_ministack, event_sources
from tests.terraform.mistakes.making import SOURCE_OF_WATCHDOG, STREAM, WEBSOCKET, Mistake, gone, with_values

MISTAKES = [
    Mistake(
        "throttle-not-set",
        beyond_ministack.throttles,
        with_values(f"{WEBSOCKET}.aws_apigatewayv2_stage", default_route_settings=[]),
        "to nothing",
    ),
    Mistake("latest", event_sources.starting_position, with_values(STREAM, starting_position="LATEST"), "LATEST"),
    Mistake("retry-limit", event_sources.retries, with_values(STREAM, maximum_retry_attempts=3), "after 3 retries"),
    Mistake(
        "no-bisecting", event_sources.retries, with_values(STREAM, bisect_batch_on_function_error=False), "cut in two"
    ),
    Mistake(
        "short-record-age",
        event_sources.record_age,
        with_values(STREAM, maximum_record_age_in_seconds=3600),
        "3600 seconds",
    ),
    Mistake(
        "endless-record-age",
        event_sources.record_age,
        with_values(STREAM, maximum_record_age_in_seconds=-1),
        "-1 seconds",
    ),
    Mistake("no-destination", event_sources.destination, with_values(STREAM, destination_config=[]), "do not go to S3"),
    Mistake(
        "destination-sqs",
        event_sources.destination,
        with_values(STREAM, destination_config=[{"on_failure": [{"destination_arn": "arn:aws:sqs:eu-west-1:1:q"}]}]),
        "do not go to S3",
    ),
    Mistake(
        "no-consumer",
        event_sources.consumer,
        with_values(STREAM, event_source_arn="arn:aws:kinesis:eu-west-1:123456789012:stream/livescore-events"),
        "polls",
    ),
    Mistake(
        "items-not-reported",
        event_sources.partial_answers,
        with_values(SOURCE_OF_WATCHDOG, function_response_types=[]),
        "ignores",
    ),
    Mistake(
        "items-reported-by-nobody",
        event_sources.partial_answers,
        with_values(STREAM, function_response_types=["ReportBatchItemFailures"]),
        "names no failed items",
    ),
    Mistake(
        "poller-not-bounded",
        event_sources.concurrency,
        with_values(SOURCE_OF_WATCHDOG, scaling_config=[]),
        "without the bound",
    ),
    Mistake(
        "poller-with-another-bound",
        event_sources.concurrency,
        with_values(SOURCE_OF_WATCHDOG, scaling_config=[{"maximum_concurrency": 1000}]),
        "without the bound",
    ),
    Mistake(
        "recursion-not-allowed",
        event_sources.recursion,
        gone('aws_lambda_function_recursion_config.queue["watchdog"]'),
        "after 16 messages",
    ),
    Mistake(
        "recursion-ended",
        event_sources.recursion,
        with_values('aws_lambda_function_recursion_config.queue["watchdog"]', recursive_loop="Terminate"),
        "after 16 messages",
    ),
    Mistake(
        "response-missing",
        beyond_ministack.route_responses,
        gone(f'{WEBSOCKET}.aws_apigatewayv2_route_response.this["subscribe"]'),
        "subscribe has no",
    ),
    Mistake(
        "identity-source",
        beyond_ministack.identity_sources,
        with_values(
            f"{WEBSOCKET}.aws_apigatewayv2_authorizer.viewers", identity_sources=["route.request.querystring.token"]
        ),
        "wants",
    ),
    Mistake(
        "role-for-all",
        beyond_ministack.roles,
        with_values("aws_lambda_function.this", role="arn:aws:iam::123456789012:role/one"),
        "shares its role",
    ),
]
