"""One copy of ``terraform/`` and one applied configuration for all tests here."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

from devstack.system import ROOT
from tests.support import needs
from tests.terraform.applied import Applied
from tests.terraform.broadcasting import MOMENTO
from tests.terraform.interpreter import TOOLS, Jsonata
from tests.terraform.workspace import UnavailableError, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = {
    "settings": {
        "issuer": "https://issuer.example.org",
        "jwks_url": "https://issuer.example.org/.well-known/jwks.json",
        "viewer_audience": "viewers",
        "operator_audience": "operators",
    },
    "home": {
        "kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/home",
        "domain": {
            "name": "api.example.org",
            "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/api",
        },
    },
    "cells": {
        "eu-west-1": {"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/home"},
        "us-east-1": {
            "provisioned_concurrency": {"sender": 2, "routes": 2},
            "domain": {
                "name": "live.example.org",
                "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/live",
            },
        },
        "second": {"region": "ap-northeast-1", "provisioned_concurrency": {"authorizer": 1}},
        "events": {"region": "eu-west-1", "transport": "appsync-events"},
        "graphql": {
            "region": "us-east-1",
            "transport": "appsync-graphql",
            "provisioned_concurrency": {"graphql_authorizer": 1},
        },
        "iot": {"region": "us-east-1", "transport": "iot-core"},
        "fast": {"region": "us-east-1", "transport": "momento", "momento": MOMENTO},
    },
    "web": {
        "operators_sign_in": {
            "authorize_url": "https://login.example.org/oauth2/authorize",
            "token_url": "https://login.example.org/oauth2/token",
            "client_id": "console",
            "scope": "livescore/score:write",
        }
    },
    "observability": {"emails": ["someone@example.org"], "monthly_budget": 100},
}
"""The deployment that the checks look at: an API with a domain, and cells of every transport.

Of the cells with API Gateway one is plain but for a key, one has a domain and warm functions, and one has not the name
of its region."""


def unavailable(why: str) -> NoReturn:
    """Skip on a user's machine, fail in CI: what was not checked must not look as if it had been."""
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Terraform, ready in a copy."""
    try:
        return Workspace.make(tmp_path_factory.mktemp("terraform"))
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def applied(workspace: Workspace) -> Applied:
    """The result of an apply, as the schema-only providers tell it."""
    if not workspace.schema_only:
        unavailable("The registry's providers would make what is applied; only the schema-only ones are asked to.")
    variables: Path = workspace.folder / "checked.tfvars.json"
    variables.write_text(json.dumps(VARIABLES))
    ran = workspace.run("apply", "-input=false", "-auto-approve", "-no-color", f"-var-file={variables}")
    assert ran.returncode == 0, ran.stderr
    shown = workspace.run("show", "-json")
    assert shown.returncode == 0, shown.stderr
    return Applied.parse(json.loads(shown.stdout), ROOT)


@pytest.fixture(scope="session")
def tools() -> Path:
    """The programs of tests/terraform/asl, which ``make terraform-test`` installs."""
    needs("node", shutil.which("node"))
    needs("the state machine's validator (run make terraform-test)", (TOOLS / "node_modules/jsonata").exists())
    return TOOLS


@pytest.fixture(scope="session")
def jsonata(tools: Path) -> Iterator[Jsonata]:
    """JSONata's reference implementation."""
    jsonata = Jsonata(tools)
    yield jsonata
    jsonata.close()
