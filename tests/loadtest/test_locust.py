"""locust with our users, in its own processes, against a real stack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devstack.measurements.locust_run import Load
from devstack.measurements.locust_run import run as run_load
from devstack.operator.local_tokens import tokens_of
from devstack.system import ROOT
from tests.support import needs, until

if TYPE_CHECKING:
    from devstack.system import System

LIVESCORE = str(Path(sys.executable).parent / "livescore")
SECONDS = 60


def locust(system: System, *options: str) -> list[str]:
    """The command of a headless run against the system."""
    urls = ("--api", system.api_url, "--websocket", system.websocket_url)
    file = str(ROOT / "loadtest/locustfile.py")
    return [sys.executable, "-m", "locust", "-f", file, "--headless", "--only-summary", *urls, *options]


@pytest.mark.parametrize(
    ("shape", "processes"), [("goal-storm", 1), ("kick-off-storm", 2), ("full-time-exodus", 1), ("reconnect-storm", 2)]
)
def test_a_run_ends_by_itself_and_accounts_for_every_goal(system: System, shape: str, processes: int) -> None:
    """A run of each shape, in one process or several, posts all goals, and no viewer that stays misses one."""
    said: list[str] = []
    load = Load(20, goals=3, shape=shape, matches=2, pace=0.2, join_rate=100, processes=processes)
    result = run_load(system, load, said.append)
    assert result["passed"], said
    assert (result["goals"], result["missed"]) == ({"wanted": 3, "posted": 3}, 0)
    assert result["swarms"] == processes
    assert result["deliveries"] == sum(result["histogram"].values()) > 0
    assert result["stayed"] > 0
    assert any("goals posted" in line for line in said)
    if shape == "reconnect-storm":
        assert 0 < result["times_ms"]["back"]["p50"] <= result["times_ms"]["back"]["max"]
        assert result["counts"]["cut"] >= result["stayed"]


def test_locust_has_the_deliveries_in_its_own_statistics(system: System, tmp_path: Path) -> None:
    """Locust's statistics have every delivery as goal_to_glass, and the operator's POSTs."""
    results, stats = tmp_path / "results.json", tmp_path / "stats"
    options = ("--viewers", "10", "--goals", "2", "--results", str(results), "--json-file", str(stats))
    env = {**os.environ, **tokens_of(system).environment()}
    subprocess.run(locust(system, *options), env=env, capture_output=True, timeout=SECONDS, check=True)
    [found] = [json.loads(each.read_text()) for each in tmp_path.glob("stats*")]
    entries: dict[str, dict[str, Any]] = {each["name"]: each for each in found}
    assert entries["goal_to_glass"]["num_requests"] == json.loads(results.read_text())["deliveries"]
    assert sum(entries["goal_to_glass"]["response_times"].values()) == entries["goal_to_glass"]["num_requests"]
    assert entries["POST event"]["num_requests"] == 3
    assert entries["connect"]["num_requests"] >= 10


def test_every_kind_of_viewer_does_one_thing() -> None:
    """A viewer that flaps only flaps: locust mixes the tasks of a class with those of its base classes."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest/locustfile.py"), "--show-task-ratio-json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    shown = json.loads(ran.stdout)["per_class"]
    assert set(shown) == {"Flapper", "FollowerOfMany", "Joiner", "Operator", "Stayer"}
    assert {name: list(kind["tasks"]) for name, kind in shown.items() if name != "Operator"} == {
        name: ["live"] for name in shown if name != "Operator"
    }


def test_another_machine_is_not_put_under_load_unasked(system: System) -> None:
    """A URL of another machine is refused with a sentence before anything is sent."""
    command = locust(system, "--api", "https://api.example.com")
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 2
    assert "api.example.com is not this machine" in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout


