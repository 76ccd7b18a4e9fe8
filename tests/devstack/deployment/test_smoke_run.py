"""The smoke test of a running system."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner

import devstack.deployment.smoke_run
from broadcaster.send.gateway import CONNECTIONS
from broadcaster.send.signing import Credentials
from client.dialer import as_cell
from commands.cli import app
from devstack.deployment.frame_posting import Posted, Posting, SkippedError, post
from devstack.deployment.smoke_run import Smoke, Step
from devstack.stack.ministack import free_port
from devstack.stack.standin_process import StandIn
from devstack.system import ACCOUNT
from loadtest.bench.standin_client import StandinClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.operator.api_client import Operator
    from devstack.system import System


def test_a_system_that_works_passes(system: System, operator: Operator) -> None:
    """One goal goes all the way, to two viewers and into the snapshots, and the match is over when the test is."""
    ws = ["--ws", system.websocket_url]
    done = CliRunner().invoke(app, ["smoke", system.api_url, *ws, "--site", system.api_url, "--json"])
    said = json.loads(done.stdout)
    assert (done.exit_code, said["passed"]) == (0, True), done.output
    assert "has no deployment.json (status 404). Only the cells of --ws are tried." in " ".join(done.stderr.split())
    assert next(step for step in said["steps"] if "sees goal" in step["name"])["ms"] > 0
    assert operator.snapshot(said["match"])["status"] == "full_time"
    assert said["steps"][-1]["skipped"] is None, done.output
    posted = said["steps"][-1]["posted"]
    assert posted is not None, done.output
    assert (posted["posts"], posted["throttled"], posted["arrived"]) == (200, 0, 200)
    assert posted["conclusive"] in {True, False}
    assert posted["rate"] == pytest.approx(200 / posted["seconds"], rel=0.01)
    assert "below 200" in posted["shows"]


def test_a_failed_step_has_its_reason(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that nobody serves fails its step with a sentence, and the other steps are still tried."""
    monkeypatch.setattr(devstack.deployment.smoke_run, "PATIENCE_SECONDS", 5.0)
    nobody = f"ws://127.0.0.1:{free_port()}/live"
    done = CliRunner().invoke(
        app,
        ["smoke", system.api_url, "--ws", nobody, "--ws", system.websocket_url, "--json"],
    )
    said = json.loads(done.stdout)
    wrong = [step["name"] for step in said["steps"] if step["wrong"]]
    assert done.exit_code == 1
    assert wrong[0].startswith("a viewer at")
    assert any("sees goal" in step["name"] and step["ms"] for step in said["steps"])


@pytest.fixture(scope="module")
def standin(system: System) -> Iterator[System]:
    """The running system behind a stand-in whose stage lets 50 POSTs pass at once, and no more."""
    moved = dataclasses.replace(system, gateway_port=free_port())
    standin = StandIn(moved, {"check_every": 1, "stage_rate": 0, "stage_burst": 50}).start()
    yield moved
    standin.stop()


async def test_the_429s_of_the_stages_default_throttle_are_reported(standin: System, operator: Operator) -> None:
    """If POSTs count against the stage's default throttle, smoke counts the 429s and the frames that arrived."""
    step = await _posted(standin, operator)
    assert step.posted is not None
    assert (step.posted.posts, step.posted.throttled, step.posted.arrived) == (200, 150, 50)
    assert "150 answered 429, 50 frames arrived" in str(step.wrong)


async def test_every_signature_of_the_posts_is_right(standin: System, operator: Operator) -> None:
    """A gateway that verifies each signature and throttles nothing accepts all 200 frames."""
    StandinClient(standin.websocket_url).limit(stage_rate=0, stage_burst=0)
    step = await _posted(standin, operator)
    assert (step.wrong, step.skipped) == (None, None)
    assert step.posted is not None
    assert step.posted.arrived == 200


async def test_frames_that_went_out_slowly_are_not_conclusive(standin: System, operator: Operator) -> None:
    """With a slow gateway all frames arrive and nothing is wrong, but smoke says "not conclusive"."""
    late = StandinClient(standin.websocket_url)
    # There are more frames than HTTP connections, and each waits for its answer before it takes another frame.
    late.limit(stage_rate=0, stage_burst=0, latency_ms=1500)
    try:
        step = await _posted(standin, operator, posts=CONNECTIONS + 50)
    finally:
        late.limit(latency_ms=0)
    assert (step.wrong, step.skipped) == (None, None)
    assert step.posted is not None
    assert (step.posted.arrived, step.posted.conclusive) == (CONNECTIONS + 50, False)
    assert "Not conclusive" in str(step.posted)


