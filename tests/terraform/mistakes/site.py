"""Mistakes in the site and the snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.terraform import site, site_key
from tests.terraform.mistakes.making import (
    API,
    AUTHORIZER,
    DEPLOYMENT,
    OPERATORS,
    PAGES,
    SITE,
    SNAPSHOTS,
    Mistake,
    edit,
    first,
    gone,
    text,
    variables,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied


def _of_operators(**values: Any) -> Callable[[Applied], Applied]:
    """Other values in the behavior of the operators' path."""
    return _of_path("/operators/*", values)


def _of_listeners(**values: Any) -> Callable[[Applied], Applied]:
    """Other values in the behavior of the listeners' path."""
    return _of_path("/listeners/*", values)


def _of_path(path: str, values: dict[str, Any]) -> Callable[[Applied], Applied]:
    def change(behaviors: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**each, **values} if each["path_pattern"] == path else each for each in behaviors]

    return edit(SITE, "ordered_cache_behavior", change)


def _shielded(*shields: dict[str, Any]) -> Callable[[Applied], Applied]:
    """Another Origin Shield before both origins, or none."""
    return edit(SITE, "origin", lambda block: [{**each, "origin_shield": list(shields)} for each in block])


MISTAKES = [
    Mistake(
        "visitors-need-a-token",
        site.visitors,
        variables(AUTHORIZER, lambda given: given.update(ANONYMOUS="off")),
        "no live updates from the cell in us-east-1",
    ),
    Mistake(
        "another-site-s-visitors",
        site.visitors,
        variables(AUTHORIZER, lambda given: given.update(ORIGINS="https://scores.example.org")),
        "no live updates from the cell in us-east-1",
    ),
    Mistake(
        "host-passed-on",
        site.distribution,
        edit(SITE, "ordered_cache_behavior", lambda block: first(block, origin_request_policy_id="Managed-AllViewer")),
        "Host",
    ),
    Mistake(
        "tokens-passed-on",
        site.distribution,
        edit(
            SNAPSHOTS,
            "parameters_in_cache_key_and_forwarded_to_origin",
            lambda block: first(
                block, headers_config=[{"header_behavior": "whitelist", "headers": [{"items": ["Authorization"]}]}]
            ),
        ),
        "headers of the caller",
    ),
    Mistake("stale-snapshots", site.distribution, with_values(SNAPSHOTS, max_ttl=60), "60 seconds"),
    Mistake("kept-unasked", site.distribution, with_values(SNAPSHOTS, default_ttl=30), "kept for 30 seconds"),
    Mistake(
        "posts-through-the-cache",
        site.distribution,
        edit(
            SITE,
            "ordered_cache_behavior",
            lambda block: first(block, allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]),
        ),
        "more than reading",
    ),
    Mistake("errors-kept", site.distribution, with_values(SITE, custom_error_response=[]), "404"),
    Mistake(
        "another-origin",
        site.distribution,
        edit(SITE, "origin", lambda block: [{**each, "domain_name": "example.org"} for each in block]),
        "not the HTTP API",
    ),
    Mistake(
        "no-origin-shield",
        site.shielded,
        _shielded(),
        "there is no Origin Shield",
    ),
    Mistake(
        "origin-shield-switched-off",
        site.shielded,
        _shielded({"enabled": False, "origin_shield_region": "eu-west-1"}),
        "there is no Origin Shield",
    ),
    Mistake(
        "origin-shield-far-from-home",
        site.shielded,
        _shielded({"enabled": True, "origin_shield_region": "sa-east-1"}),
        "is near home",
    ),
    Mistake(
        "inline-scripts",
        site.pages,
        edit(
            PAGES,
            "security_headers_config",
            lambda block: first(
                block,
                content_security_policy=[
                    {"content_security_policy": "default-src 'none'; script-src 'self' 'unsafe-inline'"}
                ],
            ),
        ),
        "scripts of",
    ),
    Mistake("no-headers", site.pages, with_values(PAGES, security_headers_config=[]), "no security headers"),
    Mistake(
        "cell-out-of-reach",
        site.pages,
        edit(
            PAGES,
            "security_headers_config",
            lambda block: first(
                block,
                content_security_policy=[
                    {"content_security_policy": "default-src 'none'; script-src 'self'; connect-src 'self'"}
                ],
            ),
        ),
        "reach the cell",
    ),
    Mistake(
        "public-bucket",
        site.bucket,
        with_values("web[0].aws_s3_bucket_public_access_block", block_public_policy=False),
        "made public",
    ),
    Mistake(
        "unsigned-origin",
        site.bucket,
        edit(SITE, "origin", lambda block: [{**each, "origin_access_control_id": ""} for each in block]),
        "sign",
    ),
    Mistake(
        "bucket-for-another-distribution",
        site.bucket,
        with_values(SITE, arn="arn:aws:cloudfront::1:distribution/other"),
        "is open to",
    ),
    Mistake(
        "days-not-told-apart",
        site.distribution,
        edit(
            SNAPSHOTS,
            "parameters_in_cache_key_and_forwarded_to_origin",
            lambda block: first(
                block,
                query_strings_config=[
                    {"query_string_behavior": "whitelist", "query_strings": [{"items": ["after", "epoch", "limit"]}]}
                ],
            ),
        ),
        "told apart by",
    ),
    Mistake(
        "another-path-passed-on",
        site.forwarded,
        edit(SITE, "ordered_cache_behavior", lambda block: [*block, {**block[0], "path_pattern": "/openapi*"}]),
        "/openapi* is passed on",
    ),
    Mistake(
        "every-path-passed-on",
        site.forwarded,
        edit(SITE, "default_cache_behavior", lambda block: first(block, target_origin_id="api")),
        "every other path",
    ),
    Mistake(
        "posts-to-pages",
        site.forwarded,
        edit(SITE, "default_cache_behavior", lambda block: first(block, allowed_methods=["GET", "HEAD", "OPTIONS"])),
        "more than reading",
    ),
    Mistake(
        "other-methods-of-readers",
        site.forwarded,
        edit(SITE, "ordered_cache_behavior", lambda block: first(block, allowed_methods=["GET", "HEAD", "OPTIONS"])),
        "/matches* takes ['OPTIONS']",
    ),
    Mistake(
        "api-below-a-path",
        site.forwarded,
        edit(SITE, "origin", lambda block: [{**each, "origin_path": "/.."} for each in block]),
        "is asked below /..",
    ),
    Mistake(
        "another-place-to-ask",
        site.forwarded,
        edit(SITE, "origin", lambda block: [*block, {**block[0], "origin_id": "other"}]),
        "another origin, other",
    ),
    Mistake(
        "two-behaviors-for-a-path",
        site.forwarded,
        edit(SITE, "ordered_cache_behavior", lambda block: [block[0], *block]),
        "two behaviors are for /matches*",
    ),
    Mistake(
        "code-at-the-edge",
        site.forwarded,
        edit(
            SITE,
            "ordered_cache_behavior",
            lambda block: first(block, lambda_function_association=[{"event_type": "origin-request"}]),
        ),
        "a function at the edge changes /matches*",
    ),
    Mistake(
        "a-function-for-readers",
        site.forwarded,
        edit(
            SITE,
            "ordered_cache_behavior",
            lambda block: first(block, function_association=[{"event_type": "viewer-request"}]),
        ),
        "1 CloudFront functions change /matches*",
    ),
    Mistake(
        "no-function-for-operators", site.forwarded, _of_operators(function_association=[]), "0 CloudFront functions"
    ),
    Mistake(
        "more-passed-on-for-pages",
        site.forwarded,
        edit(SITE, "default_cache_behavior", lambda block: first(block, origin_request_policy_id="Managed-AllViewer")),
        "every other path passes on more",
    ),
    Mistake(
        "a-token-for-everybody",
        site.forwarded,
        edit(
            SITE,
            "origin",
            lambda block: [{**each, "custom_header": [{"name": "Authorization", "value": "x"}]} for each in block],
        ),
        "is sent the headers ['Authorization']",
    ),
    Mistake(
        "no-key-of-the-site",
        site_key.required,
        edit(SITE, "origin", lambda block: [{**each, "custom_header": []} for each in block]),
        "the API refuses what CloudFront asks",
    ),
    Mistake(
        "a-key-that-the-api-does-not-know",
        site_key.required,
        variables(API, lambda given: given.update(SITE_KEYS="k" * 36)),
        "the API refuses what CloudFront asks",
    ),
    Mistake(
        "no-key-asked-for",
        site_key.required,
        variables(API, lambda given: given.update(SITE_KEYS="")),
        "readers who go around CloudFront",
    ),
    Mistake(
        "a-key-to-guess",
        site_key.required,
        variables(API, lambda given: given.update(SITE_KEYS="key")),
        "can be guessed",
    ),
    Mistake(
        "a-key-for-the-bucket",
        site.forwarded,
        edit(
            SITE,
            "origin",
            lambda block: [{**each, "custom_header": [{"name": "X-Livescore-Site", "value": "x"}]} for each in block],
        ),
        "the origin site is sent the headers ['X-Livescore-Site']",
    ),
    Mistake(
        "an-api-without-an-address",
        site_key.address,
        gone("operators_api.module.domain[0].aws_apigatewayv2_api_mapping.this"),
        "has no address",
    ),
    Mistake(
        "two-addresses",
        site_key.address,
        with_values("operators_api.aws_apigatewayv2_api.this", disable_execute_api_endpoint=False),
        "answers at AWS's address too",
    ),
    Mistake(
        "an-address-that-is-off",
        site.distribution,
        edit(
            SITE,
            "origin",
            lambda block: [{**each, "domain_name": "a.execute-api.eu-west-1.amazonaws.com"} for each in block],
        ),
        "which is not the HTTP API",
    ),
    Mistake(
        "pages-from-the-api",
        site.forwarded,
        edit(SITE, "origin", lambda block: [{**each, "domain_name": "api.example.org"} for each in block]),
        "the origin site is the API as well",
    ),
    Mistake(
        "another-origin-on-errors",
        site.forwarded,
        edit(SITE, "origin_group", lambda _: [{"origin_id": "both"}]),
        "a group of origins",
    ),
    Mistake(
        "a-snapshot-for-an-error",
        site.forwarded,
        edit(
            SITE,
            "custom_error_response",
            lambda block: first(block, response_page_path="/matches/x", response_code=200),
        ),
        "another page",
    ),
    Mistake("snapshots-kept-for-an-hour", site.distribution, with_values(SNAPSHOTS, min_ttl=3600), "3600 seconds"),
    Mistake(
        "every-query-passed-on",
        site.distribution,
        edit(
            SNAPSHOTS,
            "parameters_in_cache_key_and_forwarded_to_origin",
            lambda block: first(
                block,
                query_strings_config=[{**block[0]["query_strings_config"][0], "query_string_behavior": "all"}],
            ),
        ),
        "all query strings",
    ),
    Mistake("no-way-for-listeners", site.listeners, _of_listeners(path_pattern="/l/*"), "is not the API's"),
    Mistake("listeners-to-the-bucket", site.listeners, _of_listeners(target_origin_id="site"), "leads to site"),
    Mistake(
        "listeners-answers-kept", site.listeners, _of_listeners(cache_policy_id="livescore-snapshots"), "for others"
    ),
    Mistake("listeners-without-token", site.listeners, _of_listeners(origin_request_policy_id=""), "Authorization"),
    Mistake("listeners-in-the-clear", site.listeners, _of_listeners(viewer_protocol_policy="allow-all"), "the clear"),
    Mistake(
        "listeners-without-preflight",
        site.listeners,
        with_values("aws_cloudfront_function.listeners", code="//"),
        "nobody answers a page",
    ),
    Mistake(
        "listeners-without-options",
        site.listeners,
        _of_listeners(allowed_methods=["GET", "HEAD"]),
        "nobody answers a page",
    ),
    Mistake("no-way-for-operators", site.operators, _of_operators(path_pattern="/o/*"), "is not the API's"),
    Mistake("operators-to-the-bucket", site.operators, _of_operators(target_origin_id="site"), "leads to site"),
    Mistake("operators-answers-kept", site.operators, _of_operators(cache_policy_id="livescore-snapshots"), "be kept"),
    Mistake("operators-without-token", site.operators, _of_operators(origin_request_policy_id=""), "Authorization"),
    Mistake(
        "operators-with-host",
        site.operators,
        _of_operators(origin_request_policy_id="216adef6-5c7f-47e4-b989-5492eafa07d3"),
        "too much",
    ),
    Mistake("operators-cannot-post", site.operators, _of_operators(allowed_methods=["GET", "HEAD"]), "not post"),
    Mistake("tokens-in-the-clear", site.operators, _of_operators(viewer_protocol_policy="allow-all"), "in the clear"),
    Mistake("prefix-stays", site.operators, _of_operators(function_association=[]), "not taken off"),
    Mistake(
        "prefix-taken-off-too-late",
        site.operators,
        edit(
            SITE,
            "ordered_cache_behavior",
            lambda block: [
                {
                    **each,
                    "function_association": [
                        {**one, "event_type": "viewer-response"} for one in each["function_association"] or []
                    ],
                }
                for each in block
            ],
        ),
        "not taken off",
    ),
    Mistake(
        "another-function", site.operators, with_values("aws_cloudfront_function.operators", code="//"), "not taken off"
    ),
    Mistake(
        "an-older-runtime",
        site.operators,
        with_values("aws_cloudfront_function.operators", runtime="cloudfront-js-1.0"),
        "cloudfront-js-1.0",
    ),
    Mistake(
        "operators-answers-for-every-page", site.operators, with_values(OPERATORS, cors_config=[{}]), "another site's"
    ),
    Mistake("answers-to-be-kept", site.as_described, with_values(OPERATORS, custom_headers_config=[]), "Cache-Control"),
    Mistake(
        "other-permissions",
        site.as_described,
        with_values(PAGES, custom_headers_config=[{"items": [{"header": "Permissions-Policy", "value": "camera=*"}]}]),
        "Permissions-Policy",
    ),
    Mistake("no-deployment", site.deployment, gone(DEPLOYMENT), "no deployment.json"),
    Mistake(
        "deployment-without-operators",
        site.deployment,
        text(DEPLOYMENT, "content", '"operators"', '"operator"'),
        "as the pages read it",
    ),
    Mistake(
        "deployment-leads-elsewhere",
        site.deployment,
        text(DEPLOYMENT, "content", "wss://", "wss://not."),
        "which is no cell",
    ),
    Mistake(
        "sign-in-out-of-reach",
        site.deployment,
        edit(
            PAGES,
            "security_headers_config",
            lambda block: first(
                block, content_security_policy=[{"content_security_policy": "default-src 'none'; connect-src 'self'"}]
            ),
        ),
        "where operators sign in",
    ),
]
