"""Pure: the two claims of a viewer's token that a client needs itself. It verifies nothing: the server does.

(https://www.rfc-editor.org/rfc/rfc7519#section-4.1)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from typing import Any

_HASH_DIGITS = 40


def end_of(token: str | None) -> float:
    """When a token ends, in seconds since 1970; infinity without a token, and for a token that does not say it."""
    expires = _claims(token).get("exp")
    return float(expires) if isinstance(expires, (int, float)) and not isinstance(expires, bool) else math.inf


def feed_of_subject(token: str | None) -> str | None:
    """The feed of ``<namespace>/subjects`` that the token's subject may hear; None without a subject."""
    subject = _claims(token).get("sub")
    if not isinstance(subject, str) or not subject:
        return None
    return f"s-{hashlib.sha256(subject.encode()).hexdigest()[:_HASH_DIGITS]}"


def renew_at(now: float, ends_at: float, chance: float, *, renewable: bool) -> float:
    """When to replace a connection whose token ends at ``ends_at``; all times are on one clock.

    A ``renewable`` token is replaced after 80 to 95 % of the time that is left, at a random moment: tokens that end
    together must not bring all viewers back together. Any other token is used to its end.
    """
    if not renewable or math.isinf(ends_at):
        return ends_at
    return now + (ends_at - now) * (0.8 + 0.15 * chance)


def _claims(token: str | None) -> dict[str, Any]:
    parts = (token or "").split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
