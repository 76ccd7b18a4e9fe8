"""``livescore plan``: what it prints, and how it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from commands.cli import app

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner()
MILLION = ("plan", "--viewers", "1000000")


def test_a_million_viewers_within_five_seconds() -> None:
    """One command answers how, and for how much."""
    result = RUN.invoke(app, [*MILLION, "--within", "5"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert "Recommended: appsync-" in result.stdout
    assert "raise the quota requests to" in result.stdout
    assert "$175 to $199" in result.stdout


def test_json_has_the_fields_that_scripts_read() -> None:
    """The JSON has the audience, a row for each transport and the recommendation."""
    found = json.loads(RUN.invoke(app, [*MILLION, "--events", "25", "--hours", "2", "--json"]).stdout)
    assert found["viewers"] == 1_000_000
    names = {"name", "last_viewer_s", "median_viewer_s", "join_s", "usd", "binds", "raise"}
    assert all(names <= set(each) and "total" in each["usd"] for each in found["transports"])
    assert found["recommended"] in {each["name"] for each in found["transports"]}


def test_one_transport_with_options() -> None:
    """Quotas, cells, matches and a price of Momento are taken."""
    options = ["--transport", "momento", "--momento-price", "0.2-0.9", "--quota", "momento_operations=100,000",
               "--quota", "momento_subscribers=2000000", "--cells", "2", "--matches", "4", "--json"]  # fmt: skip
    [row] = json.loads(RUN.invoke(app, [*MILLION, *options]).stdout)["transports"]
    assert row["usd"]["total"] is not None
    assert row["refuses"] is None
    assert row["last_viewer_s"] < 3


def test_the_plot_has_a_line_for_each_transport(tmp_path: Path) -> None:
    """The SVG names the five transports and is the same each time."""
    files = [tmp_path / name for name in ("one.svg", "two.svg")]
    for file in files:
        assert RUN.invoke(app, [*MILLION, "--plot", str(file), "--momento-price", "1"]).exit_code == 0
    drawn = files[0].read_text()
    assert drawn == files[1].read_text()
    assert all(f"<!-- {name} -->" in drawn for name in ("api-gateway", "appsync-events", "iot-core", "momento"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--viewers", "0"], "--viewers is a whole number above 0"),
        ([*MILLION[1:], "--transport", "pigeons"], "no transport pigeons"),
        ([*MILLION[1:], "--region", "mars-north-1"], "mars-north-1 is no region"),
        ([*MILLION[1:], "--quota", "requests"], "--quota is NAME=VALUE"),
        ([*MILLION[1:], "--quota", "requests=many"], "--quota is NAME=VALUE"),
        ([*MILLION[1:], "--quota", "requests=1", "--quota", "requests=2"], "--quota names requests twice"),
        ([*MILLION[1:], "--quota", "speed=1"], "no quota speed"),
        ([*MILLION[1:], "--quota", "requests=10"], "leaves nothing for a sender"),
        ([*MILLION[1:], "--within", "0"], "--within is a number of seconds"),
        ([*MILLION[1:], "--momento-price", "cheap"], "--momento-price is a number"),
        ([*MILLION[1:], "--momento-price", "2-1"], "--momento-price is a number"),
        ([*MILLION[1:], "--page", "home"], "home is not one of"),
        ([*MILLION[1:], "--plot", "plan.png"], "does not end in .svg"),
        ([*MILLION[1:], "--plot", "no/such/folder/plan.svg"], "in no folder that exists"),
    ],
)
def test_bad_input_gets_a_sentence(options: list[str], says: str) -> None:
    """Each bad option ends the command with status 2 and one sentence, without a traceback."""
    result = RUN.invoke(app, ["plan", *options])
    assert result.exit_code == 2
    said = " ".join((result.stdout + result.stderr).replace("│", " ").split())
    assert says in said
    assert "Traceback" not in said


def test_prices_of_another_region_are_named() -> None:
    """The file has prices of one region; for another one the answer says whose prices they are."""
    options = [*MILLION, "--region", "eu-west-1"]
    assert "no prices of eu-west-1" in RUN.invoke(app, options, env={"COLUMNS": "200"}).stdout
    assert json.loads(RUN.invoke(app, [*options, "--json"]).stdout)["prices"]["region"] == "us-east-1"
