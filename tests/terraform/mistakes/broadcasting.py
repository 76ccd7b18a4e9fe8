"""Mistakes in cells whose service tells every viewer of a channel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.terraform import broadcasting, functions, policies, site, watching
from tests.terraform.applied import Resource
from tests.terraform.mistakes.making import (
    API,
    DEPLOYMENT,
    PAGES,
    Mistake,
    edit,
    first,
    gone,
    policy,
    variables,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied

EVENTS = 'module.cell_appsync_events["events"]'
GRAPHQL = 'module.cell_appsync_graphql["graphql"]'
IOT = 'module.cell_iot_core["iot"]'
FANOUT_ROLE = 'module.fanout.module.function["fanout"].aws_iam_role_policy.this'
ALARM = "module.observability[0].aws_cloudwatch_metric_alarm.this"


def _on(action: str, resource: str) -> Callable[[Applied], Applied]:
    """The fan-out's right to publish names another resource."""

    def change(statements: list[dict[str, Any]]) -> None:
        [statement] = [each for each in statements if each["Action"] == action]
        statement["Resource"] = resource

    return policy(FANOUT_ROLE, change)


def _without(action: str) -> Callable[[Applied], Applied]:
    def change(statements: list[dict[str, Any]]) -> None:
        statements[:] = [each for each in statements if each["Action"] != action]

    return policy(FANOUT_ROLE, change)


def _config(**values: Any) -> Callable[[Applied], Applied]:
    return edit(f"{EVENTS}.aws_appsync_api.this", "event_config", lambda block: first(block, **values))


def _any_row(statements: list[dict[str, Any]]) -> None:
    for each in statements:
        each.pop("Condition", None)


def _added(kind: str, **values: Any) -> Callable[[Applied], Applied]:
    """One resource more."""

    def make(applied: Applied) -> Applied:
        more = Resource(f"{EVENTS}.{kind}.more", kind, {"region": "eu-west-1", **values})
        return type(applied)((*applied.resources, more), applied.root)

    return make


def _kept(api: dict[str, Any]) -> list[dict[str, Any]]:
    """The providers of an Event API, whose answers are kept for five minutes."""
    return [
        {
            **each,
            "lambda_authorizer_config": [
                {**config, "authorizer_result_ttl_in_seconds": 300} for config in each["lambda_authorizer_config"] or []
            ],
        }
        for each in api["auth_provider"]
    ]


KEY = [{"auth_type": "API_KEY"}]
_EVERY_TOPIC = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}'

