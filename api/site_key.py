"""The check that a reader's request has come through the site.

The HTTP API has an address of its own, and AWS WAF cannot stand before it: WAF protects CloudFront and REST APIs
(https://docs.aws.amazon.com/waf/latest/developerguide/how-aws-waf-works-resources.html). So CloudFront adds a secret
header to what it asks, the site's key, and overwrites one that a viewer sends
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html). Requests with an
operator's token need no key: API Gateway has verified the token before the function is called.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from api.api_settings import ApiSettings
from runtime.environment import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "x-livescore-site"
"""The header's name in lower case; terraform/site.json has it as ``key_header``."""

REFUSAL = "Read from the site's address: this address answers only requests that carry an operator's token."


def refusal(event: Mapping[str, Any]) -> str | None:
    """The refusal of a request (payload format 2.0) that did not come through the site; None for all others.

    ``SITE_KEYS`` has the keys that count, separated by commas: while a key is changed, the one before it counts too.
    Without keys there is no site to go around. Raises SettingsError if the variable is missing.
    """
    keys = [key.encode() for key in settings(ApiSettings).site_keys.split(",") if key]
    if not keys or "jwt" in (event["requestContext"].get("authorizer") or {}):
        return None
    headers = event.get("headers") or {}
    sent = next((value for name, value in headers.items() if name.lower() == HEADER), "").encode()
    # Every key is compared, and each comparison takes the same time, so the time tells nothing about a key.
    matching = [hmac.compare_digest(sent, key) for key in keys]
    return None if any(matching) else REFUSAL
