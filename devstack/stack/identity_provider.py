"""The identity provider of devstack: a Cognito user pool in MiniStack, with an app client for each kind of user.

``operator`` may score all competitions. ``scorer`` and ``viewer`` are limited to one competition. The tokens of
``guest`` have no claim about competitions. ``messenger`` sends messages to single viewers and may do nothing else. All
app clients get their tokens with client credentials.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from devstack.builds.lambda_zips import PYTHON
from devstack.system import REGION, ROLE, ROOT

if TYPE_CHECKING:
    from devstack.system import System

COMPETITION = "world-cup-2022"
"""The competition of ``scorer`` and ``viewer``."""

WATCH = "watch"


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client: what it does, and its claim ``competitions``; None for no claim."""

    does: Literal["operates", "sends messages", "watches"]
    competitions: str | None


CLIENTS = {
    "operator": AppClient("operates", competitions="*"),
    "scorer": AppClient("operates", competitions=COMPETITION),
    "viewer": AppClient("watches", competitions=COMPETITION),
    "guest": AppClient("watches", competitions=None),
    "messenger": AppClient("sends messages", competitions=None),
}


def create(system: System, cognito: Any, functions: Any) -> dict[str, int | str]:
    """Create the pool, its app clients and its trigger; returns the settings that name them."""
    scopes = {
        "operates": system.resolve("setting.operator_scope"),
        "sends messages": system.resolve("setting.message_scope"),
    }
    server = scopes["operates"].partition("/")[0]
    scopes["watches"] = f"{server}/{WATCH}"
    pool = cognito.create_user_pool(PoolName=system.name("users"))["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=pool,
        Identifier=server,
        Name=server,
        Scopes=[
            {"ScopeName": each.removeprefix(f"{server}/"), "ScopeDescription": does} for does, each in scopes.items()
        ],
    )
    ids = {}
    for name, client in CLIENTS.items():
        made = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName=name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=[scopes[client.does]],
        )
        ids[name] = made["UserPoolClient"]["ClientId"]
    variables = {
        "COMPETITIONS": {ids[name]: each.competitions for name, each in CLIENTS.items()},
        "NAMES": {client: name for name, client in ids.items()},
    }
    _trigger(system, cognito, functions, pool, {name: json.dumps(value) for name, value in variables.items()})
    return {
        "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
        "jwks_url": f"{system.endpoint}/{pool}/.well-known/jwks.json",
        "operator_audience": ",".join(ids[name] for name, each in CLIENTS.items() if each.does != "watches"),
        "viewer_audience": ",".join(ids[name] for name, each in CLIENTS.items() if each.does == "watches"),
    }


def _trigger(system: System, cognito: Any, functions: Any, pool: str, variables: dict[str, str]) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(ROOT / "api/pretoken.py", "pretoken.py")
    made = functions.create_function(
        FunctionName=system.name("pretoken"),
        Runtime=f"python{PYTHON}",
        Handler="pretoken.handler",
        Role=ROLE,
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": variables},
    )
    cognito.update_user_pool(
        UserPoolId=pool,
        LambdaConfig={"PreTokenGenerationConfig": {"LambdaVersion": "V3_0", "LambdaArn": made["FunctionArn"]}},
    )