MISTAKES = [
    Mistake(
        "publish-to-every-channel",
        broadcasting.publish_rights,
        _on("appsync:EventPublish", "arn:aws:appsync:eu-west-1:123456789012:apis/*"),
        "which no cell needs",
    ),
    Mistake(
        "publish-to-every-topic",
        policies.too_wide,
        _on("iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/*"),
        "allows iot:Publish",
    ),
    Mistake(
        "mutate-everything",
        policies.too_wide,
        _on("appsync:GraphQL", "arn:aws:appsync:us-east-1:123456789012:apis/graphql/types/*"),
        "allows appsync:GraphQL",
    ),
    Mistake(
        "read-every-parameter",
        policies.too_wide,
        _on("ssm:GetParameter", "arn:aws:ssm:eu-west-1:123456789012:parameter/*"),
        "allows ssm:GetParameter",
    ),
    Mistake("may-not-publish", broadcasting.publish_rights, _without("iot:Publish"), "fanout may not iot:Publish"),
    Mistake("may-not-mutate", policies.of_functions, _without("appsync:GraphQL"), "fanout in eu-west-1 calls appsync"),
    Mistake("an-api-key", broadcasting.listeners, _added("aws_appsync_api_key", api_id="a"), "whoever has the key"),
    Mistake(
        "api-key-as-a-provider",
        broadcasting.listeners,
        edit(
            f"{EVENTS}.aws_appsync_api.this",
            "event_config",
            lambda block: first(block, auth_provider=[*block[0]["auth_provider"], {"auth_type": "API_KEY"}]),
        ),
        "API_KEY",
    ),
    Mistake(
        "connect-with-a-key", broadcasting.listeners, _config(connection_auth_mode=KEY), "connections by ['API_KEY']"
    ),
    Mistake(
        "subscribe-with-a-key",
        broadcasting.listeners,
        _config(default_subscribe_auth_mode=KEY),
        "subscriptions by ['API_KEY']",
    ),
    Mistake(
        "viewers-publish",
        broadcasting.listeners,
        _config(default_publish_auth_mode=[{"auth_type": "AWS_LAMBDA"}]),
        "publishes by ['AWS_LAMBDA']",
    ),
    Mistake(
        "viewers-publish-in-the-namespace",
        broadcasting.listeners,
        with_values(f"{EVENTS}.aws_appsync_channel_namespace.this", publish_auth_mode=[{"auth_type": "AWS_LAMBDA"}]),
        "publishes in the namespace by",
    ),
    Mistake(
        "no-namespace",
        broadcasting.listeners,
        gone(f"{EVENTS}.aws_appsync_channel_namespace.this"),
        "with the namespace livescore",
    ),
    Mistake(
        "answers-are-kept",
        broadcasting.listeners,
        edit(
            f"{EVENTS}.aws_appsync_api.this",
            "event_config",
            lambda block: first(block, auth_provider=_kept(block[0])),
        ),
        "keeps answers for [300]",
    ),
    Mistake(
        "events-authorizer-missing",
        functions.handlers,
        gone('["events_authorizer"].aws_lambda_function'),
        "no function",
    ),
    Mistake(
        "events-authorizer-may-not-be-asked",
        broadcasting.listeners,
        gone(f"{EVENTS}.aws_lambda_permission.authorizer"),
        "may not invoke",
    ),
    Mistake(
        "events-log-for-ever", broadcasting.listeners, gone(f"{EVENTS}.module.log.aws_cloudwatch_log_group"), "for ever"
    ),
    Mistake("events-errors-unseen", broadcasting.listeners, _config(log_config=[]), "logs []"),
    Mistake(
        "graphql-with-a-key",
        broadcasting.listeners,
        with_values(f"{GRAPHQL}.aws_appsync_graphql_api.this", authentication_type="API_KEY"),
        "takes ['API_KEY']",
    ),
    Mistake(
        "graphql-default-lets-viewers-publish",
        broadcasting.listeners,
        with_values(f"{GRAPHQL}.aws_appsync_graphql_api.this", authentication_type="AWS_LAMBDA"),
        "takes ['AWS_LAMBDA']",
    ),
    Mistake(
        "graphql-without-an-authorizer",
        broadcasting.listeners,
        with_values(f"{GRAPHQL}.aws_appsync_graphql_api.this", additional_authentication_provider=[]),
        "it asks []",
    ),
    Mistake(
        "graphql-shows-its-schema",
        broadcasting.listeners,
        with_values(f"{GRAPHQL}.aws_appsync_graphql_api.this", introspection_config="ENABLED"),
        "shows its schema",
    ),
    Mistake(
        "graphql-logs-tokens",
        broadcasting.listeners,
        edit(
            f"{GRAPHQL}.aws_appsync_graphql_api.this",
            "log_config",
            lambda block: first(block, exclude_verbose_content=False),
        ),
        "logs headers",
    ),
    Mistake(
        "graphql-without-a-filter",
        broadcasting.listeners,
        gone(f'{GRAPHQL}.aws_appsync_resolver.this["subscribe"]'),
        "its resolvers are not",
    ),
    Mistake(
        "iot-policy-for-everything",
        broadcasting.listeners,
        _added("aws_iot_policy", policy=_EVERY_TOPIC),
        "to whatever it is attached to",
    ),
    Mistake("iot-authorizer-missing", broadcasting.listeners, gone(f"{IOT}.aws_iot_authorizer"), "not one authorizer"),
    Mistake(
        "iot-authorizer-inactive",
        broadcasting.listeners,
        with_values(f"{IOT}.aws_iot_authorizer.viewers", status="INACTIVE"),
        "INACTIVE",
    ),
    Mistake(
        "iot-authorizer-of-the-clients-choice",
        broadcasting.listeners,
        edit(
            f"{IOT}.aws_iot_domain_configuration.viewers",
            "authorizer_config",
            lambda block: first(block, allow_authorizer_override=True),
        ),
        "lets a client choose another",
    ),
    Mistake(
        "iot-takes-certificates",
        broadcasting.listeners,
        with_values(f"{IOT}.aws_iot_domain_configuration.viewers", authentication_type="AWS_X509"),
        "AWS_X509",
    ),
    Mistake(
        "iot-authorizer-may-be-asked-by-anybody",
        broadcasting.invocations,
        with_values(f"{IOT}.aws_lambda_permission.authorizer", source_arn=None),
        "lets iot.amazonaws.com invoke",
    ),
    Mistake("nobody-counts-who-leaves", broadcasting.listeners, gone('rule.presence["disconnected"]'), "has rules for"),
    Mistake(
        "iot-may-not-count",
        broadcasting.listeners,
        gone(f'{IOT}.aws_lambda_permission.presence["subscribed"]'),
        "may not tell iot_presence",
    ),
    Mistake(
        "presence-may-change-a-match",
        policies.of_counts,
        policy(
            f'{IOT}.module.parts.module.function["iot_presence"].aws_iam_role_policy.this',
            _any_row,
        ),
        "iot_presence may update more",
    ),
    Mistake(
        "the-table-of-another-cell",
        functions.environments,
        variables(API, lambda given: given.update(CELLS=given["CELLS"].replace('"suffix":"-events"', '"suffix":""'))),
        "which is no cells",
    ),
    Mistake(
        "the-channels-of-another-deployment",
        functions.environments,
        variables(
            f'{IOT}.module.parts.module.function["iot_authorizer"].aws_lambda_function.this',
            lambda given: given.update(NAMESPACE=given["DEPLOYMENT"]),
        ),
        "which is no namespace",
    ),
    Mistake(
        "publishes-go-elsewhere",
        functions.environments,
        variables(
            API, lambda given: given.update(CELLS=given["CELLS"].replace(".appsync-api.", ".appsync-realtime-api."))
        ),
        "which is no cells",
    ),
    Mistake(
        "pages-know-no-host",
        site.deployment,
        edit(
            DEPLOYMENT,
            "content",
            lambda told: {
                **told,
                "cells": {**told["cells"], "events": {**told["cells"]["events"], "host": "elsewhere"}},
            },
        ),
        "says of the cell events",
    ),
    Mistake(
        "pages-know-no-cell-of-momento",
        site.deployment,
        edit(
            DEPLOYMENT,
            "content",
            lambda told: {**told, "cells": {name: each for name, each in told["cells"].items() if name != "fast"}},
        ),
        "says of the cell fast",
    ),
    Mistake(
        "pages-may-not-listen-at-iot",
        site.pages,
        edit(
            PAGES,
            "security_headers_config",
            lambda block: first(
                block,
                content_security_policy=[
                    {
                        "content_security_policy": " ".join(
                            each
                            for each in block[0]["content_security_policy"][0]["content_security_policy"].split(" ")
                            if ".iot." not in each
                        )
                    }
                ],
            ),
        ),
        "cannot reach the cell iot",
    ),
    *(
        Mistake(
            f"nobody-hears-of-{name}-in-{cell}",
            watching.alarms,
            gone(f'{ALARM}["{cell}/{name}"]'),
            f"no alarm {name} in {cell}",
        )
        for cell, name in (
            ("events", "messages-dropped"),
            ("events", "messages-delayed"),
            ("events", "connect-errors"),
            ("graphql", "messages-dropped"),
            ("graphql", "publish-errors"),
            ("iot", "messages-throttled"),
            ("iot", "publishes-throttled"),
            ("iot", "connects-throttled"),
            ("iot", "viewers-refused"),
            ("iot", "subscribed-rule-failed"),
        )
    ),
    Mistake(
        "nobody-hears-of-momento",
        watching.alarms,
        gone(f'{ALARM}["eu-west-1/frames-unpublished"]'),
        "no alarm frames-unpublished",
    ),
    Mistake(
        "an-alarm-of-another-api",
        watching.alarms,
        lambda applied: applied.changed(f"{EVENTS}.aws_appsync_api.this", api_id="another"),
        "EventAPIId",
    ),
]
