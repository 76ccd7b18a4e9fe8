"""Pure: API Gateway's decision after the answer of a ``$connect`` authorizer.

After an allow, the connection opens, and the context goes with every later event, each value as text. A deny, or a
policy without ``$connect``, is answered 403; ``Unauthorized`` is answered 401; any other failure 500
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_FAILED = "Internal server error"
_DENIED = "User is not authorized to access this resource"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision: None for allow, else the status and the text of the refusal."""

    refusal: tuple[int, str] | None
    context: dict[str, str] = field(default_factory=dict)


def judge(answer: Any, error: BaseException | None, arn: str) -> Verdict:
    """The decision on a connection to ``arn``."""
    if error is not None:
        return Verdict((401, "Unauthorized") if str(error) == "Unauthorized" else (500, _FAILED))
    given: Any = answer if isinstance(answer, dict) else {}
    policy, context = given.get("policyDocument"), given.get("context") or {}
    if not isinstance(policy, dict) or not isinstance(context, dict):
        return Verdict((500, _FAILED))
    if not all(isinstance(value, str | int | float) for value in context.values()):
        return Verdict((500, _FAILED))
    effects = {each.get("Effect") for each in _statements(policy) if _names(each, arn)}
    if "Deny" in effects:
        return Verdict((403, f"{_DENIED} with an explicit deny"))
    if "Allow" not in effects:
        return Verdict((403, _DENIED))
    said = {name: _text(value) for name, value in context.items()}
    return Verdict(None, {"principalId": str(given.get("principalId", "")), **said})


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    listed = policy.get("Statement") or []
    return [each for each in (listed if isinstance(listed, list) else [listed]) if isinstance(each, dict)]


def _names(statement: dict[str, Any], arn: str) -> bool:
    listed = statement.get("Resource") or []
    patterns = [listed] if isinstance(listed, str) else listed
    return any(re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), arn) for each in patterns)


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
