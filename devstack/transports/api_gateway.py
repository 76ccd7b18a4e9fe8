"""The transport API Gateway on this machine: a WebSocket API and the state machine of the broadcasts."""

from __future__ import annotations

from devstack.system import ROLE, Provisioned, System
from devstack.transports.ministack_resources import client, integration, invocation_uri, throttles
from devstack.transports.transport import StackTransport


def provision(system: System) -> Provisioned:
    """Create the state machine and the WebSocket API of a cell."""
    client(system, "stepfunctions").create_state_machine(
        name=system.name("broadcast"),
        type=system.raw["state_machine"]["type"],
        definition=system.state_machine(),
        roleArn=ROLE,
    )
    _websocket_api(system)
    return Provisioned(address={"url": system.websocket_url})


def _websocket_api(system: System) -> None:
    gateway = client(system, "apigatewayv2")
    described = system.raw["websocket_api"]
    api = gateway.create_api(
        Name=system.name("websocket"),
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression=described["route_selection_expression"],
        Tags={"ms-custom-id": system.websocket_api_id},
    )["ApiId"]
    target = integration(system, gateway, api, described["function"], "1.0")
    # No identity sources: API Gateway refuses a request that lacks one, without a call of the authorizer.
    authorizer = gateway.create_authorizer(
        ApiId=api,
        Name="viewers",
        AuthorizerType="REQUEST",
        AuthorizerUri=invocation_uri(system, described["authorizer"]),
        IdentitySource=[],
    )
    for route in described["routes"]:
        authorized = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer["AuthorizerId"]}
        two_way = route in described["two_way"]
        made = gateway.create_route(
            ApiId=api,
            RouteKey=route,
            Target=target,
            **({"RouteResponseSelectionExpression": "$default"} if two_way else {}),
            **(authorized if route == "$connect" else {}),
        )
        if two_way:
            gateway.create_route_response(ApiId=api, RouteId=made["RouteId"], RouteResponseKey="$default")
    gateway.create_stage(ApiId=api, StageName=described["stage"], AutoDeploy=True, **throttles(system, described))


TRANSPORT = StackTransport(provision)
