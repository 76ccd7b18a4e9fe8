"""The packages that others install: built, installed into empty folders, and used with nothing else of ours."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from client import UnknownMatchError, follow
from devstack.system import ROOT
from tests.support import needs, until

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.operator.api_client import Operator
    from devstack.system import System

SECONDS = 20.0
PACKAGES = ROOT / "tests/web/node_modules"
"""Of the tests in Node: ws and TypeScript, which make web-test installs."""

UV = (sys.executable, "-m", "uv")
VERSION = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
PYTHON_PROGRAM = """
from livescore_client import Event, FollowError, follow

async def show() -> None:
    try:
        async with follow("wss://a.example/live", "wc22-final", token=lambda: "t", score_only=True) as match:
            async for event in match:
                line(event, match.board.home if match.board else "")
    except FollowError as error:
        print(error)

def line(event: Event, home: str) -> str:
    seq: str = event["seq"]  # type: ignore[assignment]
    return event.get("player") or home + seq

follow("wss://a.example/live", 1)  # type: ignore[arg-type]
"""
TYPESCRIPT_PROGRAM = """
import { Livescore, type MatchEvent } from "livescore-client";
const live = new Livescore({ websockets: "wss://a.example/live" });
for await (const event of live.follow("wc22-final")) console.log(event satisfies MatchEvent, event.score?.[0]);
// @ts-expect-error a match has a name
live.follow(1);
"""


def ran(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(text: str) -> str:
    """The first program of docs/client.md that holds a text."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", (ROOT / "docs/client.md").read_text(), re.MULTILINE)
    return next(re.sub("^ {4}", "", block, flags=re.MULTILINE) for block in blocks if text in block)


def node_there() -> bool:
    """Whether there are Node 20, npm and the packages of the tests in Node."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None or not (PACKAGES / "ready").exists():
        return False
    return subprocess.run([node, ROOT / "tests/web/version.mjs"], check=False).returncode == 0


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which both packages were built, as ``make dist`` does."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "livescore_client-0.0.1-py3-none-any.whl").touch()
    subprocess.run(
        [sys.executable, "-m", "devstack.builds.client_packages", folder],
        cwd=ROOT,
        check=shutil.which("npm") is not None,
    )
    return folder


@pytest.fixture(scope="module")
def python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which there is the wheel, and what it needs."""
    [wheel] = dist.glob("*.whl")
    folder = tmp_path_factory.mktemp("python")
    ran(*UV, "venv", "--quiet", "--python", sys.executable, "env", cwd=folder)
    python = folder / "env/bin/python"
    # The versions that the other tests run with, which are on this machine already.
    pinned = ("--constraint", ROOT / "requirements/dev.txt")
    ran(*UV, "pip", "install", "--quiet", "--python", python, *pinned, wheel, cwd=folder)
    return python


