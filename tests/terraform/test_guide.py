"""docs/deploy.md, followed to the letter with the real terraform; and docs/tokens.md, for an issuer of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import typer
from typer.core import TyperGroup

from commands.cli import app
from devstack.system import ROOT
from tests.terraform import guide, site, user_pool
from tests.terraform.applied import Applied, Cell
from tests.terraform.conftest import unavailable
from tests.terraform.workspace import UnavailableError, Workspace

if TYPE_CHECKING:
    from pathlib import Path

_LIVESCORE = """#!/bin/sh
echo "$*|${LIVESCORE_API-}|${LIVESCORE_WS-}|${LIVESCORE_CLIENT_ID-}|${LIVESCORE_VIEWER_TOKEN-}" >> "$SAID"
"""


@dataclass(frozen=True)
class Followed:
    """The results of following the guide."""

    after: dict[str, Applied]
    """The name of a step -> the deployment after it, of the steps that end with an apply."""

    said: list[list[str]]
    """Each call of ``livescore``: its arguments, the API, the WebSockets, the client and the viewer's token."""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Every step of the guide, one after the other in one shell, as a new reader types them."""
    return follow(tmp_path_factory.mktemp("guide"), guide.steps())


@pytest.fixture(scope="module")
def followed_with_own_pool(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The same by a reader who has made a pool by commands: the steps of docs/tokens.md in place of the guide's."""
    steps = guide.steps() | guide.steps("tokens.md")
    # Step 8 applies what step 7 writes: an apply takes long.
    steps["7"] = steps["7"].replace("    terraform -chdir=terraform apply\n", "")
    return follow(tmp_path_factory.mktemp("own"), steps)


def follow(folder: Path, steps: dict[str, str]) -> Followed:
    """Type the steps, and keep what each apply has made."""
    try:
        workspace = Workspace.make(folder / "livescore")
    except UnavailableError as error:
        unavailable(str(error))
    if not workspace.schema_only:
        unavailable("The registry's providers would make what the guide applies.")
    programs = folder / "livescore/.venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "livescore").write_text(_LIVESCORE)
    (programs / "livescore").chmod(0o755)
    script = guide.PREAMBLE
    for number, step in steps.items():
        script += guide.script(step)
        if "terraform apply" in step:
            script += f"terraform -chdir=terraform show -json > '{folder}/{number}.json'\n"
    environment = {**workspace.environment, "SAID": f"{folder}/said", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    environment.pop("AWS_REGION")
    ran = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout[-2000:]}\n{ran.stderr}"
    after = {each.stem: Applied.parse(json.loads(each.read_text()), ROOT) for each in sorted(folder.glob("*.json"))}
    said = (folder / "said").read_text().splitlines()
    return Followed(after, [line.split("|") for line in said])


def test_a_visitor_of_the_site_is_let_in(followed: Followed) -> None:
    """After the first apply, and with the desk, the authorizer lets in a page of the site without a token."""
    assert site.visitors(followed.after["4"]) == []
    assert site.visitors(followed.after["7"]) == []


def test_the_deployment_takes_the_tokens_of_its_pool(followed: Followed) -> None:
    """Everything is in the reader's own region, and after each apply both APIs take the tokens of the pool."""
    first = followed.after["4"]
    assert (first.home, first.cells) == (guide.REGION, [Cell(guide.REGION, guide.REGION)])
    assert [user_pool.accepted(applied) for applied in followed.after.values()] == [[]] * len(followed.after)
    [domain] = first.of("aws_cognito_user_pool_domain")
    assert domain["domain"] == "your-sign-in-prefix"


def test_a_pool_of_ones_own_is_possible(followed_with_own_pool: Followed) -> None:
    """With docs/tokens.md issuer and keys are those of the pool that its commands made, and Terraform makes none."""
    applied = followed_with_own_pool.after["4"]
    assert applied.of("aws_cognito_user_pool") == []
    issuer = f"https://cognito-idp.{guide.REGION}.amazonaws.com/{guide.ANSWERS['UserPool.Id']}"
    function = applied.function("authorizer", guide.REGION)
    assert function is not None
    variables = function["environment"][0]["variables"]
    assert (applied.home, applied.cells) == (guide.REGION, [Cell(guide.REGION, guide.REGION)])
    assert (variables["ISSUER"], variables["JWKS_URL"]) == (issuer, f"{issuer}/.well-known/jwks.json")


def test_the_desk_knows_where_to_sign_in(followed: Followed) -> None:
    """After step 7 the pool has an app client for people, and the site sends them to its sign-in page."""
    assert "desk" not in user_pool.clients(followed.after["4"])
    assert user_pool.desk(followed.after["7"]) == []
    url = next(call for call in followed.said if call[0].startswith("smoke"))[0].partition("--site ")[2]
    assert user_pool.clients(followed.after["7"])["desk"]["callback_urls"] == [f"{url}/operator.html"]


def test_the_desk_knows_an_issuer_of_ones_own(followed_with_own_pool: Followed) -> None:
    """With step 7 the site names the client of the desk, whose tokens the operators' API takes."""
    applied = followed_with_own_pool.after["8"]
    [deployment] = [each for each in applied.of("aws_s3_object") if each["key"] == "deployment.json"]
    assert json.loads(deployment["content"])["operators"]["sign_in"]["client_id"] == "client-desk"
    [authorizer] = [each for each in applied.of("aws_apigatewayv2_authorizer") if each["jwt_configuration"]]
    assert authorizer["jwt_configuration"][0]["audience"] == ["client-commands", "client-desk"]


def test_only_viewers_with_a_token_is_a_choice(followed: Followed, followed_with_own_pool: Followed) -> None:
    """After step 8 a visitor without a token is refused, and tokens are those of the viewers' client."""
    assert site.visitors(followed.after["8"])
    assert "viewers" in user_pool.clients(followed.after["8"])
    own = followed_with_own_pool.after["8"]
    assert site.visitors(own)
    function = own.function("authorizer", guide.REGION)
    assert function is not None
    assert function["environment"][0]["variables"]["VIEWER_AUDIENCE"] == "client-viewers"


def test_the_guide_begins_with_the_quotas(followed: Followed) -> None:
    """The guide first compares the quotas of the account in the reader's region, before anything is made."""
    [first, *options] = followed.said[0][0].split()
    command = typer.main.get_command(app)
    context = command.make_context("livescore", [first, *options], resilient_parsing=True)
    assert (first, options[:2]) == ("preflight", ["--region", guide.REGION])
    assert isinstance(command, TyperGroup)
    _, known, rest = command.resolve_command(context, [first, *options])
    assert known is not None
    asked = known.make_context(first, rest).params
    assert (asked["region"], asked["viewers"]) == (guide.REGION, 10_000)


@pytest.mark.parametrize("way", ["followed", "followed_with_own_pool"])
def test_the_commands_know_the_deployment(way: str, request: pytest.FixtureRequest) -> None:
    """The smoke test and the first goal go to the API and the cells that were applied, with the operators' client."""
    followed: Followed = request.getfixturevalue(way)
    calls = {" ".join(call[0].split()[:2]): call for call in followed.said}
    smoke = next(call for call in followed.said if call[0].startswith("smoke"))
    assert (smoke[1].startswith("https://"), smoke[0].startswith("smoke --site https://")) == (True, True)
    made = followed.after["4"].of("aws_cognito_user_pool_client")
    assert smoke[3:] == [made[0]["id"] if made else "client-commands", ""]
    assert {"match create", "event wc22-final", "goal wc22-final"} <= calls.keys()
    assert calls["goal wc22-final"][1] == smoke[1]
