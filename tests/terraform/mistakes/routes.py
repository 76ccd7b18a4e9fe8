"""Mistakes in the routes of both APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.terraform import routes
from tests.terraform.mistakes.making import SENDER, WEBSOCKET, Mistake, edit, first, gone, variables, with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied


def leaves(**values: int) -> Callable[[Applied], Applied]:
    """Other values in the throttle of ``$disconnect``."""

    def change(block: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**each, **values} if each["route_key"] == "$disconnect" else each for each in block]

    return edit(f"{WEBSOCKET}.aws_apigatewayv2_stage", "route_settings", change)


MISTAKES = [
    Mistake(
        "missing-route",
        routes.http,
        gone('operators_api.aws_apigatewayv2_route.this["GET /matches/{match}"]'),
        "has no GET /matches/{match}",
    ),
    Mistake(
        "open-route",
        routes.http,
        with_values('aws_apigatewayv2_route.this["POST /matches"]', authorization_type="NONE", authorizer_id=None),
        "POST /matches takes no",
    ),
    Mistake(
        "route-without-a-scope",
        routes.http,
        with_values('aws_apigatewayv2_route.this["POST /matches"]', authorization_scopes=[]),
        "POST /matches takes no",
    ),
    Mistake(
        "message-route-with-the-operators-scope",
        routes.http,
        with_values(
            'aws_apigatewayv2_route.this["POST /viewers/{subject}/messages"]',
            authorization_scopes=["livescore/score:write"],
        ),
        "takes a token with another scope",
    ),
    Mistake(
        "missing-socket-route",
        routes.websocket,
        gone(f'{WEBSOCKET}.aws_apigatewayv2_route.this["sync"]'),
        "has no sync",
    ),
    Mistake(
        "open-door",
        routes.websocket,
        with_values(f'{WEBSOCKET}.aws_apigatewayv2_route.this["$connect"]', authorization_type="NONE"),
        "everybody in",
    ),
    Mistake(
        "route-leads-elsewhere",
        routes.websocket,
        with_values(
            f"{WEBSOCKET}.aws_apigatewayv2_integration.routes",
            integration_uri="arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:livescore-authorizer/invocations",
        ),
        "does not lead to routes",
    ),
    Mistake(
        "missing-route-response",
        routes.websocket,
        gone(f'{WEBSOCKET}.aws_apigatewayv2_route_response.this["sync"]'),
        "sync has no route response",
    ),
    Mistake(
        "missing-selection-expression",
        routes.websocket,
        with_values(f'{WEBSOCKET}.aws_apigatewayv2_route.this["sync"]', route_response_selection_expression=None),
        "no selection expression",
    ),
    Mistake(
        "zero-throttle",
        routes.websocket,
        edit(
            f"{WEBSOCKET}.aws_apigatewayv2_stage",
            "default_route_settings",
            lambda block: first(block, throttling_rate_limit=0),
        ),
        "to nothing",
    ),
    Mistake(
        "default-throttle-below-the-quota",
        routes.websocket,
        edit(
            f"{WEBSOCKET}.aws_apigatewayv2_stage",
            "default_route_settings",
            lambda block: first(block, throttling_rate_limit=500, throttling_burst_limit=500),
        ),
        "the account's quota is",
    ),
    Mistake(
        "default-burst-below-the-quota",
        routes.http,
        edit(
            "operators_api.aws_apigatewayv2_stage",
            "default_route_settings",
            lambda block: first(block, throttling_burst_limit=7),
        ),
        "the account's quota is",
    ),
    Mistake(
        "route-without-a-throttle",
        routes.websocket,
        edit(
            f"{WEBSOCKET}.aws_apigatewayv2_stage",
            "route_settings",
            lambda block: [each for each in block if each["route_key"] != "sync"],
        ),
        "has no throttle for sync alone",
    ),
    Mistake(
        "other-throttle",
        routes.http,
        edit(
            "operators_api.aws_apigatewayv2_stage",
            "route_settings",
            lambda block: first(block, throttling_rate_limit=7),
        ),
        "in the description",
    ),
    Mistake(
        "viewers-come-faster-than-they-leave",
        routes.leaving,
        leaves(throttling_rate_limit=150),
        "rows stay behind",
    ),
    Mistake(
        "fewer-leave-at-once-than-come",
        routes.leaving,
        leaves(throttling_burst_limit=100),
        "rows stay behind",
    ),
    Mistake(
        "more-than-the-quota",
        routes.budget,
        edit(
            f"{WEBSOCKET}.aws_apigatewayv2_stage",
            "route_settings",
            lambda block: first(block, throttling_rate_limit=5000),
        ),
        "exceed the quota of 10000",
    ),
    Mistake(
        "send-rate-above-what-is-left",
        routes.budget,
        variables(SENDER, lambda environment: environment.update(SEND_RATE="9000")),
        "exceed the quota of 10000",
    ),
]
