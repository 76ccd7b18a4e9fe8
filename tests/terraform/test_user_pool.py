"""A deployment whose tokens come from the optional user pool, held against Cognito, the code and the APIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devstack.system import ROOT
from tests.terraform import policies, site, user_pool
from tests.terraform.applied import Applied
from tests.terraform.conftest import unavailable
from tests.terraform.mistakes.making import Mistake, gone, with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.workspace import Workspace

SITE = "https://www.example.org"
VARIABLES: dict[str, Any] = {
    "home_region": "eu-west-1",
    "home": {"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/home"},
    "cells": {"eu-west-1": {}, "us-east-1": {}},
    "user_pool": {"domain_prefix": "goals", "desk_site": SITE, "viewers": True},
}
POOL = "module.user_pool[0]"
FUNCTION = f"{POOL}.module.trigger.aws_lambda_function.this"

CHECKS = [
    user_pool.closed, user_pool.of_clients, user_pool.trigger, user_pool.accepted, user_pool.desk,
    policies.too_wide, policies.of_what_is_there, policies.of_functions, site.deployment, site.visitors,
]  # fmt: skip

MISTAKES = [
    Mistake(
        "everybody-signs-up",
        user_pool.closed,
        with_values(
            f"{POOL}.aws_cognito_user_pool.this", admin_create_user_config=[{"allow_admin_create_user_only": False}]
        ),
        "everybody may sign up",
    ),
    Mistake(
        "unprotected",
        user_pool.closed,
        with_values(f"{POOL}.aws_cognito_user_pool.this", deletion_protection="INACTIVE"),
        "may be deleted",
    ),
    Mistake("no-page", user_pool.closed, gone(f"{POOL}.aws_cognito_user_pool_domain"), "no sign-in page"),
    Mistake(
        "a-page-with-a-secret",
        user_pool.of_clients,
        with_values(f"{POOL}.aws_cognito_user_pool_client.desk", generate_secret=True),
        "desk gets tokens by",
    ),
    Mistake(
        "implicit-tokens",
        user_pool.of_clients,
        with_values(f"{POOL}.aws_cognito_user_pool_client.desk", allowed_oauth_flows=["implicit"]),
        "desk gets tokens by",
    ),
    Mistake(
        "no-such-scope",
        user_pool.of_clients,
        with_values(f"{POOL}.aws_cognito_user_pool_client.viewers", allowed_oauth_scopes=["livescore/look"]),
        "no scope",
    ),
    Mistake("no-trigger", user_pool.trigger, gone(FUNCTION), "is not there"),
    Mistake("slow-trigger", user_pool.trigger, with_values(FUNCTION, timeout=30), "Cognito waits 5 s"),
    Mistake(
        "trigger-of-another-name", user_pool.trigger, with_values(FUNCTION, handler="pretoken.handler"), "there is no"
    ),
    Mistake(
        "old-trigger",
        user_pool.trigger,
        with_values(f"{POOL}.aws_cognito_user_pool.this", user_pool_tier="LITE"),
        "access tokens of machines",
    ),
    Mistake("cognito-may-not-call", user_pool.trigger, gone(f"{POOL}.aws_lambda_permission.trigger"), "by nobody"),
    Mistake(
        "every-pool-may-call",
        user_pool.trigger,
        with_values(f"{POOL}.aws_lambda_permission.trigger", source_arn=None),
        "not just by the pool",
    ),
    Mistake(
        "tokens-of-the-desk-are-refused",
        user_pool.accepted,
        with_values(
            "operators_api.aws_apigatewayv2_authorizer.operators",
            jwt_configuration=[{"issuer": "https://issuer.example.org", "audience": ["desk"]}],
        ),
        "operators need a token of",
    ),
    Mistake(
        "another-way-back",
        user_pool.desk,
        with_values(f"{POOL}.aws_cognito_user_pool_client.desk", callback_urls=[SITE]),
        "come back",
    ),
]


@pytest.fixture(scope="module")
def with_pool(workspace: Workspace) -> Applied:
    """The resources of an apply with the pool, in a state of its own."""
    if not workspace.schema_only:
        unavailable("The registry's providers would make what is applied; only the schema-only ones are asked to.")
    variables, state = workspace.folder / "pool.tfvars.json", workspace.folder / "pool.tfstate"
    variables.write_text(json.dumps(VARIABLES))
    ran = workspace.run(
        "apply", "-input=false", "-auto-approve", "-no-color", f"-var-file={variables}", f"-state={state}"
    )
    assert ran.returncode == 0, ran.stderr
    shown = workspace.run("show", "-json", str(state))
    assert shown.returncode == 0, shown.stderr
    return Applied.parse(json.loads(shown.stdout), ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.__module__.rpartition('.')[2]}-{check.__name__}")
def test_what_is_made(with_pool: Applied, check: Callable[[Applied], list[str]]) -> None:
    """Each check finds nothing wrong with the deployment."""
    found = check(with_pool)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(with_pool: Applied, mistake: Mistake) -> None:
    """The check says what is wrong, and had not said it before."""
    before = mistake.check(with_pool)
    found = [sentence for sentence in mistake.check(mistake.make(with_pool)) if sentence not in before]
    assert any(mistake.says in sentence for sentence in found), found


def test_a_trigger_that_fails_is_heard_of(with_pool: Applied) -> None:
    """Without the trigger nobody gets a token: its errors and its throttles have alarms."""
    named = {each["alarm_name"] for each in with_pool.of("aws_cloudwatch_metric_alarm")}
    assert {f"{with_pool.prefix}-pretoken-errors", f"{with_pool.prefix}-pretoken-throttled"} <= named


def test_the_pool_is_off_by_default(applied: Applied) -> None:
    """A deployment with an issuer of its own has nothing of Cognito's, nor the trigger."""
    assert [each.address for each in applied.resources if "cognito" in each.type or "pretoken" in each.address] == []