@pytest.mark.parametrize(
    ("posted", "conclusive", "says"),
    [
        (Posted(200, 0, 200, 0.9), True, "its burst plus 0.90 s of its rate is below 200 POSTs"),
        (Posted(200, 0, 200, 1.0), True, "200 POSTs went out in 1.00 s, 200 a second"),
        (Posted(200, 0, 200, 1.2), False, "Not conclusive: the frames were to go out within 1 s."),
        (Posted(1000, 0, 1000, 4.0), False, "1,000 POSTs went out in 4.00 s, 250 a second"),
        (Posted(1, 0, 1, 0.0), True, "1 POSTs went out in 0.00 s, 1 a second"),
    ],
)
def test_a_measurement_says_what_it_can_show(posted: Posted, conclusive: bool, says: str) -> None:
    """The text has the rate, the seconds and the detectable throttle; over one second it says "not conclusive"."""
    assert (posted.conclusive, posted.to_dict()["conclusive"]) == (conclusive, conclusive)
    assert says in str(posted)


def test_frames_that_cannot_go_out_within_a_second_are_refused() -> None:
    """More frames than a machine can post in a second are refused before anything is made."""
    done = CliRunner().invoke(app, ["smoke", "--posts", "1001"], env={"LIVESCORE_API": "http://127.0.0.1:1"})
    assert done.exit_code == 2
    assert "less than or equal to 1000" in done.output


async def _posted(system: System, operator: Operator, posts: int = 200) -> Step:
    """The step that posts frames, of a smoke test of a new match."""
    test = Smoke(operator, [as_cell(system.websocket_url)], posting=Posting(system.api_url, posts=posts))
    operator.create_match(match=test.match, home="Smoke", away="Fire", kickoff="2022-12-18T15:00:00Z")
    await test.post_frames()
    [step] = test.steps
    return step


@pytest.mark.parametrize(
    ("websocket", "environment", "says"),
    [
        ("wss://abcdef.execute-api.eu-west-1.amazonaws.com/live", {}, "has no AWS credentials"),
        ("wss://live.example.org", {}, "give --connections"),
        (
            "wss://abcdef.execute-api.eu-west-1.amazonaws.com/live",
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "DynamoDB in eu-west-1 cannot be reached",
        ),
    ],
)
def test_a_shell_that_cannot_post_skips_the_step(
    monkeypatch: pytest.MonkeyPatch, websocket: str, environment: dict[str, str], says: str
) -> None:
    """Without credentials, an address or a connection to AWS, the step is skipped with one sentence."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(SkippedError, match=says):
        Posting("https://api.example.org").target(0, websocket).connections_of("smoke-1")


async def test_credentials_that_may_not_post_skip_the_step(standin: System, operator: Operator) -> None:
    """If the gateway answers 403, the step is skipped, and its reason names the permission."""
    test = Smoke(operator, [as_cell(standin.websocket_url)])
    operator.create_match(match=test.match, home="Smoke", away="Fire", kickoff="2022-12-18T15:00:00Z")
    target = Posting(standin.api_url).target(0, standin.websocket_url)
    wrong = dataclasses.replace(target, credentials=Credentials(ACCOUNT, "another"))
    with pytest.raises(SkippedError, match="execute-api:ManageConnections"):
        await post(wrong, standin.websocket_url, test.match, 20, None)


def test_no_api_is_a_sentence() -> None:
    """If no API answers, no other step is tried, and there is no traceback."""
    url = f"http://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(app, ["smoke", url, "--ws", "ws://127.0.0.1:1/live"], env={"LIVESCORE_TOKEN": "x"})
    assert done.exit_code == 1
    assert "Nothing answers" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["http://127.0.0.1:1/livescoreapi"], 2, "No option names the cells of http://127.0.0.1:1"),
        (
            ["http://127.0.0.1:1", "--site", "http://127.0.0.1:1"],
            1,
            "gives no deployment.json (URLError). Is `livescore",
        ),
        (["http://127.0.0.1:1", "--site", "ftp://x"], 1, "The URL of the site begins with http:// or https://"),
    ],
)
def test_no_cell_is_a_sentence(options: list[str], status: int, says: str) -> None:
    """A smoke test that nobody tells the cells makes no match and dials nothing: it names the option to add."""
    done = CliRunner().invoke(app, ["smoke", *options], env={"LIVESCORE_TOKEN": "x"})
    assert (done.exit_code, says in " ".join(done.output.split())) == (status, True), done.output
