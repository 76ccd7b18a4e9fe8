"""The command that compares an account's quotas with a deployment: preflight."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from commands.common import AsJson, WrongOptionError, errors_end_the_command, out
from devstack.deployment.account_quotas import read
from devstack.deployment.quota_fit import Report, compare
from devstack.deployment.settings_advice import DeploymentPlan
from devstack.quotas import Throttle, requests_of
from devstack.stack_cells import API_GATEWAY, parse
from devstack.system import System

if TYPE_CHECKING:
    from collections.abc import Mapping

BINDS = 3
"""Exit status when a quota is too small; 1 says that nothing could be compared."""


def preflight(
    region: Annotated[str, typer.Option(envvar="AWS_REGION", help="Home region of the deployment.")],
    cells: Annotated[
        str | None, typer.Option(help="Cells like up --cells, separated by commas; home by default.")
    ] = None,
    viewers: Annotated[int, typer.Option(min=1, help="Viewers of the biggest match, in all cells.")] = 10_000,
    goal_seconds: Annotated[
        float, typer.Option(min=1, help="Seconds within which the last viewer is to know of a goal.")
    ] = 60,
    arrive_minutes: Annotated[float, typer.Option(min=0.1, help="Minutes in which the viewers come in.")] = 15,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, a setting that terraform.tfvars will have, such as send_rate=1875."),
    ] = None,
    throttle: Annotated[
        list[str] | None,
        typer.Option(help="ROUTE=RATE, a throttle that websocket_throttles or http_throttles will have."),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            help="File with `terraform output -json` of a deployment, - for stdin: takes settings, throttles and cells."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the AWS account's quotas with the deployment and its audience, before `terraform apply`.

    Exit 0 if everything fits, 3 if a quota is too small, 1 if the account cannot be read. The commands that it prints
    ask AWS for more; it changes nothing by itself.
    """
    with errors_end_the_command():
        chosen = _numbers("--setting", setting or [], "send_rate=2000"), _throttles(throttle or [])
        plan = _plan(region, cells, chosen, outputs, (viewers, goal_seconds, arrive_minutes * 60))
        report = compare(plan, read(plan.regions))
    if as_json:
        print(json.dumps(report.to_dict()))  # noqa: T201
    else:
        _show(report)
    raise typer.Exit(BINDS if report.binds else 0)


def _plan(
    region: str,
    cells: str | None,
    chosen: tuple[dict[str, Any], dict[str, Throttle]],
    outputs: Path | None,
    audience: tuple[int, float, float],
) -> DeploymentPlan:
    """The deployment as it is planned, or as its outputs state it. Raises WrongOptionError."""
    system = System(0).raw
    settings, throttles = chosen
    # The outputs may be those of another release.
    if unknown := sorted(settings.keys() - system["settings"].keys()):
        raise WrongOptionError(f"--setting: there is no setting {', '.join(unknown)}.")
    routes = system["http_api"]["throttles"].keys() | system["websocket_api"]["throttles"].keys()
    if unknown := sorted(throttles.keys() - routes):
        raise WrongOptionError(f"--throttle: there is no route {', '.join(unknown)}.")
    planned = [(each.region, each.transport) for each in parse(cells, system["transports"])] if cells else []
    deployed = _deployed(outputs) if outputs else {}
    try:
        if deployed:
            region = deployed["home"]["value"]["region"]
            planned = planned or [
                (each.get("region", name), each.get("transport", API_GATEWAY))
                for name, each in deployed["cells"]["value"].items()
            ]
            settings = {**deployed["settings"]["value"], **_quota_of(deployed), **settings}
            own = deployed.get("throttles", {"value": {}})["value"]
            throttles = {route: Throttle(each["rate"], each["burst"]) for route, each in own.items()} | throttles
    except (KeyError, TypeError):
        raise WrongOptionError("--outputs is not what `terraform output -json` prints for this deployment.") from None
    planned = planned or [(region, API_GATEWAY)]
    return DeploymentPlan(
        region,
        tuple(place for place, transport in planned if transport == API_GATEWAY),
        settings,
        system,
        *audience,
        broadcasting=tuple(place for place, transport in planned if transport != API_GATEWAY),
        throttles=throttles,
    )


def _quota_of(deployed: dict[str, Any]) -> dict[str, Any]:
    """The settings of the quota as they were applied: none where Terraform took the default of each region."""
    for region, quota in deployed["quotas"]["value"].items():
        if Throttle(quota["rate"], quota["burst"]) != requests_of(region):
            return {"account_rate": quota["rate"], "account_burst": quota["burst"]}
    return {"account_rate": None, "account_burst": None}


def _throttles(given: list[str]) -> dict[str, Throttle]:
    """ROUTE=RATE as throttles whose burst is the rate. Raises WrongOptionError."""
    numbers = _numbers("--throttle", given, "'$connect=1200'")
    return {route: Throttle(rate, rate) for route, rate in numbers.items()}


def _numbers(option: str, given: list[str], example: str) -> dict[str, int]:
    """NAME=VALUE as a dictionary; numbers above 0. Raises WrongOptionError."""
    found = {}
    for each in given:
        name, _, value = each.rpartition("=")
        if not name or not (value.isascii() and value.isdigit()) or int(value) < 1:
            raise WrongOptionError(f"{option} takes NAME=VALUE with a number above 0, such as {example}, not {each}.")
        found[name] = int(value)
    return found


def _deployed(outputs: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(outputs) == "-" else outputs.read_text()
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        raise WrongOptionError(f"--outputs: {outputs} is no file with `terraform output -json`.") from None
    return found


def _show(report: Report) -> None:
    for each in report.findings:
        mark, style = ("too small", "red") if each.binds else ("enough", "green")
        out.print(Text.assemble((f"{mark:9} ", style), each.says), soft_wrap=True)
    for sentence in report.unread:
        out.print(Text.assemble(("not read  ", "yellow"), sentence), soft_wrap=True)
    if report.settings:
        out.print("\nIn terraform.tfvars, so that the account as it is suffices:", highlight=False)
        _print_settings(report.settings)
    if report.requests:
        out.print("\nThe requests to file (AWS answers large ones after days):", highlight=False)
    for request in report.requests:
        # One line each, to be copied.
        print(f"    {request}")  # noqa: T201
    if report.granted:
        out.print("\nIn terraform.tfvars when AWS has granted them:", highlight=False)
        _print_settings(report.granted)


def _print_settings(settings: Mapping[str, Any]) -> None:
    """As they stand in terraform.tfvars: those of ``settings`` by name, throttles by route."""
    plain = {name: value for name, value in settings.items() if name != "websocket_throttles"}
    if plain:
        print(f"    settings = {{ {', '.join(f'{name} = {value}' for name, value in plain.items())} }}")  # noqa: T201
    if (throttles := settings.get("websocket_throttles")) is not None:
        each = (f'"{route}" = {{ rate = {it["rate"]}, burst = {it["burst"]} }}' for route, it in throttles.items())
        print(f"    websocket_throttles = {{ {', '.join(each)} }}")  # noqa: T201