def test_an_api_that_does_not_answer_ends_the_run(system: System, tmp_path: Path) -> None:
    """A run whose matches cannot be created ends early, with a sentence."""
    results = tmp_path / "results.json"
    command = locust(system, "--api", "http://127.0.0.1:1", "--results", str(results))
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 1
    assert "no match could be created" in json.loads(results.read_text())["about"]["trouble"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(system: System, how: signal.Signals, tmp_path: Path) -> None:
    """Locust's workers and swarms end with it, also if a script had started it with ignored signals."""
    needs("/proc", Path("/proc/self/environ").exists())
    mark = f"LIVESCORE_TEST={tmp_path}"
    env = {**os.environ, "LIVESCORE_TEST": str(tmp_path), **tokens_of(system).environment()}
    command = locust(system, "--viewers", "10", "--goals", "1000", "--processes", "2")
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=deaf
    ) as process:
        try:
            assert process.stdout is not None
            assert any("goals posted" in line for line in process.stdout)
            assert len(marked(mark)) >= 4
            process.send_signal(how)
            process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    until(lambda: not marked(mark), "processes of the command still run")


def test_an_interrupted_command_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C in the middle of livescore loadtest ends locust, its swarms and the stack."""
    needs("/proc", Path("/proc/self/environ").exists())
    mark, env = f"LIVESCORE_TEST={tmp_path}", {**os.environ, "LIVESCORE_TEST": str(tmp_path)}
    command = [LIVESCORE, "loadtest", "--viewers", "10", "--goals", "1000", "--report", str(tmp_path / "report.html")]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any("goals posted" in line for line in process.stderr)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 130
        finally:
            process.kill()
    assert marked(mark) == []


@pytest.mark.parametrize(("transport", "shape"), [("momento", "goal-storm"), ("appsync-graphql", "reconnect-storm")])
def test_a_cell_of_another_transport_is_put_under_load(transport: str, shape: str, tmp_path: Path) -> None:
    """``--transport`` starts a stack with one cell of that transport, and the report says how to repeat the run."""
    report, results = tmp_path / "report.html", tmp_path / "results.json"
    options = ["--transport", transport, "--shape", shape, "--viewers", "10", "--goals", "3", "--pace", "0.2"]
    command = [LIVESCORE, "loadtest", *options, "--report", str(report), "--json", str(results)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=3 * SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    result = json.loads(results.read_text())
    assert (result["passed"], result["missed"], result["goals"]["posted"]) == (True, 0, 3)
    assert result["about"]["cell"] == "loaded"
    assert f"--transport {transport}" in report.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--transport", "fax"], "fax is not one of api-gateway, appsync-events"),
        (["--transport", "iot-core", "--gateway", "standin"], "a cell of iot-core has none. Leave it out."),
        (["--transport", "momento", "--shape", "reconnect-storm"], "viewers of momento hold none: they poll."),
        (
            ["--transport", "appsync-events", "--viewers", "1001"],
            "takes 1,000 viewers at most, and 1,001 were asked for",
        ),
    ],
)
def test_options_that_do_not_fit_a_transport_are_refused(options: list[str], said: str) -> None:
    """A gateway, a shape or a number of viewers that a transport cannot have is a sentence, before anything starts."""
    command = [LIVESCORE, "loadtest", *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 2
    assert said in " ".join(ran.stderr.replace("│", " ").split())


def deaf() -> None:
    """Start as a program does in the background of a script that ignores some signals and blocks others."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))


def marked(mark: str) -> list[str]:
    """Processes with a mark in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes().split(b"\0"):
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    """``livescore loadtest`` starts a stack, runs, and writes JSON for programs and a report for people."""
    report, figures = tmp_path / "report.html", tmp_path / "figures.json"
    command = [LIVESCORE, "loadtest", "--viewers", "20", "--goals", "3", "--pace", "0.2"]
    ran = subprocess.run(
        [*command, "--report", str(report), "--json", str(figures)],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(figures.read_text())["missed"] == 0
    assert report.read_text().count("<svg") == 4
    assert "missed 0" in ran.stdout


@pytest.mark.parametrize("options", [("--shape", "drizzle"), ("--viewers", "1"), ("--report", "/nowhere/report.html")])
def test_a_command_that_cannot_be_done_is_refused_at_once(options: tuple[str, ...]) -> None:
    """A command that cannot work is refused with a sentence before anything is started."""
    ran = subprocess.run([LIVESCORE, "loadtest", *options], capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
