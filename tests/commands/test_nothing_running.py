"""The commands where no stack is running."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from typer.testing import CliRunner

from commands.cli import app
from devstack.operator import terminal_scoreboard
from devstack.operator.api_client import ApiError, Operator
from devstack.operator.local_system import nothing_answers, system_at
from devstack.stack.ministack import free_port
from devstack.system import System
from loadtest.terminal_text import public_url

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

SECRET = "SECRETeyJhbGciOiJSUzI1NiJ9"
COMMANDS = [
    "goal m home --minute 3",
    "event m kick_off",
    "stop m",
    "token",
    "token viewer",
    "smoke",
    "smoke --json",
    "watch m",
    "receipts m",
    "trace m 1",
    "redrive",
    "replay FILE --all",
    "match create A B",
    "match list",
    "match show m",
    "match change m --home A",
    "match remove m --yes",
    "match lineups m",
    "match reset m --yes",
]


def run(command: str, **environment: str) -> Result:
    """Run the command with nothing of the environment that would name a system or a token."""
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LIVESCORE_")}
    return CliRunner().invoke(app, command.split(), env={**env, **environment})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_a_stack_asks_whether_one_is_running(command: str, tmp_path: Path) -> None:
    """Each command that needs a stack ends with one sentence, which names the URL and asks for ``livescore up``."""
    system = System(free_port())
    feed = tmp_path / "feed.json"
    goals = [{"name": "A", "minute": 3}]
    played = {"date": "2024-07-14", "team1": "A", "team2": "B", "score": {"ft": [1, 0]}, "goals1": goals}
    feed.write_text(json.dumps({"name": "Cup", "matches": [played | {"goals2": []}]}))
    ran = run(command.replace("FILE", str(feed)), LIVESCORE_API=system.api_url, LIVESCORE_WS=system.websocket_url)
    assert ran.exit_code == 1, ran.output
    assert ran.output.count("Is `livescore up` running?") == 1, ran.output
    assert f"127.0.0.1:{system.port}" in ran.output
    assert "Error" not in ran.output
    assert "identity provider" not in ran.output


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://[::1", "ftp://127.0.0.1/", "http://127.0.0.1:99999"])
@pytest.mark.parametrize("command", ["goal m home --minute 3", "token", "smoke", "match list", "redrive"])
def test_an_address_that_is_none_is_a_sentence(command: str, url: str) -> None:
    """A mistyped LIVESCORE_API is said in words, without a traceback."""
    ran = run(command, LIVESCORE_API=url)
    assert (ran.exit_code, "livescore: " in ran.output) == (1, True), ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit)


@pytest.mark.parametrize("command", ["watch m"])
def test_a_viewer_s_token_that_is_too_long_is_a_sentence(command: str) -> None:
    """LIVESCORE_VIEWER_TOKEN above what an address holds is said in words, before anything is asked."""
    ran = run(command, LIVESCORE_VIEWER_TOKEN="x" * 3073, LIVESCORE_WS="ws://127.0.0.1:1/live")
    assert (ran.exit_code, "3,072 at most" in ran.output, "xxx" in ran.output) == (1, True, False), ran.output


def test_only_an_address_of_this_machine_asks_for_a_stack() -> None:
    """A deployed system is not started by ``livescore up``, so its user is not asked for it."""
    assert nothing_answers("https://x.example.org/a?token=b") == (
        "Nothing answers at https://x.example.org/a. Is the address right?"
    )
    assert system_at("https://x.example.org/livescoreapi") is None
    assert system_at(System(4711).api_url) == System(4711)


@pytest.mark.parametrize(
    "url", [f"ws://127.0.0.1:1/live?token={SECRET}", f"ws://u:{SECRET}@127.0.0.1:1/live", f"ws://127.0.0.1:1/#{SECRET}"]
)
async def test_no_error_shows_a_token(url: str) -> None:
    """A URL in an error ends before the query, and begins after user and password."""
    with pytest.raises(ApiError) as failed:
        await terminal_scoreboard.watch(
            url, url.replace("ws", "http", 1), "m", Console(file=io.StringIO()), as_json=False, until_full_time=False
        )
    assert SECRET not in str(failed.value)
    assert "127.0.0.1:1" in str(failed.value)
    with pytest.raises(ApiError) as failed, Operator(url.replace("ws", "http", 1)) as operator:
        operator.snapshot("m")
    assert SECRET not in str(failed.value)
    assert SECRET not in public_url(url)
