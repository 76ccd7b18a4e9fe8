"""Mistakes in the site and the snapshots."""

from __future__ import annotations

from tests.terraform import site
from tests.terraform.mistakes.making import PAGES, SITE, SNAPSHOTS, Mistake, edit, first, with_values

MISTAKES = [
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
]
