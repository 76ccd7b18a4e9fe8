"""The optional user pool: who may get a token, what is in it, and that the APIs take it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.terraform.policies import PLATFORM
from tests.terraform.source import reached

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Resource

LONGEST = 5
"""Seconds that Cognito waits for a trigger
(https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html)."""


def pool(applied: Applied) -> Resource:
    """The one pool, which is at home."""
    [found] = applied.of("aws_cognito_user_pool", applied.home)
    return found


def clients(applied: Applied) -> dict[str, Resource]:
    """The app clients by their names."""
    return {str(each["name"]): each for each in applied.of("aws_cognito_user_pool_client", applied.home)}


def closed(applied: Applied) -> list[str]:
    """Every user of the pool operates, so nobody may sign up, and users do not vanish by a slip."""
    found = []
    made = pool(applied)
    if not all(each["allow_admin_create_user_only"] for each in made["admin_create_user_config"] or [{}]):
        found.append("everybody may sign up, and would be an operator")
    if made["deletion_protection"] != "ACTIVE":
        found.append("the pool and its users may be deleted")
    if [each["user_pool_id"] for each in applied.of("aws_cognito_user_pool_domain", applied.home)] != [made["id"]]:
        found.append("the pool has no sign-in page, and no address at which tokens are given out")
    return found


def of_clients(applied: Applied) -> list[str]:
    """An app client for machines has a secret, the desk's has none, and each scope is one of the resource server's."""
    servers = applied.of("aws_cognito_resource_server", applied.home)
    scopes = {f"{each['identifier']}/{scope['scope_name']}" for each in servers for scope in each["scope"]}
    found = []
    for name, client in clients(applied).items():
        found += [
            f"{name} is allowed {each}, which is no scope"
            for each in client["allowed_oauth_scopes"]
            if each not in scopes
        ]
        flow, secret = (["code"], False) if name == "desk" else (["client_credentials"], True)
        if client["allowed_oauth_flows"] != flow or bool(client["generate_secret"]) != secret:
            found.append(f"{name} gets tokens by {client['allowed_oauth_flows']}, secret: {client['generate_secret']}")
        if not client["allowed_oauth_flows_user_pool_client"]:
            found.append(f"{name} may not get tokens")
    return found


def trigger(applied: Applied) -> list[str]:
    """The trigger is a function that is there, that only this pool calls, in time, and that may call nothing itself."""
    made, found = pool(applied), []
    configured = made["lambda_config"][0]["pre_token_generation_config"][0]
    function = applied.function("pretoken", applied.home)
    if function is None or not str(configured["lambda_arn"]).endswith(f":function:{function['function_name']}"):
        return [f"the pool calls {configured['lambda_arn']}, which is not there"]
    if configured["lambda_version"] != "V3_0" or made["user_pool_tier"] not in {"ESSENTIALS", "PLUS"}:
        found.append("the trigger does not reach the access tokens of machines")
    try:
        reached(applied.root, str(function["handler"]))
    except KeyError:
        found.append(f"there is no {function['handler']}")
    if function["timeout"] > LONGEST:
        found.append(f"the trigger may take {function['timeout']} s, and Cognito waits {LONGEST} s")
    if not isinstance(json.loads(function["environment"][0]["variables"]["COMPETITIONS"]), dict):
        found.append("the trigger's COMPETITIONS are no object")
    may = {
        (each["principal"], each["source_arn"], each["source_account"])
        for each in applied.of("aws_lambda_permission", applied.home)
        if each["function_name"] == function["function_name"]
    }
    if {(principal, arn) for principal, arn, _ in may} != {("cognito-idp.amazonaws.com", made["arn"])}:
        found.append(f"the trigger may be called by {sorted(map(str, may)) or 'nobody'}, and not just by the pool")
    allowed = {action for each in applied.policy(function) for action in each["Action"]}
    extra = allowed - PLATFORM["every function"] - PLATFORM["with a key"]
    return found + [f"the trigger may {each} and never does" for each in sorted(extra)]


def accepted(applied: Applied) -> list[str]:
    """Both APIs take the pool's tokens: of operators at the HTTP API, of viewers at every cell."""
    found, ours = [], clients(applied)
    issuer = f"https://cognito-idp.{applied.home}.amazonaws.com/{pool(applied)['id']}"
    operators = sorted(str(client["id"]) for name, client in ours.items() if name in {"commands", "desk"})
    found += [
        f"operators need a token of {jwt['issuer']} for {jwt['audience']}"
        for each in applied.of("aws_apigatewayv2_authorizer", applied.home)
        for jwt in each["jwt_configuration"] or []
        if (jwt["issuer"], sorted(jwt["audience"])) != (issuer, operators)
    ]
    for region in applied.gateway_cells:
        function = applied.function("authorizer", region)
        variables = function["environment"][0]["variables"] if function is not None else {}
        viewers = str(ours["viewers"]["id"]) if "viewers" in ours else ""
        wanted = {"ISSUER": issuer, "JWKS_URL": f"{issuer}/.well-known/jwks.json", "VIEWER_AUDIENCE": viewers}
        found += [
            f"{name} in {region} is {variables.get(name)!r}" for name in wanted if variables.get(name) != wanted[name]
        ]
    return found


def desk(applied: Applied) -> list[str]:
    """People are sent back from the sign-in page to the desk that sent them there, which names that app client."""
    [made] = [each for each in applied.of("aws_s3_object") if each["key"] == "deployment.json"]
    sign_in = json.loads(made["content"])["operators"].get("sign_in", {})
    client = clients(applied).get("desk")
    if client is None:
        return [f"the desk sends people to {sign_in}, and has no app client"] if sign_in else []
    [domain] = applied.of("aws_cognito_user_pool_domain", applied.home)
    page = f"https://{domain['domain']}.auth.{applied.home}.amazoncognito.com/oauth2"
    wanted = {"authorize_url": f"{page}/authorize", "token_url": f"{page}/token", "client_id": client["id"]}
    found = [
        f"the desk's {name} is {sign_in.get(name)!r}" for name, value in wanted.items() if sign_in.get(name) != value
    ]
    if not all(str(each).endswith("/operator.html") for each in client["callback_urls"]):
        found.append(f"people come back from the sign-in page to {client['callback_urls']}")
    return found
