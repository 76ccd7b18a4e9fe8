"""The routes of both APIs, against the description that devstack makes its own from."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from devstack.quotas import requests_of, route_throttles

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Resource


def http(applied: Applied) -> list[str]:
    """Routes of the HTTP API that are missing, too many, or open where they need an operator."""
    described = applied.system["http_api"]
    api = applied.api("HTTP", applied.home)
    if api is None:
        return [f"there is no HTTP API in {applied.home}"]
    has = _routes(applied, api)
    found = _differences("the HTTP API", set(has), set(described["routes"]))
    needs = described["authorizer"]["routes"]
    for key, route in has.items():
        guarded = (route["authorization_type"], bool(route["authorizer_id"]), bool(route["authorization_scopes"]))
        if key in needs and guarded != ("JWT", True, True):
            found.append(f"{key} takes no operator's token with a scope")
        scope = _scope(applied, key)
        if key in needs and list(route["authorization_scopes"] or []) not in ([], [scope]):
            found.append(f"{key} takes a token with another scope than {scope}")
        if key not in needs and guarded[0] not in {None, "NONE"}:
            found.append(f"{key} is not open")
    return found + _throttled(applied, api, described) + _targets(applied, api, described["function"])


def _scope(applied: Applied, route: str) -> str:
    """The scope that a route of the HTTP API needs, by default."""
    authorizer = applied.system["http_api"]["authorizer"]
    setting = authorizer["scopes"].get(route, authorizer["scope"]).removeprefix("setting.")
    return str(applied.system["settings"][setting]["default"])


def websocket(applied: Applied) -> list[str]:
    """Routes of the WebSocket APIs that are missing, too many, unguarded, or cannot answer."""
    described = applied.system["websocket_api"]
    found = []
    for region in applied.gateway_cells:
        api = applied.api("WEBSOCKET", region)
        assert api is not None
        where = f"the WebSocket API in {region}"
        has = _routes(applied, api)
        found += _differences(where, set(has), set(described["routes"]))
        if api["route_selection_expression"] != described["route_selection_expression"]:
            found.append(f"{where} selects routes by {api['route_selection_expression']}")
        connect = has.get("$connect")
        if connect is not None and (connect["authorization_type"], bool(connect["authorizer_id"])) != ("CUSTOM", True):
            found.append(f"{where} lets everybody in")
        responses = {
            each.address.rpartition("[")[2]
            for each in applied.of("aws_apigatewayv2_route_response", region.region)
            if each["api_id"] == api["id"] and each["route_response_key"] == "$default"
        }
        for key in described["two_way"]:
            if f'"{key}"]' not in responses:
                found.append(f"{where}: {key} has no route response")
            if key in has and has[key]["route_response_selection_expression"] != "$default":
                found.append(f"{where}: {key} has no selection expression for its response")
        found += _throttled(applied, api, described) + _targets(applied, api, f"{described['function']}{region.suffix}")
    return found


def _routes(applied: Applied, api: Resource) -> dict[str, Resource]:
    routes = applied.of("aws_apigatewayv2_route", api.region)
    return {each["route_key"]: each for each in routes if each["api_id"] == api["id"]}


def _differences(where: str, has: set[str], wanted: set[str]) -> list[str]:
    return [f"{where} has no {key}" for key in sorted(wanted - has)] + [
        f"{where} has {key}, which is not in the description" for key in sorted(has - wanted)
    ]


def _stage(applied: Applied, api: Resource) -> Resource | None:
    stages = applied.of("aws_apigatewayv2_stage", api.region)
    return next((each for each in stages if each["api_id"] == api["id"]), None)


def _throttled(applied: Applied, api: Resource, described: dict[str, Any]) -> list[str]:
    """A stage must throttle each route by itself, as described, and by default at the account's quota.

    A throttle of 0 answers everything with 429. No documentation says whether POSTs to connections count against the
    default: below the quota it could slow down every goal.
    """
    stage = _stage(applied, api)
    where = f"the stage of {api['name']} in {api.region}"
    if stage is None:
        return [f"{where} is missing"]
    account = requests_of(api.region)
    has = {each["route_key"]: _throttle(each) for each in stage["route_settings"] or []}
    default = _throttle((stage["default_route_settings"] or [{}])[0])
    found = [f"{where} throttles {key} to nothing" for key, each in {**has, "default": default}.items() if 0 in each]
    found += [f"{where} has no throttle for {key} alone" for key in described["routes"] if key not in has]
    if default != (account.rate, account.burst):
        found.append(f"{where} throttles by default at {default}, the account's quota is {astuple(account)}")
    wanted = {key: astuple(each) for key, each in route_throttles(described, account).items()}
    if has != wanted:
        found.append(f"{where} has the throttles {has}, and {wanted} in the description")
    if stage["name"] != described.get("stage", "$default"):
        found.append(f"{where} is called {stage['name']}")
    return found


def _throttle(settings: dict[str, Any]) -> tuple[int, int]:
    return settings.get("throttling_rate_limit") or 0, settings.get("throttling_burst_limit") or 0


def budget(applied: Applied) -> list[str]:
    """Throttles of the routes and the send rate, which together exceed the account's quota of a region."""
    found = []
    for region in sorted({cell.region for cell in applied.gateway_cells}):
        rates = [
            each["throttling_rate_limit"]
            for stage in applied.of("aws_apigatewayv2_stage", region)
            for each in stage["route_settings"] or []
        ]
        send_rate = 0
        for cell in (each for each in applied.gateway_cells if each.region == region):
            sender = applied.function("sender", cell)
            assert sender is not None
            send_rate += int(sender["environment"][0]["variables"]["SEND_RATE"])
        quota = requests_of(region).rate
        if sum(rates) + send_rate > quota:
            found.append(f"routes ({sum(rates)}) and senders ({send_rate}) in {region} exceed the quota of {quota}")
    return found


def leaving(applied: Applied) -> list[str]:
    """Cells where viewers may come faster than they may leave.

    A ``$disconnect`` that the throttle refuses does not come again: "API Gateway will try its best to deliver the
    $disconnect event to your integration, but it cannot guarantee delivery"
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html).
    The row of that connection then costs the next goal a POST. Viewers leave as often as they come, because they renew
    their connections.
    """
    found = []
    for region in applied.gateway_cells:
        api = applied.api("WEBSOCKET", region)
        stage = _stage(applied, api) if api else None
        has = {each["route_key"]: _throttle(each) for each in (stage["route_settings"] or [] if stage else [])}
        come, leave = has.get("$connect", (0, 0)), has.get("$disconnect", (0, 0))
        if leave[0] < come[0] or leave[1] < come[1]:
            found.append(f"$disconnect in {region} is throttled at {leave}, and $connect at {come}: rows stay behind")
    return found


def _targets(applied: Applied, api: Resource, function: str) -> list[str]:
    """Routes that lead to another function than the description's."""
    integrations = {
        f"integrations/{each['id']}": str(each["integration_uri"])
        for each in applied.of("aws_apigatewayv2_integration", api.region)
        if each["api_id"] == api["id"]
    }
    name = f":function:{applied.prefix}-{function}"
    return [
        f"{key} of {api['name']} in {api.region} does not lead to {function}"
        for key, route in _routes(applied, api).items()
        if f"{name}/" not in integrations.get(str(route["target"]), "")
        and f"{name}:" not in integrations.get(str(route["target"]), "")
    ]