@pytest.fixture(scope="module")
def project(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which there are the npm package and ws; Node 20 has no WebSocket of its own."""
    needs("Node 20 with npm and the packages that make web-test installs", node_there())
    [tarball] = dist.glob("*.tgz")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    ran("npm", "install", "--offline", "--no-audit", "--no-fund", tarball, PACKAGES / "ws", cwd=folder)
    return folder


def of_docs(word: str, system: System, match: str) -> str:
    """A program of the docs, with the addresses of the running system and one of its matches put in."""
    text = re.sub(r'"ws://[^"]+"', json.dumps(system.websocket_url), program(word))
    return text.replace("http://127.0.0.1:4580", system.api_url).replace("wc22-final", match)


@pytest.fixture(params=["Python", "Node"])
def command(request: pytest.FixtureRequest, system: System, match: str) -> list[str | Path]:
    """The command that runs the program of docs/client.md, in an environment that has the package only."""
    if request.param == "Python":
        python: Path = request.getfixturevalue("python")
        return [python, "-I", "-u", "-W", "error", "-c", of_docs("from livescore_client", system, match)]
    project: Path = request.getfixturevalue("project")
    (project / "follow.js").write_text(of_docs('from "livescore-client"', system, match))
    return ["node", project / "follow.js"]


def test_the_lines_of_the_docs_follow_a_match(
    command: list[str | Path], operator: Operator, match: str, tmp_path: Path
) -> None:
    """With the package alone, the few lines of docs/client.md print the kick-off and then a goal of a running match."""
    shown = tmp_path / "shown"
    with shown.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=tmp_path) as process:

        def says(line: str) -> bool:
            """Whether the program has printed a line; it must not have ended."""
            assert process.poll() is None, shown.read_text()
            return line in [each.rstrip() for each in shown.read_text().splitlines()]

        try:
            operator.post_event(match, {"kind": "kick_off"})
            until(lambda: says("kick_off"), "the kick-off is not shown")
            goal = {"kind": "goal", "team": "home", "minute": 23, "player": "Lionel Messi"}
            operator.post_event(match, goal)
            until(lambda: says("goal 23 Lionel Messi"), "the goal is not shown")
        finally:
            process.kill()
    assert len(shown.read_text().splitlines()) == 2


async def test_an_unknown_match_is_told_by_the_running_system(system: System, match_id: str) -> None:
    """A loop over a match that does not exist ends with the server's sentence."""
    with pytest.raises(UnknownMatchError, match=f"{match_id}: There is no such match"):
        await asyncio.wait_for(anext(follow(system.websocket_url, match_id, api=system.api_url)), SECONDS)


def test_the_wheel_has_every_transport(python: Path, tmp_path: Path) -> None:
    """Each transport that the client knows is imported from the wheel, with nothing else of ours."""
    names = "[f'livescore_client.transports.{each}' for each in BROADCASTING.values()]"
    code = "from importlib import import_module; from livescore_client.dialer import BROADCASTING; "
    loaded = ran(python, "-I", "-c", f"{code}print(len([import_module(each) for each in {names}]))", cwd=tmp_path)
    assert loaded.strip() == "4"


def test_a_program_is_checked_by_mypy(python: Path, tmp_path: Path) -> None:
    """``mypy --strict`` takes the docs' program and one that uses more, and finds the two mistakes in the latter."""
    (tmp_path / "program.py").write_text(PYTHON_PROGRAM)
    (tmp_path / "docs.py").write_text(program("from livescore_client"))
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "cache")
    assert "no issues" in ran(*mypy, "--python-executable", python, "program.py", "docs.py", cwd=tmp_path)


def test_a_program_is_checked_by_typescript(project: Path) -> None:
    """The compiler of TypeScript takes a program that uses the installed package, and finds its mistake."""
    (project / "program.ts").write_text(TYPESCRIPT_PROGRAM)
    tsc = (PACKAGES / ".bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    ran(*tsc, "--types", "", "program.ts", cwd=project)


def test_the_npm_package_has_every_transport(project: Path) -> None:
    """Each file of web/transports is in the package, and loads with the package alone."""
    names = sorted(each.name for each in (ROOT / "web/transports").iterdir())
    assert len(names) > 4
    loads = "\n".join(f'await import("./node_modules/livescore-client/transports/{name}");' for name in names)
    (project / "transports.js").write_text(loads)
    ran("node", "transports.js", cwd=project)


def test_both_have_the_version_of_the_project(python: Path, project: Path, dist: Path) -> None:
    """Both packages have the project's version, and take the place of earlier ones in the folder."""
    code = "from importlib.metadata import version; print(version('livescore-client'))"
    assert ran(python, "-c", code, cwd=project).strip() == VERSION
    installed = json.loads((project / "node_modules/livescore-client/package.json").read_text())
    assert installed["version"] == VERSION
    assert sorted(each.suffix for each in dist.iterdir()) == [".tgz", ".whl"]


def test_without_npm_there_is_the_wheel_and_a_sentence(tmp_path: Path) -> None:
    """Where npm is missing, the wheel is built all the same, and one sentence says what is not."""
    command = (sys.executable, "-m", "devstack.builds.client_packages", tmp_path)
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "dist: There is no npm here, so only the wheel was built.\n"
    assert [each.suffix for each in tmp_path.iterdir()] == [".whl"]
