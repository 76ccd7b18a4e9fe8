"""The effects of an authorizer's answer."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.standin.policy import judge

ARN = "arn:aws:execute-api:us-east-1:000000000000:standin/live/$connect"


def policy(*statements: tuple[str, Any]) -> dict[str, Any]:
    """An answer with a policy of these effects and resources."""
    listed = [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": of} for effect, of in statements]
    return {"principalId": "p", "policyDocument": {"Version": "2012-10-17", "Statement": listed}}


@pytest.mark.parametrize(
    "resource", [ARN, "*", ["other", ARN], "arn:aws:execute-api:*:standin/*", ARN.replace("live", "l?ve")]
)
def test_a_policy_that_speaks_of_connect_lets_in(resource: Any) -> None:
    """A policy allows the connection by the whole ARN, a pattern, or one ARN of a list."""
    assert judge(policy(("Allow", resource)), None, ARN).refusal is None


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (policy(("Deny", ARN)), None, 403),
        (policy(("Allow", "*"), ("Deny", ARN)), None, 403),
        (policy(("Allow", ARN + "x")), None, 403),
        (policy(("Allow", ARN.replace("live", "dead"))), None, 403),
        (policy(), None, 403),
        ({}, None, 500),
        (None, None, 500),
        ("Allow", None, 500),
        (policy(("Allow", ARN)) | {"context": {"list": []}}, None, 500),
        (policy(("Allow", ARN)) | {"context": [1]}, None, 500),
        (None, RuntimeError("Unauthorized"), 401),
        (None, RuntimeError("unauthorized"), 500),
    ],
)
def test_everything_else_refuses(answer: Any, error: Exception | None, status: int) -> None:
    """A deny, a policy without ``$connect``, an invalid answer and a failure each refuse the connection."""
    refusal = judge(answer, error, ARN).refusal
    assert refusal is not None
    assert refusal[0] == status


def test_the_context_is_handed_on_as_text() -> None:
    """Functions get every value of the context as text, true and false in small letters."""
    answer = policy(("Allow", ARN)) | {"context": {"vip": True, "seats": 3, "name": "ann"}}
    assert judge(answer, None, ARN).context == {"principalId": "p", "vip": "true", "seats": "3", "name": "ann"}
