"""``livescore simulate``: what it prints, and how it refuses."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from commands.cli import app

RUN = CliRunner()


def test_json_has_the_figures_of_the_benches() -> None:
    """The JSON has the audience, the goals, who missed, times, POSTs, and what the simulation itself took."""
    found = json.loads(RUN.invoke(app, ["simulate", "--viewers", "2000", "--goals", "2", "--json"]).stdout)
    assert (found["viewers"], found["goals"], found["missed"], found["posts"]) == (2_000, 2, 0, 4_000)
    assert found["last_viewer_s"] > found["median_viewer_s"] > found["first_viewer_s"] > 0
    assert found["wall_s"] >= 0
    assert found["rss_mb"] > 0


def test_matches_cells_and_faults_are_taken() -> None:
    """Two matches in two cells with viewers that left, errors and a cell that is down: nobody misses a goal."""
    options = ["--viewers", "2000", "--matches", "2", "--cells", "2", "--gone", "0.05", "--errors", "0.02",
               "--lost", "0.01", "--jitter", "5", "--down-cell", "1", "--down-for", "45"]  # fmt: skip
    result = RUN.invoke(app, ["simulate", *options], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    assert "missed" in result.stdout


def test_a_storm_of_connections() -> None:
    """All viewers come back at the quota of their transport."""
    options = ["simulate", "--viewers", "20000", "--storm", "reconnect", "--transport", "appsync-events", "--json"]
    found = json.loads(RUN.invoke(app, options).stdout)
    assert (found["viewers"], found["binds"], found["a_second"]) == (20_000, "appsync_connects", 2_000)
    assert found["all_s"] > 9


def test_a_storm_meets_the_row_of_the_match() -> None:
    """Cells of one match read its one row at home, so many cells do not connect an audience faster than that row."""
    options = ["simulate", "--viewers", "20000", "--storm", "reconnect", "--cells", "20", "--json"]
    found = json.loads(RUN.invoke(app, options).stdout)
    assert (found["binds"], found["a_second"]) == ("match_row", 150)
    two = json.loads(RUN.invoke(app, [*options, "--matches", "2"]).stdout)
    assert (two["binds"], two["a_second"]) == ("match_row", 300)


def test_a_transport_that_broadcasts() -> None:
    """Goals on such a transport take as long as its quota of deliveries says."""
    options = ["simulate", "--viewers", "100000", "--transport", "iot-core", "--json"]
    found = json.loads(RUN.invoke(app, options).stdout)
    assert 5 < found["last_viewer_s"] < 6
    assert found["refuses"] is None


def test_a_service_that_cannot_hold_the_audience_says_so() -> None:
    """A service that has fewer connections than a cell has viewers is named, in goals and in storms."""
    for mode in ([], ["--storm", "reconnect"]):
        options = ["simulate", "--viewers", "1000", "--transport", "momento", *mode]
        said = " ".join(RUN.invoke(app, options).stdout.split())
        assert "Momento has 100 subscriptions at once, and the audience is larger." in said
        assert "audience is larger" not in RUN.invoke(app, [*options, "--quota", "momento_subscribers=1000"]).stdout


def test_frames_that_wait_for_too_long_are_dropped() -> None:
    """With --drop-after a service above its rate drops frames, whose viewers read the goal later."""
    options = ["simulate", "--viewers", "100000", "--transport", "iot-core", "--drop-after", "2", "--json"]
    found = json.loads(RUN.invoke(app, options).stdout)
    assert (found["delivered"], found["dropped"]) == (80_000, 120_000)
    assert found["last_viewer_s"] > 60


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--viewers", "0"], "--viewers is a whole number from 1"),
        (["--viewers", "99999999"], "--viewers is a whole number from 1"),
        (["--goals", "0"], "--goals is"), (["--matches", "0"], "--matches is"), (["--cells", "0"], "--cells is"),
        (["--viewers", "2", "--matches", "3"], "more matches than viewers"),
        (["--gone", "0.9"], "--gone is a share"), (["--slow", "-1"], "--slow is a share"),
        (["--errors", "nan"], "--errors is a share"), (["--lost", "2"], "--lost is a share"),
        (["--gap", "-1"], "--gap is a number"), (["--latency", "nan"], "--latency is a number"),
        (["--down-cell", "1"], "--down-cell is the number of a cell"),
        (["--down-posts-only"], "--down-posts-only needs it"),
        (["--viewers", "10000000", "--lost", "0.5"], "With --lost 0.5 up to 772,500 viewers lack a frame at once"),
        (["--send-rate", "0"], "--send-rate"), (["--account-rate", "0"], "--account-rate"),
        (["--transport", "iot-core", "--lost", "0.1"], "--transport iot-core takes --viewers"),
        (["--storm", "reconnect", "--lost", "0.1"], "--storm reconnect takes --storm"),
        (["--storm", "hail"], "--storm is one of"), (["--transport", "pigeons"], "no transport pigeons"),
        (["--storm", "reconnect", "--quota", "connections=0"], "The quota connections is a number"),
        (["--storm", "reconnect", "--quota", "iot_connects=9"], "does not depend on the quota iot_connects"),
        (["--storm", "reconnect", "--transport", "momento", "--viewers", "50000000"], "would last 58 days"),
        (["--transport", "iot-core", "--quota", "requests=9"], "does not depend on the quota requests"),
        (["--transport", "iot-core", "--drop-after", "0"], "--drop-after is above 0"),
        (["--storm", "kick-off", "--spread", "-1"], "--spread is a number"),
        (["--as-bench", "goal"], "goal is no bench that can be simulated"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(options: list[str], says: str) -> None:
    """Each bad option ends the command with status 2 and one sentence, without a traceback."""
    result = RUN.invoke(app, ["simulate", *options])
    assert result.exit_code == 2
    said = " ".join((result.stdout + result.stderr).replace("│", " ").split())
    assert says in said
    assert "Traceback" not in said
