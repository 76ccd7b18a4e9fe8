"""The ways to the HTTP API that go around CloudFront, its cache and its WAF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import site_key
from tests.support import environment
from tests.terraform.site import described

if TYPE_CHECKING:
    from tests.terraform.applied import Applied

SHORTEST = 32
"""Characters of a key: nobody guesses so many."""


def required(applied: Applied) -> list[str]:
    """Requests that the API answers though they do not come from CloudFront, and CloudFront's that it refuses."""
    function = applied.function(applied.system["http_api"]["function"], applied.home)
    if function is None:
        return ["there is no function of the HTTP API"]
    variables: dict[str, str] = function["environment"][0]["variables"]
    given = [key for key in variables.get("SITE_KEYS", "").split(",") if key]
    found = [f"a key of {len(key)} characters can be guessed" for key in given if len(key) < SHORTEST]
    sent = _sent(applied)
    with environment(variables):
        if site_key.refusal(_reading(None)) is None:
            found.append("the API answers readers who go around CloudFront")
        if sent is None or site_key.refusal(_reading(sent)) is not None:
            found.append("the API refuses what CloudFront asks")
    return found


def address(applied: Applied) -> list[str]:
    """Addresses of the API that are open beside the one that CloudFront asks."""
    api = applied.api("HTTP", applied.home)
    if api is None:
        return ["there is no HTTP API"]
    mappings = applied.of("aws_apigatewayv2_api_mapping", api.region)
    name = next((each["domain_name"] for each in mappings if each["api_id"] == api["id"]), None)
    if name is not None and not api["disable_execute_api_endpoint"]:
        return [f"the API has the name {name}, and answers at AWS's address too"]
    if name is None and api["disable_execute_api_endpoint"]:
        return ["the API has no address"]
    return []


def _sent(applied: Applied) -> str | None:
    """The key that CloudFront sends to the API, under the name that the function and devstack's site know."""
    [cloudfront] = applied.of("aws_cloudfront_distribution")
    name = described(applied)["key_header"]
    if name.lower() != site_key.HEADER:
        return None
    headers = [
        each
        for origin in cloudfront["origin"]
        if origin["origin_id"] == "api"
        for each in origin.get("custom_header") or []
    ]
    return next((str(each["value"]) for each in headers if each["name"] == name), None)


def _reading(key: str | None) -> dict[str, object]:
    """API Gateway's event for a reader's request."""
    return {"headers": {} if key is None else {site_key.HEADER: key}, "requestContext": {"stage": "$default"}}
